//! Blobs that come and go by themselves: the server's side of [`pakhus_core::PackageBlobs`].

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use pakhus_blobs::{Error, Hashes, UploadId, WriterOptions};
use pakhus_core::{
    Action, BlobRef, ContentDigest, Digest, PackageBlobs, PackageName, ReceivedFile, Refusal,
    RefusalKind, Result,
};
use pakhus_db::feeds::Feed;
use pakhus_db::package_blobs;
use uuid::Uuid;

use super::RequestHost;
use super::receive::{describe, refusal_of};
use crate::auth;

impl RequestHost {
    /// What an upload is called in the blob store. It follows from the id that the client knows, the
    /// feed and the package, so that no other feed or package finds it by the id, also after a restart.
    fn upload(&self, package: &PackageName, id: &str) -> Result<UploadId> {
        id.parse::<UploadId>().map_err(Refusal::not_found)?;
        let owner = format!("{}/{}", self.feed.id, package.key());
        Ok(UploadId::of(&owner, &Digest::of(id.as_bytes())))
    }

    async fn bring(
        &self,
        package: &PackageName,
        called: &ContentDigest,
        blob: &BlobRef,
    ) -> Result<()> {
        let (database, feed) = (&self.app.database, self.feed.id);
        Ok(package_blobs::bring(database, feed, package.key(), called, blob, self.now).await?)
    }

    /// The feed and the package of it that clients of this feed call `name`, if who asks may read them.
    fn readable(&self, name: &str) -> Option<(std::sync::Arc<Feed>, PackageName)> {
        let (feed, package) = name.split_once('/')?;
        let feed = self.app.feeds.get(feed)?;
        let is_alike = feed.settings.package_type == self.feed.settings.package_type;
        let caller = self.asker.caller.as_ref();
        let may = auth::authorise(caller, &feed, Action::View).is_ok();
        (is_alike && may).then_some(())?;
        Some((feed, self.package_type.parse_name(package).ok()?))
    }
}

#[async_trait]
impl PackageBlobs for RequestHost {
    async fn begin(&self, package: &PackageName) -> Result<String> {
        let id = Uuid::new_v4().to_string();
        self.app.blobs.uploads().resume(&self.upload(package, &id)?).await.map_err(refusal_of)?;
        Ok(id)
    }

    async fn offset(&self, package: &PackageName, upload: &str) -> Result<u64> {
        let upload = self.upload(package, upload)?;
        self.app.blobs.uploads().offset(&upload).await.map_err(refusal_of)
    }

    async fn append(
        &self,
        package: &PackageName,
        upload: &str,
        at: Option<u64>,
        max: u64,
    ) -> Result<u64> {
        let upload = self.upload(package, upload)?;
        let mut body = self.body.lock().await;
        body.check(max)?;
        let upload = self.app.blobs.uploads().append(&upload, at, max).await;
        let upload = upload.map_err(|error| match error {
            Error::OffsetMismatch { .. } => Refusal::new(RefusalKind::RangeNotSatisfiable, error),
            error => refusal_of(error),
        })?;
        body.append_to(upload).await
    }

    async fn finish(
        &self,
        package: &PackageName,
        upload: &str,
        expected: &ContentDigest,
    ) -> Result<BlobRef> {
        let upload = self.upload(package, upload)?;
        let written = self.app.blobs.uploads().finish(&upload, *expected).await;
        let written = written.map_err(refusal_of)?;
        let blob = BlobRef {
            digest: written.digest,
            size: written.size,
            role: String::new(),
            sha512: expected.sha512().map(ContentDigest::Sha512),
        };
        self.bring(package, expected, &blob).await?;
        Ok(blob)
    }

    async fn cancel(&self, package: &PackageName, upload: &str) -> Result<()> {
        let upload = self.upload(package, upload)?;
        self.app.blobs.uploads().cancel(&upload).await.map_err(refusal_of)
    }

    async fn find(
        &self,
        package: &PackageName,
        digests: &[ContentDigest],
    ) -> Result<HashMap<ContentDigest, BlobRef>> {
        if let [digest] = digests {
            let found = self.app.known.blob(self.feed.id, package, *digest).await?;
            return Ok(found.map(|blob| (*digest, blob)).into_iter().collect());
        }
        let (database, feed) = (&self.app.database, self.feed.id);
        Ok(package_blobs::find(database, feed, Some(package.key()), digests).await?)
    }

    async fn mount(
        &self,
        package: &PackageName,
        digest: &ContentDigest,
        from: Option<&str>,
    ) -> Result<Option<BlobRef>> {
        let source = match from {
            None => Some((self.feed.id, None)),
            Some(from) => self.readable(from).map(|(feed, package)| (feed.id, Some(package))),
        };
        let Some((feed, of)) = source else { return Ok(None) };
        let of = of.as_ref().map(PackageName::key);
        let found = package_blobs::find(&self.app.database, feed, of, &[*digest]).await?;
        let Some(blob) = found.into_values().next() else { return Ok(None) };
        let renewed = self.app.blobs.renew(vec![(blob.digest, Some(blob.size))]).await;
        if !renewed.map_err(refusal_of)?.is_empty() {
            return Ok(None);
        }
        self.bring(package, digest, &blob).await?;
        Ok(Some(blob))
    }

    async fn forget(&self, package: &PackageName, digest: &ContentDigest) -> Result<bool> {
        let (database, feed) = (&self.app.database, self.feed.id);
        let forgotten = package_blobs::forget(database, feed, package.key(), digest).await?;
        self.app.known.forget_blob(feed, package, *digest);
        Ok(forgotten)
    }

    async fn hold(&self, bytes: Bytes) -> Result<ReceivedFile> {
        let options = WriterOptions { max_size: bytes.len() as u64, hashes: Hashes::All };
        let mut writer = self.app.blobs.writer(options);
        writer.write(bytes).await.map_err(refusal_of)?;
        let blob = writer.seal(None).await.map_err(refusal_of)?;
        let file = describe(blob.written())?;
        self.received.lock().await.push(blob);
        Ok(file)
    }
}
