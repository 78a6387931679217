//! What the engine asks of the source.

use async_trait::async_trait;

use super::super::fingerprint::{Fingerprint, Leaf};
use super::super::key::RecordKey;
use super::super::log::{Cursor, Position};
use super::super::message::{Applied, Handshake, PageEnd};
use super::super::state::Record;
use crate::{BlobRef, Digest};

/// Why the source did not answer as it should.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RemoteError {
    /// It does not answer, or the answer broke off.
    #[error("{0}")]
    Unreachable(String),
    /// It refuses.
    #[error("{0}")]
    Refused(String),
    /// Its log is not the one that the cursor is of.
    #[error("the source's log is another one: {0}")]
    Diverged(String),
    /// Its log is the one that the cursor is of, but what came after the cursor is no longer all
    /// there.
    #[error("the source has forgotten deletions since: {0}")]
    Expired(String),
    /// It answers with what the protocol does not know.
    #[error("the source sent what the replication protocol does not know: {0}")]
    Broken(String),
}

/// What sources return.
pub(super) type Result<T, E = RemoteError> = std::result::Result<T, E>;

/// A page of a source's changes.
#[derive(Debug, Clone)]
pub struct RemotePage {
    /// The records that changed.
    pub records: Vec<Record>,
    /// How it ends.
    pub end: PageEnd,
    /// The digest of what the source would say in a handshake, by [`Handshake::tag`].
    pub tag: Option<Digest>,
}

/// The source of a feed.
#[async_trait]
pub trait Remote: Send + Sync {
    /// Who the source is, and what it allows.
    async fn handshake(&self) -> Result<Handshake>;

    /// The changes after `cursor`. A `fresh` client is one that began with nothing and is reading all
    /// there is: no deletion can be missing to it.
    ///
    /// # Errors
    /// [`RemoteError::Diverged`] and [`RemoteError::Expired`] when the cursor is no good any more.
    async fn changes(&self, cursor: &Cursor, fresh: bool, limit: u64) -> Result<RemotePage>;

    /// The records under those of `keys` that it has, and the end of its log after they were read.
    async fn records(&self, keys: &[RecordKey]) -> Result<(Vec<Record>, Position)>;

    /// The sums of the 256 children of the root (`None`) or of a branch.
    async fn sums(&self, branch: Option<u8>) -> Result<Vec<Fingerprint>>;

    /// The leaves of a bucket.
    async fn leaves(&self, bucket: u16) -> Result<Vec<Leaf>>;

    /// Fetches blobs into this site's store, each checked by its digest. Returns those that could not
    /// be had, with the reason.
    ///
    /// # Errors
    /// When the source cannot be reached at all: then none of the rest was tried.
    async fn fetch(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>>;

    /// Those of `digests` that the source lacks.
    async fn missing(&self, digests: Vec<Digest>) -> Result<Vec<Digest>>;

    /// Sends blobs of this site's store. Returns those that could not be sent, with the reason.
    ///
    /// # Errors
    /// When the source cannot be reached at all.
    async fn send(&self, blobs: Vec<BlobRef>) -> Result<Vec<(Digest, String)>>;

    /// Sends records whose blobs the source has.
    async fn push(&self, records: &[Record]) -> Result<Applied>;
}
