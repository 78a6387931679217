//! Changes that come from other sites.

use std::collections::HashMap;

use crate::links::{self, LinkProgress};
use crate::write::{Replacement, Write, lock_feed, states_of, write_records};
use crate::{Database, Result};
use pakhus_core::Timestamp;
use pakhus_core::replication::{Kept, MergePolicy, Merged, Position, RecordKey, State, merge};

/// What became of a page of records that came from another site.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The end of this feed's log before the page.
    pub start: Position,
    /// The end of this feed's log after it.
    pub end: Position,
    /// How many records changed something.
    pub applied: u64,
    /// How many of them took a version away.
    pub deleted: u64,
    /// How many contents lost a conflict and were kept aside.
    pub conflicts: u64,
    /// The records whose state here won, with it.
    pub kept_local: Vec<(RecordKey, State)>,
}

/// Merges `writes` (no key twice), all of whose blobs are here, into the feed in one transaction,
/// together with the progress of the link that brought them, if a link of this feed did.
///
/// # Errors
/// When the feed is gone or the database fails; nothing has changed then.
pub async fn apply(
    database: &Database,
    feed_id: i64,
    writes: Vec<Write>,
    policy: MergePolicy,
    progress: Option<&LinkProgress>,
    now: Timestamp,
) -> Result<Outcome> {
    let transaction = database.begin().await?;
    let mut feed = lock_feed(&transaction, feed_id).await?;
    let start = feed.end;
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    let mut local = states_of(&transaction, feed_id, &keys).await?;
    if progress.is_some() {
        let seen = writes.iter().map(|write| (&write.key, write.state.digest()));
        links::set_shadows(&transaction, feed_id, seen).await?;
    }
    let (replacements, kept_local) = decide(writes, &mut local, policy);
    write_records(&transaction, &mut feed, &replacements, now).await?;
    if let Some(progress) = progress {
        links::save_progress(&transaction, feed_id, progress).await?;
    }
    transaction.commit().await?;
    database.announce_head(feed_id, feed.end.seq);
    let count = |kept: Kept| {
        replacements.iter().filter(|replacement| replacement.kept == Some(kept)).count() as u64
    };
    Ok(Outcome {
        start,
        end: feed.end,
        applied: replacements.len() as u64,
        deleted: count(Kept::Trash),
        conflicts: count(Kept::Conflict),
        kept_local,
    })
}

fn decide(
    writes: Vec<Write>,
    local: &mut HashMap<RecordKey, State>,
    policy: MergePolicy,
) -> (Vec<Replacement>, Vec<(RecordKey, State)>) {
    let mut replacements = Vec::with_capacity(writes.len());
    let mut kept_local = Vec::new();
    for write in writes {
        let previous = local.remove(&write.key);
        match merge(previous.as_ref(), &write.state, policy) {
            Merged::Same => {}
            Merged::KeepLocal => kept_local.extend(previous.map(|state| (write.key, state))),
            Merged::TakeRemote(kept) => {
                replacements.push(Replacement { write, previous, kept });
            }
        }
    }
    (replacements, kept_local)
}

/// What a page would do, without doing it.
///
/// # Errors
/// When the database fails.
pub async fn preview(
    database: &Database,
    feed_id: i64,
    writes: &[Write],
    policy: MergePolicy,
) -> Result<Vec<(RecordKey, Merged)>> {
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    let local = states_of(database.reader(), feed_id, &keys).await?;
    Ok(writes
        .iter()
        .map(|write| (write.key.clone(), merge(local.get(&write.key), &write.state, policy)))
        .collect())
}
