//! When feeds run: when something changed here or at the source, and by their interval in any case.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pakhus_core::replication::ClientMode;
use pakhus_core::replication::engine::has_unsent;
use pakhus_db::executions::Trigger;
use pakhus_db::feeds::Feed;
use pakhus_db::links;
use tokio::task::AbortHandle;

use super::execution::Execution;
use super::lease::as_scheduler;
use super::run::{AfterRun, RunOptions, run};
use super::source::SourceError;
use super::wire::MAX_WAIT;
use crate::app::App;

/// Changes that come within this time travel in one run.
const GATHER: Duration = Duration::from_millis(20);
/// After a failed run the next comes after this long, and twice as long after each further one, up to
/// the interval. So do questions to a source that does not answer.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Keeps a task for every feed that is a replication client, as long as it is one.
pub(crate) async fn keep_schedule(app: App) {
    let mut changed = app.feeds.watch();
    let mut tasks: HashMap<i64, (Arc<Feed>, AbortHandle)> = HashMap::new();
    loop {
        let feeds = app.feeds.all();
        tasks.retain(|id, (known, task)| {
            let same = feeds.values().any(|feed| feed.id == *id && feed == known);
            if !same {
                task.abort();
            }
            same
        });
        for feed in feeds.values() {
            let runs = feed.settings.client.mode != ClientMode::Disabled && !feed.paused;
            if runs && !tasks.contains_key(&feed.id) {
                let task = tokio::spawn(keep_in_step(app.clone(), Arc::clone(feed)));
                tasks.insert(feed.id, (Arc::clone(feed), task.abort_handle()));
            }
        }
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Runs one feed, again and again.
async fn keep_in_step(app: App, feed: Arc<Feed>) {
    loop {
        as_scheduler(&app, feed.id, run_for_good(&app, &feed)).await;
    }
}

async fn run_for_good(app: &App, feed: &Arc<Feed>) {
    let interval = Duration::from_millis(feed.settings.client.interval_ms.max(100));
    let mut trigger = Trigger::Schedule;
    let mut failures = 0_u32;
    loop {
        let ran = run_apart(app, feed, trigger).await;
        let Some(after) = ran else {
            tokio::time::sleep(retry_after(failures, interval)).await;
            failures = failures.saturating_add(1);
            trigger = Trigger::Schedule;
            continue;
        };
        failures = 0;
        trigger = next_trigger(app, feed, &after, interval).await;
    }
}

fn retry_after(failures: u32, interval: Duration) -> Duration {
    FIRST_RETRY.saturating_mul(1 << failures.min(16)).min(interval)
}

/// Runs in a task of its own: this task is aborted when the feed is set differently, and a run goes on
/// to its end.
async fn run_apart(app: &App, feed: &Arc<Feed>, trigger: Trigger) -> Option<AfterRun> {
    let (app, feed) = (app.clone(), Arc::clone(feed));
    let running = tokio::spawn(async move {
        match Execution::start(&app, &feed, trigger).await {
            Ok(execution) => run(&app, execution, RunOptions::default()).await,
            Err(error) => {
                tracing::error!(%error, "an execution could not be started");
                None
            }
        }
    });
    running.await.ok().flatten()
}

/// Waits for a reason to run.
async fn next_trigger(app: &App, feed: &Feed, after: &AfterRun, interval: Duration) -> Trigger {
    let mode = feed.settings.client.mode;
    let here = async {
        if mode.pushes() {
            change_here(app, feed, after).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let there = async {
        if mode.pulls() {
            change_there(app, feed, after, interval).await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = tokio::time::sleep(interval) => Trigger::Schedule,
        () = here => Trigger::Change,
        () = there => Trigger::Change,
    }
}

/// Waits until this feed has something that the source is not known to have.
async fn change_here(app: &App, feed: &Feed, after: &AfterRun) {
    let mut head = app.database.watch_head(feed.id);
    let mut since = after.link.push_seq;
    loop {
        head.borrow_and_update();
        match has_unsent(&after.store, since).await {
            Ok(None) => return tokio::time::sleep(GATHER).await,
            Ok(Some(through)) => since = through,
            Err(error) => tracing::warn!(%error, "the feed's own changes could not be read"),
        }
        if head.changed().await.is_err() {
            return;
        }
    }
}

/// Waits until the source has something new, by a request that it holds.
async fn change_there(app: &App, feed: &Feed, after: &AfterRun, interval: Duration) {
    let mut cursor = after.link.cursor.clone();
    let mut failures = 0_u32;
    loop {
        let asked = tokio::time::Instant::now();
        match after.source.changes(&cursor, false, 1, MAX_WAIT).await {
            Ok(page) if page.end.through == cursor.seq => {
                app.replicator.sources.told(feed.id, page.end.head.seq, true);
                // A source that does not hold its answers must not be asked in a loop.
                if asked.elapsed() < Duration::from_secs(1) {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                // A manual run may have moved the cursor meanwhile.
                if let Ok(Some(moved)) = links::find(&app.database, feed.id).await {
                    cursor = moved.cursor;
                }
            }
            Ok(page) => {
                app.replicator.sources.told(feed.id, page.end.head.seq, false);
                return tokio::time::sleep(GATHER).await;
            }
            Err(SourceError::Diverged(_) | SourceError::Expired(_)) => {
                return tokio::time::sleep(GATHER).await;
            }
            // The line is down, or the source. It is asked again, so that it need not wait for the
            // interval when it is back.
            Err(_) => {
                tokio::time::sleep(retry_after(failures, interval)).await;
                failures = failures.saturating_add(1);
            }
        }
    }
}
