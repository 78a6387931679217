//! One run: handshake, verdict, pull, what was set aside, deletes, push.

use super::super::key::RecordKey;
use super::super::log::{Cursor, Position};
use super::super::merge::MergePolicy;
use super::super::message::Handshake;
use super::super::verdict::ClientMode;
use super::super::verdict::{ClientSide, ServerMode, VerdictState, verdict};
use super::remote::{Remote, RemoteError};
use super::report::{Journal, JournalLevel, Movement, Report, describe};
use super::store::{FeedStore, Link, StoreError};
use crate::Timestamp;

/// How to run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What this feed is, and is set to do.
    pub client: ClientSide,
    /// Where the source is, as it is kept with the link.
    pub source_url: String,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Compare everything, whatever is known of the source.
    pub full: bool,
    /// Delete whatever is to be deleted, however much.
    pub allow_deletes: bool,
    /// How much may be deleted without that.
    pub fuse: Fuse,
    /// What the source said in a handshake of this process, so that a run at rest asks only once.
    pub known: Option<Handshake>,
}

/// How much one run may delete: the greater of a number and a share of the feed's versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuse {
    /// So many versions in any case.
    pub least: u64,
    /// So many percent of the versions that are there.
    pub percent: u8,
}

impl Default for Fuse {
    fn default() -> Self {
        Self { least: 10, percent: 20 }
    }
}

impl Fuse {
    /// How many of `versions` one run may delete.
    #[must_use]
    pub fn allowed(self, versions: u64) -> u64 {
        self.least.max(versions.saturating_mul(u64::from(self.percent)) / 100)
    }
}

/// Why a run did not do what it was to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The source.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// This site.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The settings of the two ends.
    #[error("the settings do not allow it: {0}")]
    Verdict(String),
}

pub(super) type Result<T, E = EngineError> = std::result::Result<T, E>;

/// One run.
pub(super) struct Run<'a> {
    pub(super) store: &'a dyn FeedStore,
    pub(super) remote: &'a dyn Remote,
    pub(super) journal: &'a dyn Journal,
    pub(super) options: &'a Options,
    pub(super) policy: MergePolicy,
    pub(super) takes_pushes: bool,
    pub(super) handshake: Handshake,
    pub(super) link: Link,
    /// How many versions this run may delete.
    pub(super) allowed_deletes: u64,
    pub(super) report: Report,
}

/// Runs once. Returns what was done, and what the source said in its handshake.
///
/// # Errors
/// Whatever stops the run. What was done until then is durable, and the next run goes on from there.
pub async fn run(
    store: &dyn FeedStore,
    remote: &dyn Remote,
    journal: &dyn Journal,
    options: &Options,
) -> Result<(Report, Handshake)> {
    let handshake = match &options.known {
        Some(known) => known.clone(),
        None => shake_hands(remote, journal, &options.client, store.now()).await?,
    };
    let link = known_link(store, journal, options, &handshake).await?;
    let mut run = Run {
        store,
        remote,
        journal,
        options,
        policy: match options.client.mode {
            ClientMode::PullOnly => MergePolicy::SourceWins,
            _ => MergePolicy::Converge,
        },
        takes_pushes: handshake.server_mode == ServerMode::ReadWrite,
        handshake,
        link,
        allowed_deletes: options.fuse.allowed(store.live_versions().await?),
        report: Report::default(),
    };
    run.exchange().await?;
    Ok((run.report, run.handshake))
}

/// Asks the source who it is, and refuses what the settings do not allow.
pub(super) async fn shake_hands(
    remote: &dyn Remote,
    journal: &dyn Journal,
    client: &ClientSide,
    now: Timestamp,
) -> Result<Handshake> {
    let handshake = remote.handshake().await?;
    if let Some(clock) = handshake.clock {
        let apart = clock.millis().saturating_sub(now.millis());
        if apart.abs() > CLOCKS_APART {
            journal.log(JournalLevel::Warning, clocks_differ(apart));
        }
    }
    let verdict = verdict(client, &handshake);
    match verdict.state {
        VerdictState::Valid => journal.log(
            JournalLevel::Info,
            format!(
                "valid: {} of the feed `{}` at {}",
                client.mode, handshake.feed, handshake.instance.name
            ),
        ),
        VerdictState::Warning => {
            for reason in &verdict.reasons {
                journal.log(JournalLevel::Warning, format!("warning: {reason}"));
            }
        }
        VerdictState::Invalid => return Err(EngineError::Verdict(verdict.reasons.join("; "))),
    }
    if !handshake.capabilities.tracks_deletions {
        let text = "deletions of this package type do not travel: this run removes nothing";
        journal.log(JournalLevel::Info, text.to_owned());
    }
    Ok(handshake)
}

/// The clocks of two sites may differ by so many milliseconds before a run warns of it.
const CLOCKS_APART: i64 = 5 * 60 * 1_000;

fn clocks_differ(apart: i64) -> String {
    let minutes = (apart.abs() + 30_000) / 60_000;
    let direction = if apart > 0 { "ahead of" } else { "behind" };
    format!(
        "the source's clock is {minutes} minutes {direction} this site's: nothing is lost by it, but \
         publish dates are wrong and the earlier of two publishes may be the other; set the clocks"
    )
}

/// What is known of the source that answered.
async fn known_link(
    store: &dyn FeedStore,
    journal: &dyn Journal,
    options: &Options,
    handshake: &Handshake,
) -> Result<Link> {
    let fresh = Link {
        source_url: options.source_url.clone(),
        source_instance: handshake.instance.id.clone(),
        cursor: Cursor { lineage: handshake.lineage.clone(), seq: 0, witness: Position::START },
        push_seq: 0,
        sources: handshake.sources.clone(),
    };
    let Some(known) = store.link().await? else { return Ok(fresh) };
    if known.cursor.lineage == handshake.lineage && known.source_instance == handshake.instance.id {
        return Ok(Link { cursor: known.cursor, push_seq: known.push_seq, ..fresh });
    }
    let text = "the source is another feed than before: comparing everything with it";
    journal.log(JournalLevel::Warning, text.to_owned());
    if !options.dry_run {
        store.forget_link().await?;
    }
    Ok(fresh)
}

impl Run<'_> {
    async fn exchange(&mut self) -> Result<()> {
        let mode = self.options.client.mode;
        let compare = self.options.full || (mode.pulls() && self.meets_another().await?);
        self.journal.moved(Movement::Phase("pull"));
        if compare {
            self.reconcile(false).await?;
        } else if mode.pulls() {
            match self.pull().await {
                Err(EngineError::Remote(RemoteError::Diverged(reason))) => {
                    self.warn(format!("the source's log is another one ({reason}): comparing"));
                    self.reconcile(false).await?;
                }
                Err(EngineError::Remote(RemoteError::Expired(reason))) => {
                    self.warn(format!("this feed was away for long ({reason}): comparing"));
                    self.reconcile(true).await?;
                }
                other => other?,
            }
        } else {
            self.check_pushed().await?;
        }
        if mode.pulls() {
            self.retry_fetches().await?;
            self.settle_deletes().await?;
        }
        if self.sends() {
            self.journal.moved(Movement::Phase("push"));
            self.retry_sends().await?;
            self.push().await?;
            if mode.pulls() && !self.options.dry_run {
                self.settle_deletes().await?;
            }
        }
        Ok(())
    }

    /// Whether two feeds that hold something meet for the first time: they compare, and do not send all
    /// to each other.
    async fn meets_another(&self) -> Result<bool> {
        if !self.link.is_unread() || self.store.end().await?.position.seq == 0 {
            return Ok(false);
        }
        // What is known of the source may say that it held more.
        Ok(self.store.link().await?.is_some() || !self.source_is_empty().await?)
    }

    /// Notes the newest end of the source's log that was seen.
    pub(super) fn witness(&mut self, end: Position) {
        if end.seq > self.link.cursor.witness.seq {
            self.link.cursor.witness = end;
        }
    }

    /// Whether this feed sends its changes.
    pub(super) const fn sends(&self) -> bool {
        self.options.client.mode.pushes() && self.takes_pushes
    }

    pub(super) fn info(&self, text: String) {
        self.journal.log(JournalLevel::Info, text);
    }

    pub(super) fn warn(&self, text: String) {
        self.journal.log(JournalLevel::Warning, text);
    }

    /// Tells of a record that could not be moved; `what` follows its name in the log.
    pub(super) fn fails(&self, key: &RecordKey, what: &str, reason: &str) {
        self.warn(format!("{} {what}: {reason}", describe(key)));
        self.journal.failed(key, reason);
    }
}
