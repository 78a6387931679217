//! One run of a replication client, recorded as an execution.

use std::sync::Arc;

use pakhus_core::PackageType;
use pakhus_core::replication::engine::{
    EngineError, FeedStore as _, Link, Options, Report, Verification, run as run_engine,
    verify as verify_with,
};
use pakhus_core::replication::{ClientMode, ClientSide, Cursor, Position, Verdict, verdict};
use pakhus_db::executions::Trigger;
use pakhus_db::feeds::Feed;
use pakhus_db::leases::Lease;

use super::execution::{CATEGORY, Execution, Finished, Progress};
use super::lease::as_runner;
use super::limiter::Limiter;
use super::remote::HttpSource;
use super::source::{Source, SourceError};
use super::store::DatabaseFeed;
use crate::app::{App, VERSION};
use crate::diagnostics::level;

/// How to run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunOptions {
    /// Say what would be done, and do nothing.
    pub(crate) dry_run: bool,
    /// Compare everything again, whatever is known of the source.
    pub(crate) full: bool,
    /// Delete whatever is to be deleted, however much.
    pub(crate) allow_deletes: bool,
}

/// Why a run failed before it began.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the feed is no replication client: make it one with `pakhus feed replicate`")]
    NoClient,
    #[error("the package type `{0}` is not enabled")]
    NoPackageType(String),
    #[error("the replication of the feed is paused: let it go on with `pakhus feed resume`")]
    Paused,
    #[error("another node of this instance has taken over")]
    TakenOver,
}

/// Starts a run that somebody asked for; it goes on in a task of its own.
///
/// # Errors
/// When the feed is no replication client, or the database fails.
pub(crate) async fn start_manual(
    app: &App,
    feed: &Arc<Feed>,
    options: RunOptions,
) -> Result<i64, String> {
    if feed.settings.client.mode == ClientMode::Disabled {
        return Err(RunError::NoClient.to_string());
    }
    if feed.paused {
        return Err(RunError::Paused.to_string());
    }
    let execution =
        Execution::start(app, feed, Trigger::Manual).await.map_err(|error| error.to_string())?;
    let id = execution.id;
    let app = app.clone();
    tokio::spawn(async move {
        run(&app, execution, options).await;
    });
    Ok(id)
}

/// What a run leaves for the wait until the next.
pub(super) struct AfterRun {
    pub(super) source: Source,
    pub(super) store: DatabaseFeed,
    pub(super) link: Link,
}

/// Runs, when it is this feed's turn. `None` when the run failed.
pub(super) async fn run(app: &App, execution: Execution, options: RunOptions) -> Option<AfterRun> {
    let turn = app.replicator.turn(execution.feed.id);
    let _turn = turn.lock().await;
    let feed = Arc::clone(&execution.feed);
    let running = as_runner(app, feed.id, async |lease| {
        tokio::select! {
            result = run_recorded(app, &feed, &execution, options, lease) => result,
            // What was done until then is durable, and the next run goes on from there.
            () = paused(app, &feed) => Err(RunError::Paused),
        }
    });
    match running.await.unwrap_or(Err(RunError::TakenOver)) {
        Ok((report, after)) => {
            let finished = finished(&report, &execution, options);
            execution.finish(Ok(finished)).await;
            Some(after)
        }
        Err(error) => {
            note_failure(app, &feed, &error).await;
            app.replicator.sources.failed(feed.id, Verdict::invalid(error.to_string()));
            execution.finish(Err(error.to_string())).await;
            None
        }
    }
}

/// Waits until somebody pauses the feed's replication.
async fn paused(app: &App, feed: &Feed) {
    let mut changed = app.feeds.watch();
    loop {
        if app.feeds.get(feed.name().as_str()).is_some_and(|feed| feed.paused) {
            return;
        }
        if changed.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Writes why runs of a feed fail into the Diagnostic Center, each reason once until a run succeeds.
async fn note_failure(app: &App, feed: &Feed, error: &RunError) {
    let verdict = Verdict::invalid(error.to_string());
    if app.replicator.sources.verdict(feed.id).as_ref() != Some(&verdict) {
        let text = format!("the feed `{}` does not replicate: {error}", feed.name());
        app.diagnostics.add(CATEGORY, level::ERROR, &text).await;
    }
}

async fn run_recorded(
    app: &App,
    feed: &Arc<Feed>,
    execution: &Execution,
    options: RunOptions,
    lease: Option<Lease>,
) -> Result<(Report, AfterRun), RunError> {
    let (source, client) = source_of(app, feed)?;
    let store = DatabaseFeed { lease, ..store_of(app, feed)? };
    let remote = remote_of(app, feed, source.clone(), Arc::clone(&execution.progress));
    let options = Options {
        source_url: feed.settings.client.source_url.clone().unwrap_or_default(),
        dry_run: options.dry_run,
        full: options.full,
        allow_deletes: options.allow_deletes,
        fuse: feed.settings.limits.fuse,
        known: app.replicator.sources.handshake(feed.id),
        client,
    };
    let (report, handshake) = run_engine(&store, &remote, &*execution.journal(), &options).await?;
    let verdict = verdict(&options.client, &handshake);
    // Nothing is kept of a source as long as both feeds are empty.
    let link = store.link().await.map_err(EngineError::from)?.unwrap_or_else(|| Link {
        source_url: options.source_url,
        source_instance: handshake.instance.id.clone(),
        cursor: Cursor { lineage: handshake.lineage.clone(), seq: 0, witness: Position::START },
        push_seq: 0,
        sources: handshake.sources.clone(),
    });
    let head = link.cursor.witness.seq;
    app.replicator.sources.succeeded(feed.id, handshake, verdict, head);
    Ok((report, AfterRun { source, store, link }))
}

fn remote_of(app: &App, feed: &Feed, source: Source, progress: Arc<Progress>) -> HttpSource {
    HttpSource {
        source,
        blobs: app.blobs.clone(),
        progress,
        concurrency: usize::try_from(feed.settings.limits.concurrency).unwrap_or(1),
        sources: app.replicator.sources.clone(),
        feed_id: feed.id,
        database: app.database.clone(),
        fetched: std::sync::Mutex::default(),
    }
}

fn finished(report: &Report, execution: &Execution, options: RunOptions) -> Finished {
    let moved = report.pulled + report.pushed;
    let would = if options.dry_run { "would be " } else { "" };
    let mut parts = Vec::new();
    if moved > 0 {
        let changes = if report.pulled == 1 { "change" } else { "changes" };
        parts.push(format!("{} {changes} {would}pulled", report.pulled));
        parts.push(format!("{} {would}pushed", report.pushed));
    } else {
        parts.push("nothing changed".to_owned());
    }
    let counts = [
        (report.deleted, "versions deleted"),
        (report.conflicts, "conflicts"),
        (report.set_aside, "set aside"),
        (report.held, "deletes held"),
        (report.source_lost, "kept that the source had lost"),
        (execution.warnings(), "warnings"),
    ];
    parts.extend(
        counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, of)| format!("{count} {of}")),
    );
    if report.bytes > 0 {
        parts.push(format!("{} bytes of blobs", report.bytes));
    }
    let changed = moved > 0 || report.held > 0 || report.set_aside > 0;
    let counts = serde_json::to_string(report).unwrap_or_default();
    Finished { summary: parts.join(", "), counts, changed }
}

/// The source that the feed's settings name, and what this feed says of itself there.
pub(super) fn source_of(app: &App, feed: &Feed) -> Result<(Source, ClientSide), RunError> {
    let client = &feed.settings.client;
    let (Some(url), true) = (&client.source_url, client.mode != ClientMode::Disabled) else {
        return Err(RunError::NoClient);
    };
    let side = ClientSide {
        instance_id: app.instance.id.clone(),
        feed: feed.name().clone(),
        package_type: feed.settings.package_type.clone(),
        mode: client.mode,
        version: VERSION.to_owned(),
    };
    let token = client.sync_token.as_deref().unwrap_or_default();
    let source = Source::new(url, token, &side, &app.instance.name)?
        .limited(Limiter::new(feed.settings.limits.bandwidth));
    Ok((source, side))
}

/// The feed, as the engine sees it.
pub(super) fn store_of(app: &App, feed: &Feed) -> Result<DatabaseFeed, RunError> {
    let name = &feed.settings.package_type;
    let package_type: Arc<dyn PackageType> =
        app.package_types.get(name).ok_or_else(|| RunError::NoPackageType(name.clone()))?;
    Ok(DatabaseFeed {
        database: app.database.clone(),
        feed_id: feed.id,
        blobs: app.blobs.clone(),
        package_type,
        lease: None,
    })
}

/// Asks the source what the verdict is.
pub(crate) async fn check_source(app: &App, feed: &Feed) -> Verdict {
    if feed.settings.client.mode == ClientMode::Disabled {
        return Verdict::valid();
    }
    let asked = async {
        let (source, side) = source_of(app, feed)?;
        let handshake = source.handshake().await?;
        app.replicator.sources.introduced(feed.id, &handshake);
        Ok::<_, RunError>(verdict(&side, &handshake))
    };
    asked.await.unwrap_or_else(|error| Verdict::invalid(error.to_string()))
}

/// Compares the feed with its source.
pub(crate) async fn verify(app: &App, feed: &Feed) -> Result<Verification, RunError> {
    let (source, _) = source_of(app, feed)?;
    let store = store_of(app, feed)?;
    let remote = remote_of(app, feed, source, Arc::default());
    Ok(verify_with(&store, &remote).await?)
}
