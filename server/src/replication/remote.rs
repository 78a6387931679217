//! The engine's view of a source: HTTP for records, [`super::transfer`] for blobs.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use pakhus_blobs::BlobStore;
use pakhus_core::replication::engine::{Remote, RemoteError, RemotePage};
use pakhus_core::replication::{
    Applied, Cursor, Fingerprint, Handshake, Leaf, Position, Record, RecordKey,
};
use pakhus_core::{BlobRef, Digest};
use pakhus_db::{Database, blobs};

use super::execution::Progress;
use super::source::Source;
use super::standing::Sources;
use super::suspects::{self, Suspects};
use super::{transfer, wire};
use crate::app::now;

/// A source, as one run uses it.
pub(super) struct HttpSource {
    pub(super) source: Source,
    pub(super) blobs: BlobStore,
    pub(super) progress: Arc<Progress>,
    /// Requests for blobs that are under way at once, at most.
    pub(super) concurrency: usize,
    /// Whether the source was found not to take many blobs in one stream.
    pub(super) takes_no_batches: AtomicBool,
    /// Where it is noted who the source is, and of which feed it is one.
    pub(super) sources: Sources,
    pub(super) feed_id: i64,
    /// Where it is noted what was fetched for records that are not here yet.
    pub(super) database: Database,
    pub(super) fetched: Mutex<Vec<Digest>>,
}

impl HttpSource {
    /// Notes that blobs are here, for the case that the run is cut off before their records are.
    pub(super) fn fetched(&self, digests: impl IntoIterator<Item = Digest>) {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).extend(digests);
    }

    /// What was fetched since the last batch of blobs was asked for.
    pub(super) fn fetched_until_now(&self) -> HashSet<Digest> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// What is known of blobs that this source does not deliver.
    pub(super) fn suspects<T>(&self, look: impl FnOnce(&mut Suspects) -> T) -> T {
        self.sources.suspects(self.feed_id, look)
    }

    async fn keep_fetched(&self) {
        let fetched =
            std::mem::take(&mut *self.fetched.lock().unwrap_or_else(PoisonError::into_inner));
        let noted = blobs::note_received(&self.database, self.feed_id, &fetched, now());
        if let Err(error) = noted.await {
            tracing::warn!(%error, "what was fetched could not be noted: it is fetched again");
        }
    }
}

type Result<T> = std::result::Result<T, RemoteError>;

#[async_trait]
impl Remote for HttpSource {
    async fn handshake(&self) -> Result<Handshake> {
        let handshake = self.source.handshake().await?;
        self.sources.introduced(self.feed_id, &handshake);
        Ok(handshake)
    }

    async fn changes(&self, cursor: &Cursor, fresh: bool, limit: u64) -> Result<RemotePage> {
        Ok(self.source.changes(cursor, fresh, limit, 0).await?)
    }

    async fn records(&self, keys: &[RecordKey]) -> Result<(Vec<Record>, Position)> {
        Ok(self.source.records(keys).await?)
    }

    async fn sums(&self, branch: Option<u8>) -> Result<Vec<Fingerprint>> {
        let prefix = branch.map_or(String::new(), |branch| format!("{branch:02x}"));
        Ok(self.source.fingerprint(&prefix).await?)
    }

    async fn leaves(&self, bucket: u16) -> Result<Vec<Leaf>> {
        Ok(self.source.fingerprint(&format!("{bucket:04x}")).await?)
    }

    async fn fetch(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let fetched = suspects::fetch(self, blobs).await;
        if fetched.is_err() {
            self.keep_fetched().await;
        }
        Ok(fetched?)
    }

    async fn missing(&self, digests: Vec<Digest>) -> Result<Vec<Digest>> {
        Ok(self.source.missing(digests).await?)
    }

    async fn send(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>> {
        Ok(transfer::send(self, blobs).await?)
    }

    async fn push(&self, records: &[Record]) -> Result<Applied> {
        let lines = records.iter().map(|record| (&record.key, &record.state));
        let page = wire::write_page(lines, None)
            .map_err(|error| RemoteError::Broken(error.to_string()))?;
        Ok(self.source.push(page).await?)
    }
}
