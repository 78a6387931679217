//! What an execution tells while it goes, kept in the database.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pakhus_core::replication::RecordKey;
use pakhus_core::replication::engine::{Journal, JournalLevel, Movement, describe};
use pakhus_db::executions::{self, Failure, LogLine};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::execution::Progress;
use crate::app::{App, now};
use crate::diagnostics::level;

/// The most lines of one execution's log; what comes after is only counted.
const MAX_LINES: usize = 2_000;

/// The most failures of one execution that are noted one by one.
const MAX_FAILURES: usize = 1_000;

/// The most characters of a line: what another site says may be in it.
const MAX_LINE: usize = 800;

/// Takes what an execution tells; a task of its own writes it, many entries at a time.
pub(super) struct ExecutionJournal {
    entries: Mutex<Option<mpsc::UnboundedSender<Entry>>>,
    progress: Arc<Progress>,
    warnings: AtomicU64,
    feed: String,
    id: i64,
}

enum Entry {
    Line(LogLine),
    Failure(Failure),
}

impl ExecutionJournal {
    /// The journal of the execution `id`, and the task that writes it.
    pub(super) fn open(
        app: &App,
        id: i64,
        feed: String,
        progress: Arc<Progress>,
    ) -> (Arc<Self>, JoinHandle<()>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let entries = Mutex::new(Some(sender));
        let journal = Self { entries, progress, warnings: AtomicU64::new(0), feed, id };
        (Arc::new(journal), tokio::spawn(write(app.clone(), id, receiver)))
    }

    /// How many warnings there were.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::Relaxed)
    }

    /// Adds a line to the log.
    pub(super) fn line(&self, level: i64, text: String) {
        let text = shortened(text);
        let (feed, execution) = (&self.feed, self.id);
        match level {
            level::ERROR => tracing::error!(%feed, execution, "{text}"),
            level::WARNING => tracing::warn!(%feed, execution, "{text}"),
            _ => tracing::info!(%feed, execution, "{text}"),
        }
        self.send(Entry::Line(LogLine { at: now(), level, text }));
    }

    /// Takes nothing more; the task that writes ends once all is written.
    pub(super) fn close(&self) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn send(&self, entry: Entry) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entries) = &*entries {
            let _ = entries.send(entry);
        }
    }
}

impl Journal for ExecutionJournal {
    fn log(&self, level: JournalLevel, text: String) {
        let level = match level {
            JournalLevel::Info => level::INFO,
            JournalLevel::Warning => {
                self.warnings.fetch_add(1, Ordering::Relaxed);
                level::WARNING
            }
        };
        self.line(level, text);
    }

    fn failed(&self, key: &RecordKey, reason: &str) {
        self.send(Entry::Failure(Failure {
            at: now(),
            package: shortened(key.name().to_owned()),
            version: key.version().map(|version| shortened(version.to_owned())),
            item: describe(key),
            reason: shortened(reason.to_owned()),
        }));
    }

    fn moved(&self, movement: Movement) {
        match movement {
            Movement::Phase(phase) => self.progress.set_phase(phase),
            Movement::RecordsFound(count) => Progress::add(&self.progress.records_total, count),
            Movement::RecordsDone(count) => Progress::add(&self.progress.records_done, count),
        }
    }
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_LINE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Writes entries until there will be no more. A log that cannot be written does not stop the run.
async fn write(app: App, id: i64, mut entries: mpsc::UnboundedReceiver<Entry>) {
    let (mut lines_written, mut failures_written) = (0, 0);
    let mut batch = Vec::new();
    while entries.recv_many(&mut batch, 100).await > 0 {
        let (mut lines, mut failures) = (Vec::new(), Vec::new());
        for entry in batch.drain(..) {
            match entry {
                Entry::Line(line) => lines.push(line),
                Entry::Failure(failure) => failures.push(failure),
            }
        }
        let left = MAX_LINES - lines_written;
        if lines.len() >= left {
            lines.truncate(left);
            if let Some(last) = lines.last_mut() {
                "the log is full: further lines are left out".clone_into(&mut last.text);
            }
        }
        failures.truncate(MAX_FAILURES - failures_written);
        let first = (number(lines_written), number(failures_written));
        lines_written += lines.len();
        failures_written += failures.len();
        if !lines.is_empty()
            && let Err(error) = executions::log(&app.database, id, first.0, &lines).await
        {
            tracing::error!(%error, "lines of an execution's log could not be kept");
        }
        if !failures.is_empty()
            && let Err(error) = executions::fail(&app.database, id, first.1, failures).await
        {
            tracing::error!(%error, "failures of an execution could not be kept");
        }
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
