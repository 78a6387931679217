//! Moving blobs between this site and a source: in parallel, small ones together in one stream, large
//! ones resumed where they were cut off, each checked by its digest.

mod send;

pub(super) use send::send;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pakhus_blobs::{BlobBatch, UploadId};
use pakhus_core::{BlobRef, Digest};
use reqwest::StatusCode;

use super::execution::Progress;
use super::frames::{Frames, NO_BLOB};
use super::remote::HttpSource;
use super::source::SourceError;
use super::wire::{BATCH_BYTES, SMALL_BLOB};

/// How many bytes of small blobs are written at once. So many are in memory of each stream that is
/// under way.
const WRITTEN_AT_ONCE: u64 = 1024 * 1024;

/// The most blobs that are asked for in one stream, so that several streams share a page.
const STREAM_BLOBS: usize = 256;

/// The streams whose blobs become durable together, at most: 4,096 blobs or 256 MiB. What comes then
/// waits.
const STREAMS_TOGETHER: usize = 16;

/// Blobs that could not be moved, with the reason.
type Failed = Vec<(Digest, String)>;

/// Why one blob, or the whole run, cannot go on.
enum Trouble {
    /// This blob alone.
    Blob(String),
    /// The source cannot be reached.
    Line(SourceError),
}

impl From<SourceError> for Trouble {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Unreachable { .. } => Self::Line(error),
            // It refuses this client, not this blob.
            SourceError::Refused {
                status:
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::SERVICE_UNAVAILABLE,
                ..
            } => Self::Line(error),
            other => Self::Blob(other.to_string()),
        }
    }
}

impl From<pakhus_blobs::Error> for Trouble {
    fn from(error: pakhus_blobs::Error) -> Self {
        Self::Blob(error.to_string())
    }
}

/// Fetches blobs into this site's store.
pub(super) async fn fetch(remote: &HttpSource, blobs: Vec<BlobRef>) -> Result<Failed, SourceError> {
    count(remote, &blobs);
    let (small, large): (Vec<_>, Vec<_>) =
        blobs.into_iter().partition(|blob| blob.size <= SMALL_BLOB);
    let mut failed = Vec::new();
    let mut batches = batches(small, STREAM_BLOBS);
    while !batches.is_empty() {
        let later = batches.split_off(STREAMS_TOGETHER.min(batches.len()));
        failed.extend(fetch_small(remote, std::mem::replace(&mut batches, later)).await?);
    }
    let large = stream::iter(large)
        .map(|blob| async move { one(&blob, fetch_large(remote, &blob).await) })
        .buffer_unordered(remote.concurrency)
        .try_fold(Vec::new(), join)
        .await?;
    join(failed, large).await
}

async fn join(mut failed: Failed, more: Failed) -> Result<Failed, SourceError> {
    failed.extend(more);
    Ok(failed)
}

fn one(blob: &BlobRef, moved: Result<(), Trouble>) -> Result<Failed, SourceError> {
    match moved {
        Ok(()) => Ok(Vec::new()),
        Err(Trouble::Blob(reason)) => Ok(vec![(blob.digest, reason)]),
        Err(Trouble::Line(error)) => Err(error),
    }
}

fn count(remote: &HttpSource, blobs: &[BlobRef]) {
    let progress = &remote.progress;
    Progress::add(&progress.blobs_total, blobs.len() as u64);
    for blob in blobs {
        Progress::add(&progress.bytes_total, blob.size);
    }
}

fn batches(blobs: Vec<BlobRef>, most: usize) -> Vec<Vec<BlobRef>> {
    let mut batches = Vec::new();
    let mut batch: Vec<BlobRef> = Vec::new();
    let mut bytes = 0;
    for blob in blobs {
        if batch.len() >= most || bytes + blob.size > BATCH_BYTES {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += blob.size;
        batch.push(blob);
    }
    batches.extend((!batch.is_empty()).then_some(batch));
    batches
}

/// Fetches small blobs, each of `batches` in one stream. What comes becomes durable together.
async fn fetch_small(
    remote: &HttpSource,
    batches: Vec<Vec<BlobRef>>,
) -> Result<Failed, SourceError> {
    let digests: Vec<_> = batches.iter().flatten().map(|blob| blob.digest).collect();
    let together = match remote.blobs.batch(digests.len()).await {
        Ok(together) => together,
        Err(error) => return Ok(all_failed(digests, &error)),
    };
    let received = stream::iter(batches)
        .map(|batch| receive(remote, batch, &together))
        .buffer_unordered(remote.concurrency)
        .try_fold(Vec::new(), join)
        .await;
    // What came before a line broke counts.
    match together.finish().await {
        Ok(stored) => {
            Progress::add(&remote.progress.blobs_done, stored.len() as u64);
            remote.fetched(stored);
            received
        }
        Err(error) => received.map(|_| all_failed(digests, &error)),
    }
}

fn all_failed(digests: Vec<Digest>, error: &pakhus_blobs::Error) -> Failed {
    digests.into_iter().map(|digest| (digest, error.to_string())).collect()
}

/// Many small blobs in one stream.
async fn receive(
    remote: &HttpSource,
    batch: Vec<BlobRef>,
    together: &BlobBatch,
) -> Result<Failed, SourceError> {
    let digests = batch.iter().map(|blob| blob.digest).collect();
    let mut frames = Frames::new(Box::pin(remote.source.blobs(digests).await?));
    let mut failed = Vec::new();
    let mut wanted = batch.into_iter();
    while wanted.len() > 0 {
        let mut blobs = Vec::new();
        let read = read(remote, &mut frames, &mut wanted, &mut blobs, &mut failed).await;
        let digests: Vec<_> = blobs.iter().map(|(digest, _)| *digest).collect();
        match together.receive(blobs).await {
            Ok(refused) => {
                failed
                    .extend(refused.into_iter().map(|(digest, error)| (digest, error.to_string())));
            }
            Err(error) => failed.extend(all_failed(digests, &error)),
        }
        read?;
    }
    Ok(failed)
}

/// Reads the next of the wanted blobs.
async fn read(
    remote: &HttpSource,
    frames: &mut Frames<impl Stream<Item = Result<Bytes, SourceError>> + Unpin>,
    wanted: &mut std::vec::IntoIter<BlobRef>,
    blobs: &mut Vec<(Digest, Bytes)>,
    failed: &mut Failed,
) -> Result<(), SourceError> {
    let mut bytes_read = 0;
    while bytes_read < WRITTEN_AT_ONCE
        && let Some(blob) = wanted.next()
    {
        let (digest, length) = frames.head().await?;
        if digest != blob.digest {
            return Err(SourceError::Broken("other blobs than were asked for".to_owned()));
        }
        if length == NO_BLOB {
            failed.push((digest, "the source has it no longer".to_owned()));
            continue;
        }
        if length > SMALL_BLOB {
            return Err(SourceError::Broken("a larger blob than was said".to_owned()));
        }
        let bytes = frames.take(length).await?;
        Progress::add(&remote.progress.bytes_done, length);
        bytes_read += length;
        if length == blob.size {
            blobs.push((digest, bytes));
        } else {
            failed.push((digest, wrong_length(&blob)));
        }
    }
    Ok(())
}

fn wrong_length(blob: &BlobRef) -> String {
    format!("{} has another length than the record says", blob.digest)
}

/// A large blob is kept as an upload of its own until it is whole: what came before a cut counts.
async fn fetch_large(remote: &HttpSource, blob: &BlobRef) -> Result<(), Trouble> {
    let uploads = remote.blobs.uploads();
    let id = UploadId::of("pull", &blob.digest);
    let mut offset = uploads.resume(&id).await?;
    if offset > blob.size {
        uploads.cancel(&id).await?;
        offset = uploads.resume(&id).await?;
    }
    Progress::add(&remote.progress.bytes_done, offset);
    if offset < blob.size {
        let mut append = uploads.append(&id, Some(offset), blob.size).await?;
        let mut bytes = Box::pin(remote.source.blob(&blob.digest, offset).await?);
        let received = loop {
            match bytes.try_next().await {
                Ok(Some(chunk)) => {
                    Progress::add(&remote.progress.bytes_done, chunk.len() as u64);
                    append.write(chunk).await?;
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        append.finish().await?;
        received?;
    }
    let written = uploads.finish(&id, blob.digest).await?;
    if written.size != blob.size {
        return Err(Trouble::Blob(wrong_length(blob)));
    }
    remote.fetched([blob.digest]);
    Progress::add(&remote.progress.blobs_done, 1);
    Ok(())
}
