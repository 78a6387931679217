//! One execution of a replication client: its log in the database, its progress in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pakhus_db::executions::{self, Ending, Status, Trigger};
use pakhus_db::feeds::Feed;
use serde::Serialize;
use tokio::task::JoinHandle;

use super::journal::ExecutionJournal;
use crate::app::{App, now};
use crate::diagnostics::level;

/// The category of replication's executions and diagnostics.
pub(crate) const CATEGORY: &str = "feed-replication";

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
        let (journal, writer) =
            ExecutionJournal::open(app, id, feed.name().to_string(), Arc::clone(&progress));
        let (app, feed) = (app.clone(), Arc::clone(feed));
        Ok(Self { app, id, feed, progress, journal, writer })
    }

    /// Where the run tells what it does.
    pub(super) fn journal(&self) -> Arc<ExecutionJournal> {
        Arc::clone(&self.journal)
    }

    pub(super) fn warnings(&self) -> u64 {
        self.journal.warnings()
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
