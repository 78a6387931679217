//! Changes that wait for their feed: those that wait together are made together.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use pakhus_core::replication::EditContext;
use pakhus_core::{Change, Committed, Edit, Precondition};
use tokio::sync::oneshot;

use crate::Result;

/// The most changes that are made together.
const MOST_CHANGES: usize = 100;

/// The most edits of changes that are made together, unless one has more by itself.
const MOST_EDITS: usize = 1_000;

/// A change that waits, and somebody who waits for what becomes of it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) change: Change,
    pub(super) context: EditContext,
    answer: oneshot::Sender<Result<Committed>>,
}

impl Waiting {
    pub(super) fn new(
        change: Change,
        context: EditContext,
    ) -> (Self, oneshot::Receiver<Result<Committed>>) {
        let (answer, answered) = oneshot::channel();
        (Self { change, context, answer }, answered)
    }

    /// Says what became of it. Nobody may be there any more to hear it.
    pub(super) fn answer(self, outcome: Result<Committed>) {
        let _ = self.answer.send(outcome);
    }

    /// The packages that it looks at or changes.
    fn packages(&self) -> impl Iterator<Item = &str> {
        let looked_at = self.change.preconditions.iter().map(|precondition| match precondition {
            Precondition::Fingerprint { name, .. } => name.key(),
        });
        let changed = self.change.edits.iter().map(|edit| match edit {
            Edit::Publish(new) => new.name.key(),
            Edit::SetTag { name, .. }
            | Edit::RemoveTag { name, .. }
            | Edit::SetAttribute { name, .. }
            | Edit::Delete { name, .. } => name.key(),
        });
        looked_at.chain(changed)
    }
}

/// The changes that wait, by feed.
#[derive(Debug, Default)]
pub(crate) struct Queues(Mutex<HashMap<i64, VecDeque<Waiting>>>);

impl Queues {
    /// Adds a change. True when nobody is at work on the feed's: the caller is then.
    pub(super) fn add(&self, feed_id: i64, waiting: Waiting) -> bool {
        let mut queues = self.lock();
        let is_first = !queues.contains_key(&feed_id);
        queues.entry(feed_id).or_default().push_back(waiting);
        is_first
    }

    /// Whether nothing waits any more; whoever was at work on the feed's is so no longer then.
    pub(super) fn is_done(&self, feed_id: i64) -> bool {
        let mut queues = self.lock();
        let is_done = queues.get(&feed_id).is_none_or(VecDeque::is_empty);
        if is_done {
            queues.remove(&feed_id);
        }
        is_done
    }

    /// Takes changes that can be made together: no two of them touch one package, so that none has to
    /// see what another does. Leaves out those that nobody waits for any more.
    pub(super) fn take_group(&self, feed_id: i64) -> Vec<Waiting> {
        let mut queues = self.lock();
        let Some(queue) = queues.get_mut(&feed_id) else { return Vec::new() };
        let mut group: Vec<Waiting> = Vec::new();
        let mut later = VecDeque::new();
        let mut touched = HashSet::new();
        let mut edits = 0;
        while let Some(waiting) = queue.pop_front() {
            if waiting.answer.is_closed() {
                continue;
            }
            let is_alone = waiting.packages().all(|package| !touched.contains(package));
            edits += waiting.change.edits.len();
            touched.extend(waiting.packages().map(str::to_owned));
            if is_alone && (group.is_empty() || edits <= MOST_EDITS) {
                group.push(waiting);
            } else {
                later.push_back(waiting);
            }
            if group.len() == MOST_CHANGES || edits > MOST_EDITS {
                break;
            }
        }
        later.append(queue);
        *queue = later;
        group
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<i64, VecDeque<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who is at work on the changes of a feed. Should it panic, those that wait are given up, and
/// the next one that comes is worked on again.
pub(super) struct Working<'q> {
    pub(super) queues: &'q Queues,
    pub(super) feed_id: i64,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queues.lock().remove(&self.feed_id);
        }
    }
}
