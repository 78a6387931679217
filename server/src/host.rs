//! What an adapter asks, done: the server's side of [`pakhus_core::Host`].

mod accounts;
mod blobs;
mod documents;
mod known;
mod lift;
mod receive;
mod unpack;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use pakhus_blobs::SealedBlob;
use pakhus_core::replication::EditContext;
use pakhus_core::{
    Accounts, Attribute, BlobRef, Change, Committed, Digest, Document, Edit, FeedPolicy, Host,
    LogStretch, Package, PackageBlobs, PackageContents, PackageName, PackageType, PackageVersion,
    Packing, ReceiveDocument, ReceivedDocument, ReceivedFile, RecentDownloads, Refusal,
    RefusalKind, Result, Search, SearchPage, Timestamp, VersionChanges, VersionRecord,
};
use pakhus_db::feeds::{Anonymous, Feed};
use pakhus_db::{changes, commit, downloads, packages, records, registers, version_changes};
use tokio::sync::Mutex;

use crate::app::App;
use crate::search;

pub(crate) use accounts::Asker;
pub(crate) use documents::DocumentCache;
pub(crate) use known::Known;
pub(crate) use receive::{RequestBody, refusal_of};

/// Serves the questions of an adapter during one request.
pub(crate) struct RequestHost {
    app: App,
    feed: Arc<Feed>,
    package_type: Arc<dyn PackageType>,
    body: Mutex<RequestBody>,
    /// Blobs that came with the request and that no change has named yet. They are gone with it.
    received: Mutex<Vec<SealedBlob>>,
    now: Timestamp,
    asker: Asker,
}

impl RequestHost {
    pub(crate) fn new(
        app: App,
        feed: Arc<Feed>,
        package_type: Arc<dyn PackageType>,
        body: RequestBody,
        now: Timestamp,
        asker: Asker,
    ) -> Self {
        let body = Mutex::new(body);
        Self { app, feed, package_type, body, received: Mutex::default(), now, asker }
    }

    /// Stores the blobs that came with the request and that the change names, and checks that every
    /// blob that it names is stored.
    async fn keep_blobs(&self, change: &Change) -> Result<()> {
        let named: HashSet<_> = change
            .edits
            .iter()
            .filter_map(|edit| match edit {
                Edit::Publish(new) => Some(new.blobs.iter().map(|blob| (blob.digest, blob.size))),
                _ => None,
            })
            .flatten()
            .collect();
        let (wanted, others) = std::mem::take(&mut *self.received.lock().await)
            .into_iter()
            .partition(|blob| named.contains(&(blob.written().digest, blob.written().size)));
        *self.received.lock().await = others;
        let wanted: Vec<SealedBlob> = wanted;
        for blob in wanted {
            blob.keep().await.map_err(refusal_of)?;
        }
        if named.is_empty() {
            return Ok(());
        }
        // From here on no collection of garbage removes them.
        let missing = self
            .app
            .blobs
            .renew(named.into_iter().map(|(digest, size)| (digest, Some(size))).collect());
        match missing.await.map_err(refusal_of)?.first() {
            None => Ok(()),
            Some(digest) => Err(Refusal::new(
                RefusalKind::Unavailable,
                format!("the blob {digest} is no longer here: send it again"),
            )),
        }
    }
}

#[async_trait]
impl Host for RequestHost {
    async fn package(&self, name: &PackageName) -> Result<Option<Package>> {
        Ok(self.app.known.package(self.feed.id, name).await?)
    }

    async fn contents(&self, name: &PackageName) -> Result<Option<PackageContents>> {
        Ok(records::contents(&self.app.database, self.feed.id, name.key()).await?)
    }

    async fn contents_of(&self, names: &[PackageName]) -> Result<Vec<PackageContents>> {
        Ok(records::contents_of(&self.app.database, self.feed.id, &keys(names)).await?)
    }

    async fn downloads(&self, names: &[PackageName]) -> Result<HashMap<String, RecentDownloads>> {
        Ok(downloads::recent(&self.app.database, self.feed.id, &keys(names), self.now).await?)
    }

    async fn version(
        &self,
        name: &PackageName,
        version: &PackageVersion,
    ) -> Result<Option<VersionRecord>> {
        Ok(self.app.known.version(self.feed.id, name, version).await?)
    }

    async fn versions(
        &self,
        name: &PackageName,
        versions: &[PackageVersion],
    ) -> Result<Vec<VersionRecord>> {
        let keys: Vec<_> = versions.iter().map(PackageVersion::key).collect();
        Ok(records::versions(&self.app.database, self.feed.id, name.key(), &keys).await?)
    }

    async fn tag(&self, name: &PackageName, tag: &str) -> Result<Option<String>> {
        Ok(self.app.known.tag(self.feed.id, name, tag).await?)
    }

    async fn tags(
        &self,
        name: &PackageName,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<(String, String)>> {
        let (database, feed) = (&self.app.database, self.feed.id);
        Ok(registers::tags(database, feed, name.key(), after, limit).await?)
    }

    async fn attributes(
        &self,
        name: &PackageName,
        attribute: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Attribute>> {
        let (database, feed) = (&self.app.database, self.feed.id);
        Ok(registers::attributes(database, feed, name.key(), attribute, after, limit).await?)
    }

    async fn packages(&self, after: Option<&str>, limit: u64) -> Result<Vec<PackageName>> {
        Ok(packages::names(&self.app.database, self.feed.id, after, limit).await?)
    }

    async fn sequence(&self) -> Result<u64> {
        Ok(changes::end(&self.app.database, self.feed.id).await?.position.seq)
    }

    async fn changes(&self, after: u64, limit: u64) -> Result<VersionChanges> {
        Ok(version_changes::after(&self.app.database, self.feed.id, after, limit).await?)
    }

    async fn stretches(&self, length: u64) -> Result<Vec<LogStretch>> {
        Ok(version_changes::stretches(&self.app.database, self.feed.id, length).await?)
    }

    async fn search(&self, asked: Search) -> Result<SearchPage> {
        Ok(search::find(&self.app, &self.feed, &*self.package_type, &asked).await?)
    }

    fn is_public(&self) -> bool {
        self.feed.settings.anonymous >= Anonymous::View
    }

    fn policy(&self) -> FeedPolicy {
        self.feed.settings.policy
    }

    async fn receive_bytes(&self, max: usize) -> Result<Bytes> {
        self.body.lock().await.receive_bytes(max).await
    }

    async fn receive_document(&self, rules: ReceiveDocument) -> Result<ReceivedDocument> {
        let mut body = self.body.lock().await;
        let (document, blobs) = body.receive_document(&self.app.blobs, rules).await?;
        self.received.lock().await.extend(blobs);
        Ok(document)
    }

    async fn receive_file(&self, max: u64) -> Result<ReceivedFile> {
        let (file, blob) = self.body.lock().await.receive_file(&self.app.blobs, max).await?;
        self.received.lock().await.push(blob);
        Ok(file)
    }

    async fn read_blob(&self, digest: &Digest, offset: u64, length: usize) -> Result<Bytes> {
        let received = self.received.lock().await;
        if let Some(blob) = received.iter().find(|blob| blob.written().digest == *digest) {
            return blob.read(offset, length).await.map_err(refusal_of);
        }
        drop(received);
        let size = self.app.blobs.size(digest).await.map_err(Refusal::internal)?;
        let range = offset..offset.saturating_add(length as u64);
        let range = range.start.min(size.unwrap_or_default())..range.end;
        let mut reader =
            self.app.blobs.read(digest, range).await.map_err(refusal_of)?.ok_or_else(|| {
                Refusal::internal(format!(
                    "the adapter reads the blob {digest}, which is not stored"
                ))
            })?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = reader.next().await {
            bytes.extend_from_slice(&chunk.map_err(Refusal::internal)?);
        }
        Ok(bytes.freeze())
    }

    async fn unpack(
        &self,
        from: &Digest,
        part: Range<u64>,
        packing: Packing,
        max: u64,
    ) -> Result<BlobRef> {
        self.unpack_part(from, part, packing, max).await
    }

    async fn commit(&self, change: Change) -> Result<Committed> {
        self.keep_blobs(&change).await?;
        let capabilities = &self.package_type.descriptor().capabilities;
        let context = EditContext {
            origin: self.app.instance.id.clone(),
            now: self.now,
            // What the feed has forgotten, only the database knows.
            first_incarnation: 1,
            syncs_publish_date: capabilities.syncs_publish_date,
        };
        Ok(commit::commit(&self.app.database, self.feed.id, &change, &context).await?)
    }

    async fn document(&self, key: &str, revision: u64) -> Result<Option<Document>> {
        Ok(self.app.documents.get(self.feed.id, key, revision).await)
    }

    async fn keep_document(&self, key: &str, revision: u64, bytes: Bytes) -> Result<Document> {
        self.app.documents.keep(self.feed.id, key, revision, bytes).await
    }

    fn blobs(&self) -> &dyn PackageBlobs {
        self
    }

    fn accounts(&self) -> &dyn Accounts {
        self
    }
}

fn keys(names: &[PackageName]) -> Vec<String> {
    names.iter().map(|name| name.key().to_owned()).collect()
}
