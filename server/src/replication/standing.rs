//! How the links of feeds stand: what is known of each source without asking it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pakhus_core::Timestamp;
use pakhus_core::replication::{Handshake, SourceOfSource, Verdict};
use pakhus_db::feeds::Feed;
use pakhus_db::{changes, links};

use super::suspects::Suspects;
use crate::app::{App, now};

/// What is known of the sources of feeds, by feed.
#[derive(Clone, Default)]
pub(crate) struct Sources(Arc<Mutex<HashMap<i64, KnownSource>>>);

/// What is known of a feed's source.
#[derive(Clone, Default)]
struct KnownSource {
    handshake: Option<Handshake>,
    /// Who the source is, also when it may not be replicated with.
    identity: Option<SourceOfSource>,
    verdict: Option<Verdict>,
    /// The end of the source's log, when it last told; `None` when it has not since this server
    /// started.
    head: Option<u64>,
    /// When this feed was last known to have all of the source's changes.
    in_step_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    /// Failures in a row.
    failures: u64,
    suspects: Suspects,
}

/// How a feed stands as a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    /// Changes of the source that are not here, as far as the source told.
    pub(crate) to_pull: Option<u64>,
    /// Changes of this feed that the source is not known to have.
    pub(crate) to_push: Option<u64>,
    /// For how many seconds it has been behind, in either direction; `None` when that is not known.
    pub(crate) seconds: Option<u64>,
    /// When a run last succeeded.
    pub(crate) last_success_at: Option<Timestamp>,
    /// How many runs have failed since.
    pub(crate) failures: u64,
}

impl Sources {
    fn known<T>(&self, feed_id: i64, look: impl FnOnce(&mut KnownSource) -> T) -> T {
        let mut sources = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(sources.entry(feed_id).or_default())
    }

    /// What the source said of itself the last time, if it may be replicated with.
    pub(super) fn handshake(&self, feed_id: i64) -> Option<Handshake> {
        self.known(feed_id, |known| known.handshake.clone())
    }

    /// Who the source is.
    pub(super) fn identity(&self, feed_id: i64) -> Option<SourceOfSource> {
        self.known(feed_id, |known| known.identity.clone())
    }

    /// Notes who answered as the source, whatever the verdict will be.
    pub(super) fn introduced(&self, feed_id: i64, handshake: &Handshake) {
        let identity = SourceOfSource {
            instance_id: handshake.instance.id.clone(),
            feed: handshake.feed.clone(),
            sources: handshake.sources.clone(),
        };
        self.known(feed_id, |known| known.identity = Some(identity));
    }

    /// What is known of blobs that the source does not deliver.
    pub(super) fn suspects<T>(&self, feed_id: i64, look: impl FnOnce(&mut Suspects) -> T) -> T {
        self.known(feed_id, |known| look(&mut known.suspects))
    }

    /// The verdict of the last run; `None` before the first.
    pub(crate) fn verdict(&self, feed_id: i64) -> Option<Verdict> {
        self.known(feed_id, |known| known.verdict.clone())
    }

    /// Notes that a run came to its end, with the source's log at `head`.
    pub(super) fn succeeded(
        &self,
        feed_id: i64,
        handshake: Handshake,
        verdict: Verdict,
        head: u64,
    ) {
        self.known(feed_id, |known| {
            known.head = Some(head);
            known.handshake = Some(handshake);
            known.verdict = Some(verdict);
            known.in_step_at = Some(now());
            known.last_success_at = Some(now());
            known.failures = 0;
        });
    }

    /// Notes that a run failed.
    pub(super) fn failed(&self, feed_id: i64, verdict: Verdict) {
        self.known(feed_id, |known| {
            known.handshake = None;
            known.verdict = Some(verdict);
            known.failures += 1;
        });
    }

    /// Notes where the source's log ends.
    pub(super) fn told(&self, feed_id: i64, head: u64, in_step: bool) {
        self.known(feed_id, |known| {
            known.head = Some(head);
            if in_step {
                known.in_step_at = Some(now());
            }
        });
    }

    /// How the feed stands as a client.
    pub(crate) async fn standing(&self, app: &App, feed: &Feed) -> pakhus_db::Result<Standing> {
        let mode = feed.settings.client.mode;
        if !mode.pulls() && !mode.pushes() {
            return Ok(Standing::default());
        }
        let link = links::find(&app.database, feed.id).await?;
        let known = self.known(feed.id, |known| known.clone());
        let mut standing = Standing {
            last_success_at: known.last_success_at,
            failures: known.failures,
            seconds: Some(0),
            ..Standing::default()
        };
        let mut behind_since = None;
        if mode.pulls() {
            let read = link.as_ref().map_or(0, |link| link.cursor.seq);
            standing.to_pull = known.head.map(|head| head.saturating_sub(read));
            if standing.to_pull != Some(0) || known.failures > 0 {
                behind_since = known.in_step_at;
                // It was never in step, as far as this process knows: nobody knows since when.
                if behind_since.is_none() {
                    standing.seconds = None;
                }
            }
        }
        if mode.pushes() {
            let end = changes::end(&app.database, feed.id).await?.position;
            let pushed = link.as_ref().map_or(0, |link| link.push_seq);
            standing.to_push = Some(end.seq.saturating_sub(pushed));
            let oldest = changes::changed_at(&app.database, feed.id, pushed + 1).await?;
            behind_since = behind_since.into_iter().chain(oldest).min();
        }
        if let Some(since) = behind_since {
            let millis = now().millis().saturating_sub(since.millis());
            standing.seconds = Some(u64::try_from(millis / 1_000).unwrap_or(0));
        }
        Ok(standing)
    }
}
