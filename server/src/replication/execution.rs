//! One execution of a replication client: its log in the database, its progress in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pakhus_core::replication::engine::{Journal, JournalLevel, Movement};
use pakhus_db::executions::{self, Ending, LogLine, Status, Trigger};
use pakhus_db::feeds::Feed;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::app::{App, now};
use crate::diagnostics::level;

/// The category of replication's executions and diagnostics.
pub(crate) const CATEGORY: &str = "feed-replication";

/// The most lines of one execution's log; what comes after is only counted.
const MAX_LINES: i64 = 2_000;

/// The most characters of a line: what another site says may be in it.
const MAX_LINE: usize = 800;

/// How far an execution has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    phase: Mutex<&'static str>,
    pub(super) records_done: AtomicU64,
    pub(super) records_total: AtomicU64,
    pub(super) blobs_done: AtomicU64,
    pub(super) blobs_total: AtomicU64,
    pub(super) bytes_done: AtomicU64,
    pub(super) bytes_total: AtomicU64,
}

/// How far an execution has come, as the API says it.
#[derive(Debug, Serialize)]
pub(crate) struct ProgressReport {
    phase: &'static str,
    records_done: u64,
    records_total: u64,
    blobs_done: u64,
    blobs_total: u64,
    bytes_done: u64,
    bytes_total: u64,
}

impl Progress {
    pub(super) fn report(&self) -> ProgressReport {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ProgressReport {
            phase: *self.phase.lock().unwrap_or_else(PoisonError::into_inner),
            records_done: read(&self.records_done),
            records_total: read(&self.records_total),
            blobs_done: read(&self.blobs_done),
            blobs_total: read(&self.blobs_total),
            // What was sent in vain is counted too.
            bytes_done: read(&self.bytes_done).min(read(&self.bytes_total)),
            bytes_total: read(&self.bytes_total),
        }
    }

    pub(super) fn set_phase(&self, phase: &'static str) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    pub(super) fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Ordering::Relaxed);
    }
}

/// A running execution.
pub(super) struct Execution {
    app: App,
    pub(super) id: i64,
    pub(super) feed: Arc<Feed>,
    pub(super) progress: Arc<Progress>,
    journal: Arc<ExecutionJournal>,
    writer: JoinHandle<()>,
}

/// Takes the lines of an execution's log; a task of its own writes them, many at a time.
pub(super) struct ExecutionJournal {
    lines: Mutex<Option<mpsc::UnboundedSender<LogLine>>>,
    progress: Arc<Progress>,
    warnings: AtomicU64,
    feed: String,
    id: i64,
}

impl Execution {
    /// Records that an execution began.
    pub(super) async fn start(
        app: &App,
        feed: &Arc<Feed>,
        trigger: Trigger,
    ) -> pakhus_db::Result<Self> {
        let about = Some((feed.id, feed.name().as_str()));
        let id =
            executions::start(&app.database, CATEGORY, about, trigger, &app.node, now()).await?;
        let progress = Arc::new(Progress::default());
        let mut running = app.replicator.progress.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id, Arc::clone(&progress));
        drop(running);
        let (sender, receiver) = mpsc::unbounded_channel();
        let journal = Arc::new(ExecutionJournal {
            lines: Mutex::new(Some(sender)),
            progress: Arc::clone(&progress),
            warnings: AtomicU64::new(0),
            feed: feed.name().to_string(),
            id,
        });
        let writer = tokio::spawn(write_log(app.clone(), id, receiver));
        let (app, feed) = (app.clone(), Arc::clone(feed));
        Ok(Self { app, id, feed, progress, journal, writer })
    }

    /// Where the run tells what it does.
    pub(super) fn journal(&self) -> Arc<ExecutionJournal> {
        Arc::clone(&self.journal)
    }

    pub(super) fn warnings(&self) -> u64 {
        self.journal.warnings.load(Ordering::Relaxed)
    }

    /// Records how the execution ended, after all lines of its log.
    pub(super) async fn finish(mut self, result: Result<Finished, String>) {
        let (status, Finished { summary, counts, changed }) = match result {
            Ok(finished) => (Status::Done, finished),
            Err(error) => {
                self.journal.line(level::ERROR, error.clone());
                let counts = "{}".to_owned();
                (Status::Failed, Finished { summary: error, counts, changed: true })
            }
        };
        self.journal.close();
        if let Err(error) = (&mut self.writer).await {
            tracing::error!(%error, "the log of an execution was not written to its end");
        }
        let outcome = if status == Status::Done { "done" } else { "failed" };
        self.app.metrics.replication_run(self.feed.name().as_str(), outcome);
        let ending = Ending { status, summary: &summary, counts: &counts, changed };
        let ended = executions::finish(&self.app.database, self.id, ending, now());
        if let Err(error) = ended.await {
            tracing::error!(%error, "the end of an execution could not be kept");
        }
    }
}

impl ExecutionJournal {
    fn line(&self, level: i64, mut text: String) {
        if let Some((end, _)) = text.char_indices().nth(MAX_LINE) {
            text.truncate(end);
            text.push('…');
        }
        let (feed, execution) = (&self.feed, self.id);
        match level {
            level::ERROR => tracing::error!(%feed, execution, "{text}"),
            level::WARNING => tracing::warn!(%feed, execution, "{text}"),
            _ => tracing::info!(%feed, execution, "{text}"),
        }
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lines) = &*lines {
            let _ = lines.send(LogLine { at: now(), level, text });
        }
    }

    fn close(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
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

    fn moved(&self, movement: Movement) {
        match movement {
            Movement::Phase(phase) => self.progress.set_phase(phase),
            Movement::RecordsFound(count) => Progress::add(&self.progress.records_total, count),
            Movement::RecordsDone(count) => Progress::add(&self.progress.records_done, count),
        }
    }
}

/// Writes lines until there will be no more. A log that cannot be written does not stop the run.
async fn write_log(app: App, id: i64, mut lines: mpsc::UnboundedReceiver<LogLine>) {
    let mut written = 0;
    let mut batch = Vec::new();
    while lines.recv_many(&mut batch, 100).await > 0 {
        let left = usize::try_from(MAX_LINES - written).unwrap_or(0);
        if left > 0 && batch.len() >= left {
            batch.truncate(left);
            if let Some(last) = batch.last_mut() {
                "the log is full: further lines are left out".clone_into(&mut last.text);
            }
        }
        if left > 0
            && let Err(error) = executions::log(&app.database, id, written, &batch).await
        {
            tracing::error!(%error, "lines of an execution's log could not be kept");
        }
        if left > 0 {
            written += i64::try_from(batch.len()).unwrap_or(0);
        }
        batch.clear();
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.journal.close();
        let mut running =
            self.app.replicator.progress.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.id);
    }
}

/// What came of an execution that did what it was to do.
pub(super) struct Finished {
    /// One line.
    pub(super) summary: String,
    /// What it did, in numbers: a JSON object.
    pub(super) counts: String,
    /// Whether anything moved.
    pub(super) changed: bool,
}
