//! One run of a replication client: handshake, verdict, pull, push.

use std::sync::Arc;

use pakhus_core::PackageType;
use pakhus_core::replication::{
    ClientMode, ClientSide, Cursor, Handshake, MergePolicy, Position, Verdict, VerdictState,
    verdict,
};
use pakhus_db::executions::Trigger;
use pakhus_db::feeds::Feed;
use pakhus_db::links::{self, LinkProgress};

use super::execution::{Execution, Finished};
use super::source::{Source, SourceError};
use super::{pull, push};
use crate::app::{App, VERSION};

/// How to run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunOptions {
    /// Say what would be done, and do nothing.
    pub(crate) dry_run: bool,
    /// Compare everything again, whatever is known of the source.
    pub(crate) full: bool,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Database(#[from] pakhus_db::Error),
    #[error("a blob could not be stored: {0}")]
    Blobs(#[from] pakhus_blobs::Error),
    #[error("the settings do not allow it: {0}")]
    Verdict(String),
    #[error("the blob {0} is named by a package here but not stored; restore it from a backup")]
    MissingBlob(pakhus_core::Digest),
    #[error("the feed is no replication client: set its client mode and source first")]
    NoClient,
    #[error("the package type `{0}` is not enabled")]
    NoPackageType(String),
}

/// Everything one run works with.
pub(super) struct Run {
    pub(super) app: App,
    pub(super) feed: Arc<Feed>,
    pub(super) package_type: Arc<dyn PackageType>,
    pub(super) source: Source,
    pub(super) execution: Execution,
    pub(super) options: RunOptions,
    pub(super) link: LinkProgress,
    pub(super) policy: MergePolicy,
    pub(super) tally: Tally,
}

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) pulled: u64,
    pub(super) deleted: u64,
    pub(super) conflicts: u64,
    pub(super) pushed: u64,
    pub(super) blobs: u64,
    pub(super) bytes: u64,
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
    let execution =
        Execution::start(app, feed, Trigger::Manual).await.map_err(|error| error.to_string())?;
    let id = execution.id;
    let app = app.clone();
    tokio::spawn(async move {
        run(&app, execution, options).await;
    });
    Ok(id)
}

/// Runs, when it is this feed's turn. Returns whether the run did what it was to do, and the cursor
/// it came to.
pub(super) async fn run(
    app: &App,
    mut execution: Execution,
    options: RunOptions,
) -> Option<(Source, LinkProgress)> {
    let turn = app.replicator.turn(execution.feed.id);
    let _turn = turn.lock().await;
    let (source, side) = match source_of(app, &execution.feed) {
        Ok(source) => source,
        Err(error) => {
            execution.finish(Err(error.to_string())).await;
            return None;
        }
    };
    let prepared = prepare(app, &mut execution, &source, &side, options).await;
    let (package_type, link) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            execution.finish(Err(error.to_string())).await;
            return None;
        }
    };
    let mode = side.mode;
    let mut run = Run {
        app: app.clone(),
        feed: Arc::clone(&execution.feed),
        package_type,
        source,
        execution,
        options,
        link: link.0,
        policy: match mode {
            ClientMode::PullOnly => MergePolicy::SourceWins,
            _ => MergePolicy::Converge,
        },
        tally: Tally::default(),
    };
    let result = run.exchange(mode, link.1).await;
    let Run { execution, tally, source, link, .. } = run;
    match result {
        Ok(()) => {
            let finished = finished(&tally, &execution, options);
            execution.finish(Ok(finished)).await;
            Some((source, link))
        }
        Err(error) => {
            execution.finish(Err(error.to_string())).await;
            None
        }
    }
}

/// The handshake and the verdict; what is known of the source, and whether it takes pushes.
async fn prepare(
    app: &App,
    execution: &mut Execution,
    source: &Source,
    side: &ClientSide,
    options: RunOptions,
) -> Result<(Arc<dyn PackageType>, (LinkProgress, bool)), RunError> {
    let type_name = &execution.feed.settings.package_type;
    let package_type = app
        .package_types
        .get(type_name)
        .ok_or_else(|| RunError::NoPackageType(type_name.clone()))?;
    let handshake = source.handshake().await?;
    let verdict = verdict(side, &handshake);
    match verdict.state {
        VerdictState::Valid => {
            let (mode, feed) = (side.mode, &handshake.feed);
            let from = &handshake.instance.name;
            execution.info(format!("valid: {mode} of the feed `{feed}` at {from}")).await;
        }
        VerdictState::Warning => {
            for reason in &verdict.reasons {
                execution.warning(format!("warning: {reason}")).await;
            }
        }
        VerdictState::Invalid => {
            return Err(RunError::Verdict(verdict.reasons.join("; ")));
        }
    }
    let takes_pushes = handshake.server_mode == pakhus_core::replication::ServerMode::ReadWrite;
    let link = known_link(app, execution, handshake, options).await?;
    Ok((package_type, (link, takes_pushes)))
}

/// What is known of the source that answered. A source with another log than the one that is known is
/// compared from the beginning: what is at both sites merges, nothing is taken for deleted.
async fn known_link(
    app: &App,
    execution: &mut Execution,
    handshake: Handshake,
    options: RunOptions,
) -> Result<LinkProgress, RunError> {
    let feed_id = execution.feed.id;
    let known = links::find(&app.database, feed_id).await?;
    let url = execution.feed.settings.client.source_url.clone().unwrap_or_default();
    let fresh = LinkProgress {
        source_url: url,
        source_instance: handshake.instance.id,
        cursor: Cursor { lineage: handshake.lineage, seq: 0, witness: Position::START },
        push_seq: 0,
        sources: handshake.sources,
    };
    let Some(known) = known else { return Ok(fresh) };
    let same = known.cursor.lineage == fresh.cursor.lineage
        && known.source_instance == fresh.source_instance;
    if same && !options.full {
        return Ok(LinkProgress { cursor: known.cursor, push_seq: known.push_seq, ..fresh });
    }
    if same {
        execution.info("comparing everything again, as asked").await;
    } else {
        execution
            .warning("the source is another feed than before: comparing everything from the start")
            .await;
    }
    if !options.dry_run {
        links::forget(&app.database, feed_id).await?;
    }
    Ok(fresh)
}

impl Run {
    async fn exchange(&mut self, mode: ClientMode, takes_pushes: bool) -> Result<(), RunError> {
        if mode.pulls() {
            self.execution.progress.set_phase("pull");
            match pull::pull(self).await {
                Err(RunError::Source(SourceError::Diverged(reason))) => {
                    self.start_over(&reason).await?;
                    pull::pull(self).await?;
                }
                other => other?,
            }
        }
        if mode.pushes() && takes_pushes {
            self.execution.progress.set_phase("push");
            push::push(self).await?;
        }
        Ok(())
    }

    /// The source's log does not go on from where this feed has seen it: it was restored from a
    /// backup, or replaced. Everything is compared again.
    async fn start_over(&mut self, reason: &str) -> Result<(), RunError> {
        self.execution
            .warning(format!("the source's log is another one ({reason}): comparing everything"))
            .await;
        if !self.options.dry_run {
            links::forget(&self.app.database, self.feed.id).await?;
        }
        let lineage = self.source.handshake().await?.lineage;
        self.link.cursor = Cursor { lineage, seq: 0, witness: Position::START };
        self.link.push_seq = 0;
        Ok(())
    }
}

fn finished(tally: &Tally, execution: &Execution, options: RunOptions) -> Finished {
    let Tally { pulled, deleted, conflicts, pushed, blobs, bytes } = tally;
    let changed = pulled + pushed > 0;
    let mut summary = if changed {
        let would = if options.dry_run { "would be " } else { "" };
        format!("{pulled} changes {would}pulled, {pushed} {would}pushed")
    } else {
        "nothing changed".to_owned()
    };
    if *deleted > 0 {
        summary += &format!(", {deleted} versions deleted");
    }
    if *conflicts > 0 {
        summary += &format!(", {conflicts} conflicts");
    }
    if *blobs > 0 {
        summary += &format!(", {blobs} blobs ({bytes} bytes) copied");
    }
    if execution.warnings() > 0 {
        summary += &format!(", {} warnings", execution.warnings());
    }
    Finished { summary, changed }
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
    let source = Source::new(url, client.sync_token.as_deref().unwrap_or_default(), &side)?;
    Ok((source, side))
}

/// Asks the source what the verdict is.
pub(crate) async fn check_source(app: &App, feed: &Feed) -> Verdict {
    if feed.settings.client.mode == ClientMode::Disabled {
        return Verdict::valid();
    }
    let asked = async {
        let (source, side) = source_of(app, feed)?;
        Ok::<_, RunError>(verdict(&side, &source.handshake().await?))
    };
    asked.await.unwrap_or_else(|error| Verdict::invalid(error.to_string()))
}
