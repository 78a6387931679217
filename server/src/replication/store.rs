//! The engine's view of a feed: the database, the adapter and the clock.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use pakhus_blobs::BlobStore;
use pakhus_core::replication::engine::{
    Aside, AsideKind, Batch, FeedStore, Link, LogEnd, Outcome, Page, StoreError, Tree,
};
use pakhus_core::replication::{
    CheckedRecord, Fingerprint, Leaf, Position, Record, RecordKey, State, check,
};
use pakhus_core::{BlobRef, Digest, PackageType, Timestamp};
use pakhus_db::leases::Lease;
use pakhus_db::{Database, apply, asides, blobs, changes, feeds, links, records, tree};

use super::wire;
use crate::app::now;

/// One feed.
pub(super) struct DatabaseFeed {
    pub(super) database: Database,
    pub(super) feed_id: i64,
    pub(super) blobs: BlobStore,
    pub(super) package_type: Arc<dyn PackageType>,
    /// The lease under which this node runs the feed, where there are several nodes.
    pub(super) lease: Option<Lease>,
}

type Result<T> = std::result::Result<T, StoreError>;

fn failed(error: impl Display) -> StoreError {
    StoreError(error.to_string())
}

#[async_trait]
impl FeedStore for DatabaseFeed {
    async fn end(&self) -> Result<LogEnd> {
        changes::end(&self.database, self.feed_id).await.map_err(failed)
    }

    async fn went_through(&self, position: Position) -> Result<bool> {
        changes::went_through(&self.database, self.feed_id, position).await.map_err(failed)
    }

    async fn page(&self, since: u64, limit: u64) -> Result<Page> {
        changes::page(&self.database, self.feed_id, since, limit, wire::PAGE_BYTES)
            .await
            .map_err(failed)
    }

    async fn states(&self, keys: &[RecordKey]) -> Result<HashMap<RecordKey, State>> {
        records::states(&self.database, self.feed_id, keys).await.map_err(failed)
    }

    async fn apply(&self, batch: Batch) -> Result<Outcome> {
        let contents = batch.writes.iter().filter_map(|record| record.state.content());
        let named = contents.flat_map(|content| &content.blobs);
        let named: HashSet<_> = named.map(|blob| (blob.digest, Some(blob.size))).collect();
        // From here on no collection of garbage removes them.
        let missing = self.blobs.renew(named.into_iter().collect()).await.map_err(failed)?;
        if let Some(digest) = missing.first() {
            return Err(StoreError(format!("the blob {digest} is no longer here")));
        }
        let (database, feed_id, lease) = (self.database.clone(), self.feed_id, self.lease.clone());
        // A task of its own, so that the watchers are told even when the caller is gone.
        let applying = tokio::spawn(async move {
            apply::apply(&database, feed_id, batch, lease.as_ref(), now()).await
        });
        applying.await.map_err(failed)?.map_err(failed)
    }

    async fn link(&self) -> Result<Option<Link>> {
        links::find(&self.database, self.feed_id).await.map_err(failed)
    }

    async fn forget_link(&self) -> Result<()> {
        links::forget(&self.database, self.feed_id).await.map_err(failed)
    }

    async fn shadows(&self, keys: &[RecordKey]) -> Result<HashMap<RecordKey, Digest>> {
        links::shadows_of(&self.database, self.feed_id, keys).await.map_err(failed)
    }

    async fn sums(&self, branch: Option<u8>) -> Result<Vec<Fingerprint>> {
        tree::sums(&self.database, self.feed_id, branch).await.map_err(failed)
    }

    async fn leaves(&self, tree: Tree, bucket: u16) -> Result<Vec<Leaf>> {
        tree::leaves(&self.database, self.feed_id, tree, bucket).await.map_err(failed)
    }

    async fn unknown_blobs(&self, digests: &[Digest]) -> Result<Vec<Digest>> {
        let mut unknown =
            blobs::unknown(&self.database, self.feed_id, digests).await.map_err(failed)?;
        let missing: HashSet<_> = unknown.iter().copied().collect();
        let known = digests.iter().filter(|digest| !missing.contains(*digest));
        let known = known.map(|digest| (*digest, None)).collect();
        // Those that are known are about to be named: from here on no collection of garbage removes
        // them.
        unknown.extend(self.blobs.renew(known).await.map_err(failed)?);
        Ok(unknown)
    }

    async fn of_other_length(&self, mut blobs: Vec<BlobRef>) -> Result<Vec<Digest>> {
        let digests: Vec<_> = blobs.iter().map(|blob| blob.digest).collect();
        let named = blobs::named_sizes(&self.database, self.feed_id, &digests);
        let named = named.await.map_err(failed)?;
        // The blob store, which may be far away, is asked only where the database does not agree.
        blobs.retain(|blob| named.get(&blob.digest) != Some(&blob.size));
        let mut sizes = stream::iter(blobs)
            .map(|blob| async move { (self.blobs.size(&blob.digest).await, blob) })
            .buffer_unordered(8);
        let mut wrong = Vec::new();
        while let Some((stored, blob)) = sizes.next().await {
            if stored.map_err(failed)?.is_some_and(|stored| stored != blob.size) {
                wrong.push(blob.digest);
            }
        }
        Ok(wrong)
    }

    async fn live_versions(&self) -> Result<u64> {
        feeds::live_versions(&self.database, self.feed_id).await.map_err(failed)
    }

    async fn asides(&self, kind: AsideKind) -> Result<Vec<Aside>> {
        asides::list(&self.database, self.feed_id, kind).await.map_err(failed)
    }

    fn tracks_deletions(&self) -> bool {
        self.package_type.descriptor().capabilities.tracks_deletions
    }

    fn check(&self, record: Record) -> std::result::Result<CheckedRecord, String> {
        check(&*self.package_type, record)
    }

    fn now(&self) -> Timestamp {
        now()
    }
}
