//! The collection of garbage: blobs that nothing names any more are removed.
//!
//! It stops nothing. A blob is spared as long as it was stored, brought by a client or looked at by who
//! is about to name it less than the time of grace ago; the blob store sees to it that a blob that is
//! looked at in that way at the moment of its removal stays. One that is cut off has removed some of the
//! garbage, and the next goes on.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use pakhus_blobs::ListedBlob;
use pakhus_core::{Digest, Timestamp};
use pakhus_db::executions::{self, Ending, LogLine, Status, Trigger};
use pakhus_db::garbage;
use serde_json::json;
use tokio::sync::Mutex;

use crate::app::{App, now};
use crate::diagnostics::level;

/// The category of its executions.
const CATEGORY: &str = "garbage-collection";

/// How many blobs are looked up at once.
const AT_ONCE: usize = 1_000;

/// The most removed blobs that the log of a run names.
const MOST_NAMED: usize = 500;

/// How often it is looked whether a run is due.
const LOOK: Duration = Duration::from_secs(60);

/// When garbage is collected, and how young it is spared.
pub(crate) struct Collector {
    grace: Duration,
    interval: Duration,
    /// Held by the run that goes on.
    running: Mutex<()>,
}

/// What a run found.
#[derive(Debug, Default)]
struct Found {
    blobs: u64,
    bytes: u64,
    looked_at: u64,
    lines: Vec<LogLine>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
enum CollectionError {
    #[error(transparent)]
    Database(#[from] pakhus_db::Error),
    #[error(transparent)]
    Blobs(#[from] pakhus_blobs::Error),
}

impl Collector {
    pub(crate) fn new(grace: Duration, interval: Duration) -> Self {
        Self { grace, interval, running: Mutex::default() }
    }
}

/// Starts a run that somebody asked for; it goes on in a task of its own.
///
/// # Errors
/// When the database fails.
pub(crate) async fn start(app: &App, dry_run: bool) -> pakhus_db::Result<i64> {
    let id = record(app, Trigger::Manual).await?;
    let app = app.clone();
    tokio::spawn(async move {
        let _alone = app.collector.running.lock().await;
        run(&app, id, dry_run).await;
    });
    Ok(id)
}

/// Collects garbage at the interval that is configured, as long as the server runs.
pub(crate) async fn keep_collecting(app: App) {
    loop {
        tokio::time::sleep(LOOK.min(app.collector.interval)).await;
        match is_due(&app).await {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => {
                tracing::warn!(%error, "it is not known when garbage was last collected");
                continue;
            }
        }
        let _alone = app.collector.running.lock().await;
        match record(&app, Trigger::Schedule).await {
            Ok(id) => run(&app, id, false).await,
            Err(error) => tracing::warn!(%error, "no garbage is collected"),
        }
    }
}

/// Whether the last run began an interval ago. Other nodes' runs count too.
async fn is_due(app: &App) -> pakhus_db::Result<bool> {
    let category = Some(CATEGORY.to_owned());
    let filter = executions::Filter { category, ..executions::Filter::default() };
    let last = executions::list(&app.database, &filter, 1).await?;
    let last = last.first().map_or(Timestamp::EPOCH, |run| run.started_at);
    Ok(last.millis() < before(app.collector.interval).millis())
}

async fn record(app: &App, trigger: Trigger) -> pakhus_db::Result<i64> {
    executions::start(&app.database, CATEGORY, None, trigger, &app.node, now()).await
}

async fn run(app: &App, id: i64, dry_run: bool) {
    let mut found = Found::default();
    let outcome = collect(app, dry_run, &mut found).await;
    let verb = if dry_run { "would remove" } else { "removed" };
    let (status, summary) = match outcome {
        Ok(()) => {
            let Found { blobs, bytes, looked_at, .. } = found;
            let text = format!("{verb} {blobs} of {looked_at} blobs, {bytes} bytes");
            (Status::Done, text)
        }
        Err(error) => {
            tracing::error!(%error, "garbage could not be collected");
            found.say(level::ERROR, error.to_string());
            (Status::Failed, error.to_string())
        }
    };
    let Found { blobs, bytes, looked_at, lines } = found;
    let counts = json!({ "removed": blobs, "bytes": bytes, "looked_at": looked_at }).to_string();
    let ending = Ending { status, summary: &summary, counts: &counts, changed: blobs > 0 };
    let logged = executions::log(&app.database, id, 0, &lines).await;
    let ended = executions::finish(&app.database, id, ending, now()).await;
    if let Err(error) = logged.and(ended) {
        tracing::error!(%error, "the end of an execution could not be kept");
    }
}

async fn collect(app: &App, dry_run: bool, found: &mut Found) -> Result<(), CollectionError> {
    let grace = app.collector.grace;
    if !dry_run {
        garbage::forget_brought(&app.database, before(grace)).await?;
    }
    let mut listed = app.blobs.list().chunks(AT_ONCE);
    while let Some(blobs) = listed.next().await {
        let blobs = blobs.into_iter().collect::<Result<Vec<ListedBlob>, _>>()?;
        found.looked_at += blobs.len() as u64;
        let now = SystemTime::now();
        let is_old =
            |blob: &&ListedBlob| now.duration_since(blob.stored_at).is_ok_and(|age| age >= grace);
        let old: Vec<_> = blobs.iter().filter(is_old).collect();
        let digests: Vec<Digest> = old.iter().map(|blob| blob.digest).collect();
        for digest in garbage::unnamed(&app.database, &digests, before(grace)).await? {
            let size = match dry_run {
                true => old.iter().find(|blob| blob.digest == digest).map(|blob| blob.size),
                false => app.blobs.collect(&digest, grace).await?,
            };
            let Some(size) = size else { continue };
            found.blobs += 1;
            found.bytes += size;
            if found.lines.len() < MOST_NAMED {
                let verb = if dry_run { "would remove" } else { "removed" };
                found.say(level::INFO, format!("{verb} {digest}, {size} bytes"));
            }
        }
    }
    Ok(())
}

impl Found {
    fn say(&mut self, level: i64, text: String) {
        self.lines.push(LogLine { at: now(), level, text });
    }
}

/// So long ago.
fn before(span: Duration) -> Timestamp {
    let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(now().millis().saturating_sub(millis))
}
