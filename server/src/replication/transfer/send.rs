//! Sending blobs to a source.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pakhus_core::BlobRef;
use reqwest::StatusCode;

use super::super::execution::Progress;
use super::super::frames;
use super::super::remote::HttpSource;
use super::super::source::SourceError;
use super::super::wire::{BATCH_BLOBS, SMALL_BLOB, TakenBlobs};
use super::{Failed, Trouble, batches, count, join, one};

/// How much is sent at once. Small, so that also a slow line is never silent for long.
const PIECE: usize = 8 * 1024;

/// Sends blobs of this site's store.
pub(in super::super) async fn send(
    remote: &HttpSource,
    blobs: Vec<BlobRef>,
) -> Result<Failed, SourceError> {
    count(remote, &blobs);
    let (small, mut singly): (Vec<_>, Vec<_>) =
        blobs.into_iter().partition(|blob| blob.size <= SMALL_BLOB);
    let mut failed = Vec::new();
    let mut sent = stream::iter(batches(small, BATCH_BLOBS))
        .map(|batch| send_batch(remote, batch))
        .buffer_unordered(remote.concurrency);
    while let Some(sent) = sent.try_next().await? {
        failed.extend(sent.failed);
        singly.extend(sent.left);
    }
    stream::iter(singly)
        .map(|blob| async move { one(&blob, upload(remote, &blob).await) })
        .buffer_unordered(remote.concurrency)
        .try_fold(failed, join)
        .await
}

/// What became of a batch.
#[derive(Default)]
struct Sent {
    failed: Failed,
    /// Those that are still to be sent, each by itself.
    left: Vec<BlobRef>,
}

/// Many small blobs in one stream.
async fn send_batch(remote: &HttpSource, batch: Vec<BlobRef>) -> Result<Sent, SourceError> {
    let sent = Sent::default();
    if remote.takes_no_batches.load(Ordering::Relaxed) {
        return Ok(Sent { left: batch, ..sent });
    }
    let named = batch.iter().map(|blob| (blob.digest, Some(blob.size))).collect();
    let frames = frames::write(remote.blobs.clone(), named).map(Ok::<_, Infallible>);
    match remote.source.upload_batch(pieces(remote, frames)).await {
        Ok(taken) => Ok(Sent { failed: look_through(remote, batch, taken).await, ..sent }),
        // A source of an older version, or something in front of it that lets no large bodies through.
        Err(SourceError::Refused {
            status:
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::PAYLOAD_TOO_LARGE,
            ..
        }) => {
            remote.takes_no_batches.store(true, Ordering::Relaxed);
            Ok(Sent { left: batch, ..sent })
        }
        Err(error) => match Trouble::from(error) {
            Trouble::Line(error) => Err(error),
            Trouble::Blob(reason) => {
                let failed = batch.into_iter().map(|blob| (blob.digest, reason.clone())).collect();
                Ok(Sent { failed, ..sent })
            }
        },
    }
}

/// Those of a batch that the source did not take.
async fn look_through(remote: &HttpSource, batch: Vec<BlobRef>, taken: TakenBlobs) -> Failed {
    let stored: HashSet<_> = taken.stored.into_iter().collect();
    let refused: HashMap<_, _> =
        taken.refused.into_iter().map(|refused| (refused.digest, refused.detail)).collect();
    let mut failed = Vec::new();
    for BlobRef { digest, .. } in batch {
        if stored.contains(&digest) {
            Progress::add(&remote.progress.blobs_done, 1);
        } else if remote.blobs.contains(&digest).await.is_ok_and(|is_stored| !is_stored) {
            failed.push((digest, not_stored(&digest)));
        } else {
            let detail = refused.get(&digest).map_or("it says nothing of it", String::as_str);
            failed.push((digest, format!("the source did not take {digest}: {detail}")));
        }
    }
    failed
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
