//! Moving blobs between this site and a source: in parallel, small ones together in one stream, large
//! ones resumed where they were cut off, each checked by its digest.

mod send;

pub(super) use send::send;

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use pakhus_blobs::UploadId;
use pakhus_core::{BlobRef, Digest};
use reqwest::StatusCode;

use super::execution::Progress;
use super::frames::{Frames, NO_BLOB};
use super::remote::HttpSource;
use super::source::SourceError;
use super::wire::{BATCH_BLOBS, BATCH_BYTES, SMALL_BLOB};

/// How many bytes of small blobs are stored together. So many are in memory of each stream that is
/// under way.
const TOGETHER: u64 = 4 * 1024 * 1024;

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
    let batches = stream::iter(batches(small))
        .map(|batch| fetch_batch(remote, batch))
        .buffer_unordered(remote.concurrency)
        .try_fold(Vec::new(), join)
        .await?;
    let large = stream::iter(large)
        .map(|blob| async move { one(&blob, fetch_large(remote, &blob).await) })
        .buffer_unordered(remote.concurrency)
        .try_fold(Vec::new(), join)
        .await?;
    join(batches, large).await
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

fn batches(blobs: Vec<BlobRef>) -> Vec<Vec<BlobRef>> {
    let mut batches = Vec::new();
    let mut batch: Vec<BlobRef> = Vec::new();
    let mut bytes = 0;
    for blob in blobs {
        if batch.len() >= BATCH_BLOBS || bytes + blob.size > BATCH_BYTES {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += blob.size;
        batch.push(blob);
    }
    batches.extend((!batch.is_empty()).then_some(batch));
    batches
}

/// Many small blobs in one stream. What comes is stored together.
async fn fetch_batch(remote: &HttpSource, batch: Vec<BlobRef>) -> Result<Failed, SourceError> {
    let digests = batch.iter().map(|blob| blob.digest).collect();
    let mut frames = Frames::new(Box::pin(remote.source.blobs(digests).await?));
    let mut failed = Vec::new();
    let mut wanted = batch.into_iter();
    while wanted.len() > 0 {
        let mut group = Group::default();
        let received = receive(remote, &mut frames, &mut wanted, &mut group).await;
        // What came before a line broke counts.
        failed.extend(store(remote, group).await);
        received?;
    }
    Ok(failed)
}

/// Small blobs that are stored together.
#[derive(Default)]
struct Group {
    blobs: Vec<(Digest, Bytes)>,
    failed: Failed,
}

/// The next of the wanted blobs.
async fn receive(
    remote: &HttpSource,
    frames: &mut Frames<impl Stream<Item = Result<Bytes, SourceError>> + Unpin>,
    wanted: &mut std::vec::IntoIter<BlobRef>,
    group: &mut Group,
) -> Result<(), SourceError> {
    let mut received = 0;
    while received < TOGETHER
        && let Some(blob) = wanted.next()
    {
        let (digest, length) = frames.head().await?;
        if digest != blob.digest {
            return Err(SourceError::Broken("other blobs than were asked for".to_owned()));
        }
        if length == NO_BLOB {
            group.failed.push((digest, "the source has it no longer".to_owned()));
            continue;
        }
        if length > SMALL_BLOB {
            return Err(SourceError::Broken("a larger blob than was said".to_owned()));
        }
        let bytes = frames.take(length).await?;
        Progress::add(&remote.progress.bytes_done, length);
        received += length;
        if length == blob.size {
            group.blobs.push((digest, bytes));
        } else {
            group.failed.push((digest, wrong_length(&blob)));
        }
    }
    Ok(())
}

async fn store(remote: &HttpSource, group: Group) -> Failed {
    let Group { blobs, mut failed } = group;
    let digests: Vec<_> = blobs.iter().map(|(digest, _)| *digest).collect();
    match remote.blobs.store_all(blobs).await {
        Ok(refused) => {
            let refused: HashMap<_, _> =
                refused.into_iter().map(|(digest, error)| (digest, error.to_string())).collect();
            for digest in digests.into_iter().filter(|digest| !refused.contains_key(digest)) {
                Progress::add(&remote.progress.blobs_done, 1);
                remote.fetched(digest);
            }
            failed.extend(refused);
        }
        Err(error) => {
            let reason = error.to_string();
            failed.extend(digests.into_iter().map(|digest| (digest, reason.clone())));
        }
    }
    failed
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
    remote.fetched(blob.digest);
    Progress::add(&remote.progress.blobs_done, 1);
    Ok(())
}
