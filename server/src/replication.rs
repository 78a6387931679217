//! Replication: this instance as the server of its feeds, and as the client of others'.
//!
//! The rules are in `pakhus_core::replication`; here is what moves: HTTP, blobs, the schedule.

mod execution;
mod remote;
mod run;
mod schedule;
mod serve;
mod server_auth;
mod source;
mod store;
mod transfer;
mod uploads;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use execution::{CATEGORY, ProgressReport};
pub(crate) use run::{RunOptions, check_source, start_manual, verify};
pub(crate) use schedule::keep_schedule;
pub(crate) use serve::routes;

use execution::Progress;
use pakhus_core::replication::{Handshake, Verdict};

/// What is running.
#[derive(Clone, Default)]
pub(crate) struct Replicator {
    progress: Arc<Mutex<HashMap<i64, Arc<Progress>>>>,
    /// One run of a feed at a time.
    turns: Arc<Mutex<HashMap<i64, Arc<tokio::sync::Mutex<()>>>>>,
    verdicts: server_auth::KnownVerdicts,
    sources: Arc<Mutex<HashMap<i64, KnownSource>>>,
}

/// What is known of a feed's source without asking it.
#[derive(Clone, Default)]
struct KnownSource {
    handshake: Option<Handshake>,
    verdict: Option<Verdict>,
}

impl Replicator {
    /// What the source said of itself the last time.
    fn handshake(&self, feed_id: i64) -> Option<Handshake> {
        self.known(feed_id, |known| known.handshake.clone())
    }

    fn set_handshake(&self, feed_id: i64, handshake: Handshake) {
        self.known(feed_id, |known| known.handshake = Some(handshake));
    }

    fn forget_handshake(&self, feed_id: i64) {
        self.known(feed_id, |known| known.handshake = None);
    }

    /// The verdict of the last run; `None` before the first.
    pub(crate) fn verdict(&self, feed_id: i64) -> Option<Verdict> {
        self.known(feed_id, |known| known.verdict.clone())
    }

    fn set_verdict(&self, feed_id: i64, verdict: Verdict) {
        self.known(feed_id, |known| known.verdict = Some(verdict));
    }

    fn known<T>(&self, feed_id: i64, look: impl FnOnce(&mut KnownSource) -> T) -> T {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        look(sources.entry(feed_id).or_default())
    }

    /// How far a running execution has come; `None` when it does not run.
    pub(crate) fn progress(&self, execution: i64) -> Option<ProgressReport> {
        let running = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&execution).map(|progress| progress.report())
    }

    fn turn(&self, feed_id: i64) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(turns.entry(feed_id).or_default())
    }
}
