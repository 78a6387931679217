//! Resumable uploads: a blob that comes in several requests.

mod held;
mod id;

use std::fs::{self, File};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pakhus_core::ContentDigest;

pub use self::id::{InvalidUploadId, UploadId};

use self::held::{Held, Shared};
use crate::buffered::{Buffered, Sink as _};
use crate::error::{Error, Result, blocking};
use crate::hash::Hashes;
use crate::place::Place;
use crate::store::stale_files;
use crate::writer::Written;

/// The resumable uploads of a store. Cheap to clone.
///
/// An upload is a file that grows by appends, each of which begins where the last ended. It lives
/// through a restart of the server: what was acknowledged is in the file, though it is not synced
/// to the disk before the upload is finished. At most one request holds an upload at a time.
#[derive(Clone)]
pub struct Uploads {
    shared: Arc<Shared>,
}

impl Uploads {
    pub(crate) fn new(place: Arc<Place>) -> Self {
        Self { shared: Arc::new(Shared::new(place)) }
    }

    /// Begins an upload.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`] when the disk refuses.
    pub async fn create(&self) -> Result<UploadId> {
        let id = UploadId::new();
        let path = self.shared.place.layout().upload(&id);
        blocking(move || {
            File::create_new(&path).map_err(Error::io("create", &path))?;
            Ok(id)
        })
        .await
    }

    /// Begins the upload called `id`, or finds it as it was left; says how many bytes it has.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`] when the disk refuses.
    pub async fn resume(&self, id: &UploadId) -> Result<u64> {
        let path = self.shared.place.layout().upload(id);
        blocking(move || {
            let file = File::options().append(true).create(true).open(&path);
            let file = file.map_err(Error::io("open", &path))?;
            Ok(file.metadata().map_err(Error::io("look at", &path))?.len())
        })
        .await
    }

    /// How many bytes the upload has; the next append begins there.
    ///
    /// # Errors
    /// [`Error::UnknownUpload`], or [`Error::Io`] when the disk refuses.
    pub async fn offset(&self, id: &UploadId) -> Result<u64> {
        let id = *id;
        let path = self.shared.place.layout().upload(&id);
        blocking(move || match fs::metadata(&path) {
            Ok(found) => Ok(found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::UnknownUpload(id)),
            Err(error) => Err(Error::io("look at", &path)(error)),
        })
        .await
    }

    /// Takes the upload to append to it from byte `offset`, or from wherever it ends when that is
    /// `None`. The whole upload may have at most `max_size` bytes. The first append after a restart
    /// reads again what is there.
    ///
    /// # Errors
    /// [`Error::OffsetMismatch`] when the upload does not end at `offset`, [`Error::Busy`] when
    /// another request holds it, [`Error::UnknownUpload`], or [`Error::Io`] when the disk refuses.
    pub async fn append(
        &self,
        id: &UploadId,
        offset: Option<u64>,
        max_size: u64,
    ) -> Result<Append> {
        let (shared, id) = (Arc::clone(&self.shared), *id);
        blocking(move || {
            let mut held = Held::take(shared, id)?;
            let size = held.size();
            if offset.is_some_and(|offset| offset != size) {
                return Err(Error::OffsetMismatch { expected: size });
            }
            held.prepare(Hashes::Sha256)?;
            Ok(Append { received: Buffered::new(held), max_size, size })
        })
        .await
    }

    /// Makes the upload a blob, durably, and ends it. For a digest of SHA-512 all its bytes are read
    /// once more: appends hash by SHA-256 alone.
    ///
    /// # Errors
    /// [`Error::DigestMismatch`] when `expected` is not the digest of its bytes: the upload is
    /// removed then, as nothing that follows can make it right. [`Error::Busy`],
    /// [`Error::UnknownUpload`]; or [`Error::Full`] or [`Error::Io`] when the disk refuses, and the
    /// upload can be finished later.
    pub async fn finish(
        &self,
        id: &UploadId,
        expected: impl Into<ContentDigest>,
    ) -> Result<Written> {
        let (shared, id, expected) = (Arc::clone(&self.shared), *id, expected.into());
        blocking(move || Held::take(shared, id)?.finish(expected)).await
    }

    /// Gives the upload up and removes what it has.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::UnknownUpload`], or [`Error::Io`] when the disk refuses.
    pub async fn cancel(&self, id: &UploadId) -> Result<()> {
        let (shared, id) = (Arc::clone(&self.shared), *id);
        blocking(move || Held::take(shared, id)?.remove()).await
    }

    /// Removes the uploads that nothing was appended to for `older_than`; says how many. One that a
    /// request holds is spared.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be listed.
    pub async fn sweep(&self, older_than: Duration) -> Result<usize> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let mut removed = 0;
            for path in stale_files(&shared.place.layout().uploads(), older_than)? {
                // A stray file is not ours to remove.
                let name = path.file_name().and_then(|name| name.to_str());
                let Some(id) = name.and_then(|name| name.parse().ok()) else { continue };
                match Held::take(Arc::clone(&shared), id).and_then(Held::remove) {
                    Ok(()) => removed += 1,
                    Err(Error::Busy(_) | Error::UnknownUpload(_)) => {}
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "cannot remove a stale upload");
                    }
                }
            }
            Ok(removed)
        })
        .await
    }
}

/// Receives bytes of a resumable upload and holds it meanwhile.
///
/// When it is dropped instead of finished, the upload keeps some of the bytes, in whole steps of
/// 1 MiB; [`Uploads::offset`] tells how many once the upload is free again, which is soon after.
pub struct Append {
    received: Buffered<Held>,
    max_size: u64,
    size: u64,
}

impl Append {
    /// How many bytes the whole upload has, counting what was taken so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes, and waits for the disk when it is slower than they come.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when the upload would have more bytes than allowed, [`Error::Full`] or
    /// [`Error::Io`] when the disk refuses. The append is of no more use then, as when this call
    /// was dropped before it returned; the upload itself stays as if the append had been dropped.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.max_size {
            self.received.discard().await;
            return Err(Error::TooLarge { limit: self.max_size });
        }
        self.received.write(bytes).await
    }

    /// Puts all that was written into the upload and lets go of it; says how many bytes the upload
    /// has now.
    ///
    /// # Errors
    /// [`Error::Full`] or [`Error::Io`] when the disk refuses.
    pub async fn finish(self) -> Result<u64> {
        let (mut held, tail) = self.received.into_parts().await?;
        blocking(move || {
            held.append(&tail)?;
            Ok(held.size())
        })
        .await
    }
}
