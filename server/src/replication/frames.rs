//! Many small blobs in one stream, of requests and answers alike: each preceded by its 32 bytes of digest
//! and 8 of length; a length of all ones where the blob is not there.

use std::collections::{HashMap, VecDeque};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pakhus_blobs::BlobStore;
use pakhus_core::Digest;

use super::source::SourceError;
use super::wire;

/// In place of the length of a blob that is not there.
pub(super) const NO_BLOB: u64 = u64::MAX;

/// The bytes before each blob.
pub(super) const HEAD: usize = 40;

/// Blobs are read from the disk together until they have so many bytes.
const TOGETHER: u64 = 512 * 1024;

/// A digest, and the length of the blob; without it, the blob is said not to be there.
type Named = (Digest, Option<u64>);

/// Reads blobs and frames them, many in each of the stream's items.
pub(super) fn write(blobs: BlobStore, named: Vec<Named>) -> impl Stream<Item = Bytes> {
    // The next are read while these travel.
    stream::iter(groups(named)).map(move |group| frames_of(blobs.clone(), group)).buffered(2)
}

fn groups(named: Vec<Named>) -> Vec<Vec<Named>> {
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut bytes = 0;
    for (digest, size) in named {
        group.push((digest, size));
        bytes += size.unwrap_or(0);
        if bytes >= TOGETHER {
            groups.push(std::mem::take(&mut group));
            bytes = 0;
        }
    }
    groups.extend((!group.is_empty()).then_some(group));
    groups
}

async fn frames_of(blobs: BlobStore, group: Vec<Named>) -> Bytes {
    let named = group.iter().filter(|(_, size)| size.is_some()).map(|(digest, _)| *digest);
    let blobs = blobs.read_all(named.collect(), wire::SMALL_BLOB).await;
    let blobs = blobs.unwrap_or_else(|error| {
        tracing::error!(%error, "blobs could not be read for replication");
        HashMap::new()
    });
    let bytes: usize = blobs.values().map(Bytes::len).sum();
    let mut frames = BytesMut::with_capacity(HEAD * group.len() + bytes);
    for (digest, _) in group {
        let blob = blobs.get(&digest);
        let length = blob.map_or(NO_BLOB, |bytes| bytes.len() as u64);
        frames.extend_from_slice(digest.as_bytes());
        frames.extend_from_slice(&length.to_be_bytes());
        frames.extend_from_slice(blob.map_or(&[][..], |bytes| bytes));
    }
    frames.freeze()
}

/// The stream ends in the middle of a blob, or where another was to come.
#[derive(Debug, thiserror::Error)]
#[error("a stream of blobs that breaks off")]
pub(super) struct BrokenOff;

impl From<BrokenOff> for SourceError {
    fn from(error: BrokenOff) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Takes apart a stream of frames.
pub(super) struct Frames<S> {
    stream: S,
    waiting: VecDeque<Bytes>,
    length: usize,
}

impl<S, E> Frames<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: From<BrokenOff>,
{
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, waiting: VecDeque::new(), length: 0 }
    }

    /// The digest and the length of the blob that comes now.
    pub(super) async fn head(&mut self) -> Result<(Digest, u64), E> {
        let mut head = self.take(HEAD as u64).await?;
        let mut digest = [0; 32];
        head.copy_to_slice(&mut digest);
        Ok((Digest::from_bytes(digest), head.get_u64()))
    }

    /// The same, where the stream may be at its end.
    pub(super) async fn next_head(&mut self) -> Result<Option<(Digest, u64)>, E> {
        if self.await_bytes(1).await? { self.head().await.map(Some) } else { Ok(None) }
    }

    /// So many bytes of the blob. The caller has checked that it is willing to hold them.
    pub(super) async fn take(&mut self, length: u64) -> Result<Bytes, E> {
        let length = usize::try_from(length).map_err(|_| BrokenOff)?;
        if !self.await_bytes(length).await? {
            return Err(BrokenOff.into());
        }
        self.length -= length;
        let mut taken = BytesMut::with_capacity(length);
        while taken.len() < length {
            let Some(chunk) = self.waiting.front_mut() else { break };
            let part = chunk.split_to(chunk.len().min(length - taken.len()));
            taken.extend_from_slice(&part);
            if chunk.is_empty() {
                self.waiting.pop_front();
            }
        }
        Ok(taken.freeze())
    }

    /// Waits until so many bytes are here; `false` when the stream ends before.
    async fn await_bytes(&mut self, length: usize) -> Result<bool, E> {
        while self.length < length {
            let Some(chunk) = self.stream.try_next().await? else { return Ok(false) };
            self.length += chunk.len();
            self.waiting.push_back(chunk);
        }
        Ok(true)
    }
}
