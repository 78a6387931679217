//! Replication: this instance as the server of its feeds, and as the client of others'.
//!
//! The rules are in `pakhus_core::replication`; here is what moves: HTTP, blobs, the schedule.

mod blob_batch;
mod clients;
mod execution;
mod frames;
mod journal;
mod lease;
mod limiter;
mod remote;
mod run;
mod schedule;
mod serve;
mod server_auth;
mod sites;
mod source;
mod standing;
mod store;
mod suspects;
mod transfer;
mod upload_batch;
mod uploads;
mod wire;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use clients::{Client, Clients};
pub(crate) use execution::{CATEGORY, ProgressReport};
pub(crate) use lease::{keep_node, leave, look_after_nodes};
pub(crate) use run::{RunOptions, check_source, start_manual, verify};
pub(crate) use schedule::keep_schedule;
pub(crate) use serve::routes;
pub(crate) use sites::{SiteError, find_site};
pub(crate) use standing::{Sources, Standing};

use execution::Progress;

/// What is running.
#[derive(Clone, Default)]
pub(crate) struct Replicator {
    progress: Arc<Mutex<HashMap<i64, Arc<Progress>>>>,
    /// One run of a feed at a time.
    turns: Arc<Mutex<HashMap<i64, Arc<tokio::sync::Mutex<()>>>>>,
    pub(crate) clients: Clients,
    pub(crate) sources: Sources,
}

impl Replicator {
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
