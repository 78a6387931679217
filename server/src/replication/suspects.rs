//! Blobs that a source does not deliver: they are asked for by themselves, so that one of them does not
//! hold up all others.

use std::collections::HashSet;

use pakhus_blobs::UploadId;
use pakhus_core::{BlobRef, Digest};

use super::remote::HttpSource;
use super::source::SourceError;
use super::transfer;
use super::wire::SMALL_BLOB;

/// So often in a row the fetching of blobs may fail as a whole before they are asked for one by one.
const PATIENCE: u32 = 3;

/// The most blobs that are remembered of one source.
const MOST: usize = 10_000;

/// What is known of a source that fails to deliver.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspects {
    /// How often in a row the fetching of blobs failed as a whole.
    failures: u32,
    /// Blobs that did not come though the source answered.
    blobs: HashSet<Digest>,
}

impl Suspects {
    /// Notes a failure; whether there were too many to go on as before.
    const fn failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures > PATIENCE
    }

    fn add(&mut self, digest: Digest) {
        if self.blobs.len() >= MOST {
            self.blobs.clear();
        }
        self.blobs.insert(digest);
    }
}

/// Fetches blobs, those together that are under no suspicion. Returns those that did not come, with the
/// reason.
///
/// # Errors
/// When the source does not answer, or too few failures have shown that it is one blob's fault.
pub(super) async fn fetch(
    remote: &HttpSource,
    blobs: Vec<BlobRef>,
) -> Result<Vec<(Digest, String)>, SourceError> {
    let known = remote.suspects(|suspects| suspects.blobs.clone());
    let (suspects, mut others): (Vec<_>, Vec<_>) =
        blobs.into_iter().partition(|blob| known.contains(&blob.digest));
    let mut failed = Vec::new();
    if !others.is_empty() {
        match transfer::fetch(remote, others.clone()).await {
            Ok(missed) => {
                remote.suspects(|suspects| suspects.failures = 0);
                failed = missed;
            }
            Err(error) if !remote.suspects(Suspects::failed) => return Err(error),
            Err(_) => {
                let here = remote.fetched_until_now();
                others.retain(|blob| !here.contains(&blob.digest));
                failed = one_by_one(remote, others).await?;
            }
        }
    }
    failed.extend(one_by_one(remote, suspects).await?);
    Ok(failed)
}

/// Fetches each blob by itself. One that does not come counts as failed, as long as the source answers.
async fn one_by_one(
    remote: &HttpSource,
    blobs: Vec<BlobRef>,
) -> Result<Vec<(Digest, String)>, SourceError> {
    let mut failed = Vec::new();
    let mut cut = None;
    for blob in blobs {
        let digest = blob.digest;
        let before = reached(remote, &blob).await;
        match transfer::fetch(remote, vec![blob.clone()]).await {
            Ok(missed) if missed.is_empty() => {
                remote.suspects(|suspects| suspects.blobs.remove(&digest));
            }
            Ok(missed) => failed.extend(missed),
            Err(error) => {
                // If it answers, and lets this feed in, it is the blob.
                remote.source.handshake().await?;
                if reached(remote, &blob).await > before {
                    // It gets on, however slowly.
                    cut = Some(error);
                    continue;
                }
                remote.suspects(|suspects| suspects.add(digest));
                failed.push((digest, error.to_string()));
            }
        }
    }
    cut.map_or(Ok(failed), Err)
}

/// How many bytes of a large blob are here; small ones come whole or not at all.
async fn reached(remote: &HttpSource, blob: &BlobRef) -> u64 {
    if blob.size <= SMALL_BLOB {
        return 0;
    }
    let id = UploadId::of("pull", &blob.digest);
    remote.blobs.uploads().offset(&id).await.unwrap_or(0)
}
