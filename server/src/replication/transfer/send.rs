//! Sending blobs to a source.

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pakhus_core::BlobRef;

use super::super::execution::Progress;
use super::super::remote::HttpSource;
use super::super::source::SourceError;
use super::{Failed, Trouble, count, join, one};

/// How much is sent at once. Small, so that also a slow line is never silent for long.
const PIECE: usize = 8 * 1024;

/// Sends blobs of this site's store.
pub(in super::super) async fn send(
    remote: &HttpSource,
    blobs: Vec<BlobRef>,
) -> Result<Failed, SourceError> {
    count(remote, &blobs);
    stream::iter(blobs)
        .map(|blob| async move { one(&blob, upload(remote, &blob).await) })
        .buffer_unordered(remote.concurrency)
        .try_fold(Vec::new(), join)
        .await
}

fn not_stored(digest: &pakhus_core::Digest) -> String {
    format!("{digest} is not stored here; restore it from a backup")
}

async fn upload(remote: &HttpSource, blob: &BlobRef) -> Result<(), Trouble> {
    let (id, mut offset) = remote.source.begin_upload(&blob.digest).await?;
    if offset > blob.size {
        // It cannot be of this blob: ending it is refused, and removes it.
        let _ = remote.source.finish_upload(&id, &blob.digest).await;
        offset = remote.source.begin_upload(&blob.digest).await?.1;
    }
    Progress::add(&remote.progress.bytes_done, offset.min(blob.size));
    if offset < blob.size {
        let rest = remote.blobs.read(&blob.digest, offset..blob.size).await?;
        let rest = rest.ok_or_else(|| Trouble::Blob(not_stored(&blob.digest)))?;
        let (length, body) = (blob.size - offset, pieces(remote, rest));
        remote.source.append_upload(&id, &blob.digest, offset, length, body).await?;
    }
    remote.source.finish_upload(&id, &blob.digest).await?;
    Progress::add(&remote.progress.blobs_done, 1);
    Ok(())
}

/// The same bytes, counted and at the rate that the feed is held to.
fn pieces<E: Error + Send + Sync + 'static>(
    remote: &HttpSource,
    bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, E>> + Send + 'static {
    let progress = Arc::clone(&remote.progress);
    let limiter = remote.source.limiter().clone();
    bytes.map_ok(|bytes| stream::iter(cut(bytes).map(Ok))).try_flatten().and_then(move |piece| {
        Progress::add(&progress.bytes_done, piece.len() as u64);
        let limiter = limiter.clone();
        async move {
            limiter.pass(piece.len()).await;
            Ok(piece)
        }
    })
}

fn cut(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || {
        let piece = bytes.split_to(bytes.len().min(PIECE));
        (!piece.is_empty()).then_some(piece)
    })
}
