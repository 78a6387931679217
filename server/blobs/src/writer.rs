//! Writing a blob in one go.

use std::sync::Arc;

use bytes::Bytes;
use pakhus_core::{ContentDigest, Digest};
use tokio::runtime::Handle;

use crate::buffered::Buffered;
use crate::error::{Error, Result, blocking};
use crate::hash::Hashes;
use crate::place::Place;
use crate::spool::{self, Spool};
use crate::together;

/// So many bytes are hashed at once where they are: it takes some 50 µs, and to hand them to a blocking
/// thread half as long.
const SHORT: usize = 32 * 1024;

/// What a writer accepts and computes.
#[derive(Debug, Clone, Copy)]
pub struct WriterOptions {
    /// The most bytes of the blob.
    pub max_size: u64,
    /// Which digests are computed.
    pub hashes: Hashes,
}

/// A blob that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the bytes, and the name of the blob.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// SHA-512 of the bytes, if the writer was asked for it.
    pub sha512: Option<[u8; 64]>,
    /// SHA-1 of the bytes, if the writer was asked for it.
    pub sha1: Option<[u8; 20]>,
    /// The first bytes, up to 1,024, to look at what kind of file it is.
    pub first_bytes: Bytes,
}

impl Written {
    /// Refuses bytes that have another digest than `expected`, or were not hashed so.
    pub(crate) fn check(&self, expected: ContentDigest) -> Result<()> {
        let actual = match expected {
            ContentDigest::Sha256(_) => ContentDigest::Sha256(self.digest),
            ContentDigest::Sha512(_) => ContentDigest::Sha512(self.sha512.ok_or(Error::Broken)?),
        };
        if actual == expected {
            return Ok(());
        }
        Err(Error::DigestMismatch { expected: Box::new(expected), actual: Box::new(actual) })
    }
}

/// All bytes of a blob, hashed, and not stored yet. Dropping it removes what was written of it.
pub struct SealedBlob {
    /// `None` once it is kept or dropped.
    spool: Option<Spool>,
    tail: Vec<u8>,
    written: Written,
}

impl SealedBlob {
    /// What it is.
    #[must_use]
    pub const fn written(&self) -> &Written {
        &self.written
    }

    /// Its bytes: `length` of them from `offset` on, fewer only where it ends.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk cannot read.
    pub async fn read(&self, offset: u64, length: usize) -> Result<Bytes> {
        let spooled = self.written.size - self.tail.len() as u64;
        let mut bytes = Vec::new();
        match self.spool.as_ref().filter(|_| offset < spooled) {
            Some(spool) => {
                let path = spool.path().to_owned();
                let wanted = (spooled - offset).min(length as u64);
                bytes = blocking(move || spool::read_at(&path, offset, wanted)).await?;
            }
            // Whoever reads on and on lets others have their turn in between.
            None => tokio::task::yield_now().await,
        }
        let start = (offset + bytes.len() as u64).saturating_sub(spooled);
        let tail = usize::try_from(start).ok().and_then(|start| self.tail.get(start..));
        let tail = tail.unwrap_or_default();
        bytes.extend_from_slice(&tail[..tail.len().min(length - bytes.len())]);
        Ok(bytes.into())
    }

    /// Makes it a blob, durably, together with other small ones that are kept now. A blob that is stored
    /// already is not stored again.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`] when the disk refuses. Nothing is left on the disk then.
    pub async fn keep(mut self) -> Result<Written> {
        let (spool, tail, written) =
            (self.spool.take(), std::mem::take(&mut self.tail), self.written.clone());
        let Some(spool) = spool else { return Ok(written) };
        if !spool.has_file() {
            together::keep(spool.place(), written.digest, tail).await?;
            return Ok(written);
        }
        blocking(move || {
            spool.keep(&tail, &written)?;
            Ok(written)
        })
        .await
    }
}

impl Drop for SealedBlob {
    fn drop(&mut self) {
        // Removing a file of gigabytes takes a while.
        if let Some(spool) = self.spool.take() {
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || drop(spool))),
                Err(_) => drop(spool),
            }
        }
    }
}

/// Receives the bytes of one blob.
///
/// Up to 1 MiB is collected before anything touches the disk; after that one buffer is hashed and
/// written while the next fills. Dropping a writer that was not finished removes what it wrote,
/// soon after.
pub struct BlobWriter {
    received: Buffered<Spool>,
    max_size: u64,
    size: u64,
}

impl BlobWriter {
    pub(crate) fn new(place: Arc<Place>, options: WriterOptions) -> Self {
        let received = Buffered::new(Spool::new(place, options.hashes));
        Self { received, max_size: options.max_size, size: 0 }
    }

    /// How many bytes were taken so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes, and waits for the disk when it is slower than they come.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when they are more than the options allow, [`Error::Full`] or
    /// [`Error::Io`] when the disk refuses them or earlier ones. Nothing is left on the disk then,
    /// and the writer is of no more use: it says [`Error::Broken`]. So it does after this call was
    /// dropped before it returned.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.max_size {
            self.received.discard().await;
            return Err(Error::TooLarge { limit: self.max_size });
        }
        self.received.write(bytes).await
    }

    /// Makes all that was written a blob, durably. A blob that is stored already is not stored
    /// again; the caller cannot tell the difference.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] when `expected` is given and is not the digest of the bytes,
    /// [`Error::Full`] or [`Error::Io`] when the disk refuses. Nothing is left on the disk then.
    pub async fn finish(self, expected: Option<ContentDigest>) -> Result<Written> {
        let (mut spool, tail) = self.received.into_parts().await?;
        blocking(move || {
            let written = spool.seal(&tail, expected)?;
            spool.keep(&tail, &written)?;
            Ok(written)
        })
        .await
    }

    /// Ends the writing without making a blob yet: for bytes that are looked at before it is decided
    /// whether they are wanted.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub async fn seal(self, expected: Option<ContentDigest>) -> Result<SealedBlob> {
        let (mut spool, tail) = self.received.into_parts().await?;
        let is_short = tail.len() <= SHORT;
        let seal = move || {
            let written = spool.seal(&tail, expected)?;
            Ok(SealedBlob { spool: Some(spool), tail, written })
        };
        if is_short { seal() } else { blocking(seal).await }
    }

    /// Gives the blob up. When this returns, nothing of it is on the disk.
    pub async fn cancel(mut self) {
        self.received.discard().await;
    }
}
