//! Small blobs in memory: to open and read a file takes longer than to send what is in it.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use moka::future::Cache;
use pakhus_blobs::{BlobStore, WHOLE};
use pakhus_core::{Digest, Refusal, Result};

use crate::host::refusal_of;

/// The longest blob that is kept, in bytes.
pub(crate) const LONGEST: u64 = 64 * 1024;

/// The most bytes of all blobs that are kept.
const CAPACITY: u64 = 24 * 1024 * 1024;

/// Small blobs that were asked for of late.
#[derive(Clone)]
pub(crate) struct SmallBlobs(Cache<Digest, Bytes>);

impl SmallBlobs {
    pub(crate) fn new() -> Self {
        let weight =
            |_: &Digest, bytes: &Bytes| u32::try_from(bytes.len() + 200).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(CAPACITY).build())
    }

    /// The bytes of a blob of at most [`LONGEST`] bytes; `None` when it is not stored.
    pub(crate) async fn get(&self, blobs: &BlobStore, digest: &Digest) -> Result<Option<Bytes>> {
        if let Some(bytes) = self.0.get(digest).await {
            return Ok(Some(bytes));
        }
        let Some(mut reader) = blobs.read(digest, WHOLE).await.map_err(refusal_of)? else {
            return Ok(None);
        };
        if reader.size() > LONGEST {
            return Err(Refusal::internal(format!("the blob {digest} is longer than was said")));
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = reader.try_next().await.map_err(Refusal::internal)? {
            bytes.extend_from_slice(&chunk);
        }
        let bytes = bytes.freeze();
        self.0.insert(*digest, bytes.clone()).await;
        Ok(Some(bytes))
    }
}
