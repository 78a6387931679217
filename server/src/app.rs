//! What every part of a running server shares.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use pakhus_blobs::BlobStore;
use pakhus_core::Timestamp;
use pakhus_core::replication::InstanceInfo;
use pakhus_db::Database;
use tokio_util::sync::CancellationToken;

use crate::auth::{KnownKeys, Passwords};
use crate::collection::Collector;
use crate::diagnostics::DiagnosticCenter;
use crate::downloads::DownloadCounter;
use crate::feeds::FeedDirectory;
use crate::host::{DocumentCache, Known};
use crate::http::SmallBlobs;
use crate::metrics::Metrics;
use crate::package_types::PackageTypes;
use crate::rendering::BaseUrls;
use crate::replication::Replicator;
use crate::search::Indexes;

/// The version of this server.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A running server.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// The parts of a running server.
pub(crate) struct Parts {
    pub(crate) instance: InstanceInfo,
    /// The id of this process, among the nodes of the instance.
    pub(crate) node: String,
    /// The address that clients reach this server by; `None`: as they say in their requests.
    pub(crate) public_url: Option<String>,
    pub(crate) database: Database,
    pub(crate) blobs: BlobStore,
    pub(crate) package_types: PackageTypes,
    pub(crate) feeds: FeedDirectory,
    pub(crate) known: Known,
    pub(crate) known_keys: KnownKeys,
    pub(crate) documents: DocumentCache,
    pub(crate) base_urls: BaseUrls,
    pub(crate) small_blobs: SmallBlobs,
    pub(crate) indexes: Indexes,
    pub(crate) downloads: DownloadCounter,
    pub(crate) diagnostics: DiagnosticCenter,
    pub(crate) metrics: Metrics,
    pub(crate) passwords: Passwords,
    pub(crate) replicator: Replicator,
    pub(crate) collector: Collector,
    /// Cancelled when the server is asked to stop: what only waits then waits no longer.
    pub(crate) stopping: CancellationToken,
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Now, by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
