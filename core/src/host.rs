//! What an adapter may ask of the server.

use std::collections::HashMap;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Accounts, Attribute, BlobRef, Change, Committed, Digest, FeedPolicy, LogStretch, Package,
    PackageBlobs, PackageContents, PackageName, PackageVersion, RecentDownloads, Result, Search,
    SearchPage, VersionChanges, VersionRecord,
};

/// Everything an adapter may ask while it serves one request of one feed. All I/O lives behind this.
#[async_trait]
pub trait Host: Send + Sync {
    /// The package and its revision; `None` when nothing of it is there.
    async fn package(&self, name: &PackageName) -> Result<Option<Package>>;

    /// All that the feed holds of the package; `None` when it holds no version of it.
    async fn contents(&self, name: &PackageName) -> Result<Option<PackageContents>>;

    /// All that the feed holds of those of these packages that it holds a version of, ordered by the
    /// keys of their names. It is all in memory at once.
    async fn contents_of(&self, names: &[PackageName]) -> Result<Vec<PackageContents>>;

    /// How often those of these packages were downloaded that were, by the keys of their names.
    async fn downloads(&self, names: &[PackageName]) -> Result<HashMap<String, RecentDownloads>>;

    /// One version.
    async fn version(
        &self,
        name: &PackageName,
        version: &PackageVersion,
    ) -> Result<Option<VersionRecord>>;

    /// Those of these versions of the package that are there.
    async fn versions(
        &self,
        name: &PackageName,
        versions: &[PackageVersion],
    ) -> Result<Vec<VersionRecord>>;

    /// The key of the version that the tag points to, whether that version is there or not; `None`
    /// when there is no such tag.
    async fn tag(&self, name: &PackageName, tag: &str) -> Result<Option<String>>;

    /// At most `limit` tags of the package that come after `after`, with the keys of the versions that
    /// they point to, in the order of their bytes. Those whose version is not there are left out.
    async fn tags(
        &self,
        name: &PackageName,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<(String, String)>>;

    /// At most `limit` attributes of this name on versions of the package whose keys come after
    /// `after`, in the order of those keys.
    async fn attributes(
        &self,
        name: &PackageName,
        attribute: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Attribute>>;

    /// At most `limit` packages of the feed that have versions and whose keys come after `after`, in
    /// the order of their keys.
    async fn packages(&self, after: Option<&str>, limit: u64) -> Result<Vec<PackageName>>;

    /// The number of the last change in the feed's log.
    async fn sequence(&self) -> Result<u64>;

    /// At most `limit` changes of versions behind number `after` of the feed's log.
    async fn changes(&self, after: u64, limit: u64) -> Result<VersionChanges>;

    /// The stretches of `length` numbers that the feed's log has changes of versions in, in order. All
    /// of the log is looked at.
    async fn stretches(&self, length: u64) -> Result<Vec<LogStretch>>;

    /// Looks for packages of the feed. What was committed before is found.
    async fn search(&self, search: Search) -> Result<SearchPage>;

    /// Whether the feed can be read by anybody, who need not say who they are.
    fn is_public(&self) -> bool;

    /// What the feed lets clients do to versions that are there.
    fn policy(&self) -> FeedPolicy;

    /// The request's body, whole.
    ///
    /// # Errors
    /// [`crate::RefusalKind::TooLarge`] when it is longer than `max` bytes.
    async fn receive_bytes(&self, max: usize) -> Result<Bytes>;

    /// The request's body as a JSON document, with the large strings that `rules` name lifted out of
    /// it into blobs while it streams by. The document is checked to be JSON; what it says is not
    /// checked.
    async fn receive_document(&self, rules: ReceiveDocument) -> Result<ReceivedDocument>;

    /// The request's body as one file, in a blob: the body itself or, where it is a form
    /// (`multipart/form-data`, RFC 7578), the first file in it.
    ///
    /// # Errors
    /// [`crate::RefusalKind::TooLarge`] when it is longer than `max` bytes,
    /// [`crate::RefusalKind::Invalid`] when the form cannot be read.
    async fn receive_file(&self, max: u64) -> Result<ReceivedFile>;

    /// Bytes of a blob that came with this request, whether a change names it later or not, or that is
    /// stored: `length` of them from `offset` on, fewer only where the blob ends.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Internal`] when there is no such blob: an adapter reads what it was given.
    async fn read_blob(&self, digest: &Digest, offset: u64, length: usize) -> Result<Bytes>;

    /// Makes a blob of a part of another one, which came with this request or is stored: of the bytes
    /// from `part`, unpacked. As one that came with the request, it is gone unless a change names it.
    ///
    /// # Errors
    /// [`crate::RefusalKind::TooLarge`] when more than `max` bytes come of it,
    /// [`crate::RefusalKind::Invalid`] when it does not unpack.
    async fn unpack(
        &self,
        from: &Digest,
        part: Range<u64>,
        packing: Packing,
        max: u64,
    ) -> Result<BlobRef>;

    /// Makes a change: one atomic edit of the feed, with its lines in the feed's log.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Conflict`] when a precondition does not hold or a version is there
    /// already.
    async fn commit(&self, change: Change) -> Result<Committed>;

    /// A document kept for this `key` and this revision of what it was rendered from.
    async fn document(&self, key: &str, revision: u64) -> Result<Option<Document>>;

    /// Keeps a rendered document until it is crowded out or the revision moves on.
    async fn keep_document(&self, key: &str, revision: u64, bytes: Bytes) -> Result<Document>;

    /// The blobs of packages that come and go by themselves.
    fn blobs(&self) -> &dyn PackageBlobs;

    /// Who asks, their API keys, and signing in.
    fn accounts(&self) -> &dyn Accounts;
}

/// How bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// They are as they are.
    Stored,
    /// By Deflate (RFC 1951), without a header.
    Deflate,
}

/// How to receive a JSON document.
#[derive(Debug, Clone)]
pub struct ReceiveDocument {
    /// The most bytes of the document itself, without what is lifted.
    pub max_document: usize,
    /// The most decoded bytes of one lifted blob.
    pub max_blob: u64,
    /// The most strings that are lifted.
    pub max_blobs: usize,
    /// Which strings are lifted.
    pub lift: LiftRule,
}

/// Which strings of a document are base64 of blobs: those at the end of `path`.
#[derive(Debug, Clone)]
pub struct LiftRule {
    /// The steps from the top of the document to the string.
    pub path: Vec<PathStep>,
}

/// One step down a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// To this member of an object.
    Member(&'static str),
    /// To every member whose name ends so.
    MemberEndingIn(&'static str),
}

/// A received document. In it, each lifted string is replaced by the empty string.
#[derive(Debug, Clone)]
pub struct ReceivedDocument {
    /// The JSON text.
    pub json: Bytes,
    /// What was lifted, in the order of the document.
    pub lifted: Vec<Lifted>,
}

/// A string that was lifted out of a document into a blob.
#[derive(Debug, Clone)]
pub struct Lifted {
    /// The members on the way to it, as the document names them.
    pub path: Vec<String>,
    /// What was decoded.
    pub file: ReceivedFile,
}

/// A file that came with the request.
#[derive(Debug, Clone)]
pub struct ReceivedFile {
    /// The blob. Its role is empty.
    pub blob: BlobRef,
    /// SHA-512 of the bytes.
    pub sha512: [u8; 64],
    /// SHA-1 of the bytes.
    pub sha1: [u8; 20],
    /// The first bytes, up to 1,024, to look at what kind of file it is.
    pub first_bytes: Bytes,
}

/// A rendered document that the server keeps.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its bytes.
    pub bytes: Bytes,
    /// The same, compressed by gzip.
    pub gzip: Bytes,
    /// A strong entity tag, quoted, of `bytes`.
    pub etag: String,
}
