//! One execution of a replication client: its log in the database, its progress in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pakhus_db::executions::{self, LogLine, Status, Trigger};
use pakhus_db::feeds::Feed;
use serde::Serialize;

use crate::app::{App, now};
use crate::diagnostics::level;

/// The category of replication's executions and diagnostics.
pub(crate) const CATEGORY: &str = "feed-replication";

/// The most lines of one execution's log; what comes after is only counted.
const MAX_LINES: i64 = 2_000;

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
            bytes_done: read(&self.bytes_done),
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
    lines: i64,
    warnings: u64,
}

impl Execution {
    /// Records that an execution began.
    pub(super) async fn start(
        app: &App,
        feed: &Arc<Feed>,
        trigger: Trigger,
    ) -> pakhus_db::Result<Self> {
        let about = Some((feed.id, feed.name().as_str()));
        let id = executions::start(&app.database, CATEGORY, about, trigger, now()).await?;
        let progress = Arc::new(Progress::default());
        let mut running = app.replicator.progress.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id, Arc::clone(&progress));
        drop(running);
        let (app, feed) = (app.clone(), Arc::clone(feed));
        Ok(Self { app, id, feed, progress, lines: 0, warnings: 0 })
    }

    pub(super) async fn info(&mut self, text: impl Into<String>) {
        self.log(level::INFO, text.into()).await;
    }

    pub(super) async fn warning(&mut self, text: impl Into<String>) {
        self.warnings += 1;
        self.log(level::WARNING, text.into()).await;
    }

    pub(super) const fn warnings(&self) -> u64 {
        self.warnings
    }

    /// A log that cannot be written does not stop the run.
    async fn log(&mut self, level: i64, text: String) {
        let feed = self.feed.name();
        match level {
            level::ERROR => tracing::error!(%feed, execution = self.id, "{text}"),
            level::WARNING => tracing::warn!(%feed, execution = self.id, "{text}"),
            _ => tracing::info!(%feed, execution = self.id, "{text}"),
        }
        if self.lines >= MAX_LINES {
            return;
        }
        let text = if self.lines == MAX_LINES - 1 {
            "the log is full: further lines are left out".to_owned()
        } else {
            text
        };
        let line = LogLine { at: now(), level, text };
        if let Err(error) = executions::log(&self.app.database, self.id, self.lines, &line).await {
            tracing::error!(%error, "a line of an execution's log could not be kept");
        }
        self.lines += 1;
    }

    /// Records how the execution ended.
    pub(super) async fn finish(mut self, result: Result<Finished, String>) {
        let (status, summary, changed) = match result {
            Ok(Finished { summary, changed }) => (Status::Done, summary, changed),
            Err(error) => {
                self.log(level::ERROR, error.clone()).await;
                (Status::Failed, error, true)
            }
        };
        let outcome = if status == Status::Done { "done" } else { "failed" };
        self.app.metrics.replication_run(self.feed.name().as_str(), outcome);
        let ended =
            executions::finish(&self.app.database, self.id, status, &summary, changed, now());
        if let Err(error) = ended.await {
            tracing::error!(%error, "the end of an execution could not be kept");
        }
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        let mut running =
            self.app.replicator.progress.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.id);
    }
}

/// What came of an execution that did what it was to do.
pub(super) struct Finished {
    /// One line.
    pub(super) summary: String,
    /// Whether anything moved.
    pub(super) changed: bool,
}
