//! Blobs of packages that clients bring and read by themselves, before or beside the versions that
//! name them.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{BlobRef, ContentDigest, PackageName, ReceivedFile, Result};

/// What an adapter may ask about the blobs of the packages of its feed.
///
/// A package has the blobs that its versions name, and those that were brought to it: uploaded or
/// mounted. What was brought and is named by nothing is forgotten after the grace period of the
/// collection of garbage. An upload goes on after a restart of the server; one that nothing is added
/// to for 24 hours is removed.
#[async_trait]
pub trait PackageBlobs: Send + Sync {
    /// Begins an upload of a blob of the package. Returns its id: 36 characters that are good in paths
    /// of URLs, known to nobody else.
    async fn begin(&self, package: &PackageName) -> Result<String>;

    /// How many bytes of the upload are here; the next ones begin there.
    ///
    /// # Errors
    /// [`crate::RefusalKind::NotFound`] when the package has no such upload.
    async fn offset(&self, package: &PackageName, upload: &str) -> Result<u64>;

    /// Adds the request's body to the upload from byte `at` on, where it must end so far, or where it
    /// ends when that is `None`. Returns how many bytes it has then, at most `max`. When the body
    /// breaks off, what came of it stays.
    ///
    /// # Errors
    /// [`crate::RefusalKind::RangeNotSatisfiable`] when the upload does not end at `at`,
    /// [`crate::RefusalKind::NotFound`] when there is none, [`crate::RefusalKind::Conflict`] while
    /// another request adds to it, [`crate::RefusalKind::TooLarge`].
    async fn append(
        &self,
        package: &PackageName,
        upload: &str,
        at: Option<u64>,
        max: u64,
    ) -> Result<u64>;

    /// Makes the upload a blob of the package, durably, and ends it.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Invalid`] when `expected` is not the digest of its bytes: the upload is
    /// gone then. [`crate::RefusalKind::NotFound`], [`crate::RefusalKind::Conflict`] as above.
    async fn finish(
        &self,
        package: &PackageName,
        upload: &str,
        expected: &ContentDigest,
    ) -> Result<BlobRef>;

    /// Gives the upload up.
    ///
    /// # Errors
    /// As [`Self::offset`].
    async fn cancel(&self, package: &PackageName, upload: &str) -> Result<()>;

    /// Those of `digests` that the package has, with the blobs. Their roles are empty.
    async fn find(
        &self,
        package: &PackageName,
        digests: &[ContentDigest],
    ) -> Result<HashMap<ContentDigest, BlobRef>>;

    /// Gives the package a blob that another package has: the one that clients call `from` (a feed, a
    /// slash and a package of it), if who asks may read that, or any of this feed when that is `None`.
    /// `None` when there is no such blob there.
    async fn mount(
        &self,
        package: &PackageName,
        digest: &ContentDigest,
        from: Option<&str>,
    ) -> Result<Option<BlobRef>>;

    /// Takes a blob that was brought from the package. `false` when it was not. One that a version
    /// names stays all the same.
    async fn forget(&self, package: &PackageName, digest: &ContentDigest) -> Result<bool>;

    /// Holds bytes as a blob that came with this request: a change can name it.
    async fn hold(&self, bytes: Bytes) -> Result<ReceivedFile>;
}
