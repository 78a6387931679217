//! One resumable upload in the hands of one request.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use pakhus_core::ContentDigest;

use super::UploadId;
use crate::buffered::{BUFFER, Sink};
use crate::error::{Error, Result};
use crate::hash::{Hasher, Hashes};
use crate::place::Place;
use crate::writer::Written;

/// For how many uploads between two requests the hashes are kept in memory (some 1.5 KiB each). The
/// others are read again from the disk when they continue.
const REMEMBERED: usize = 1024;

/// What all requests share.
pub(super) struct Shared {
    pub(super) place: Arc<Place>,
    /// The hashes of uploads that no request holds, and since when.
    remembered: Mutex<HashMap<UploadId, (Hasher, Instant)>>,
}

impl Shared {
    pub(super) fn new(place: Arc<Place>) -> Self {
        Self { place, remembered: Mutex::default() }
    }

    fn remember(&self, id: UploadId, hasher: Hasher) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(id, (hasher, Instant::now()));
        if remembered.len() > REMEMBERED {
            let oldest = remembered.iter().min_by_key(|(_, (_, since))| *since);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                remembered.remove(&id);
            }
        }
    }

    fn recall(&self, id: &UploadId) -> Option<Hasher> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.remove(id).map(|(hasher, _)| hasher)
    }
}

/// The file of an upload, locked, so that no other request of this or another server holds it at
/// the same time. Whoever removes or renames the file holds it too. All methods block.
pub(super) struct Held {
    shared: Arc<Shared>,
    id: UploadId,
    path: PathBuf,
    /// Unlocked when it is closed, which is after the hashes were put back.
    file: File,
    /// The length of the file in bytes.
    size: u64,
    /// The hashes of its content, once they are needed.
    hasher: Option<Hasher>,
}

impl Held {
    /// Takes the upload.
    pub(super) fn take(shared: Arc<Shared>, id: UploadId) -> Result<Self> {
        let path = shared.place.layout().upload(&id);
        let file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::UnknownUpload(id));
            }
            Err(error) => return Err(Error::io("open", &path)(error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Busy(id)),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
        }
        // It may have been finished between the opening and the locking: then this file is a blob,
        // and writing to it would change the blob. Names are not used twice, so a file at the path
        // is this one.
        if !fs::exists(&path).map_err(Error::io("look for", &path))? {
            return Err(Error::UnknownUpload(id));
        }
        let size = file.metadata().map_err(Error::io("look at", &path))?.len();
        // Another server may have appended since we remembered.
        let hasher = shared.recall(&id).filter(|hasher| hasher.size() == size);
        Ok(Self { shared, id, path, file, size, hasher })
    }

    /// The length of the upload in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Makes it ready to be appended to: hashes what is there, unless that is remembered.
    pub(super) fn prepare(&mut self, hashes: Hashes) -> Result<()> {
        if !self.hasher.as_ref().is_some_and(|hasher| hasher.computes(hashes)) {
            self.file.seek(SeekFrom::Start(0)).map_err(Error::io("read", &self.path))?;
            let mut hasher = Hasher::new(hashes);
            let mut buffer = vec![0; BUFFER];
            loop {
                match self.file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => hasher.update(&buffer[..read]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(Error::io("read", &self.path)(error)),
                }
            }
            self.hasher = Some(hasher);
        }
        self.file.seek(SeekFrom::Start(self.size)).map_err(Error::io("write", &self.path))?;
        Ok(())
    }

    /// Makes the upload a blob, or removes it when it is not what was expected.
    pub(super) fn finish(mut self, expected: ContentDigest) -> Result<Written> {
        self.prepare(expected.into())?;
        // `prepare` left it there.
        let Some(hasher) = &self.hasher else { return Err(Error::Broken) };
        let written = hasher.written();
        if let Err(error) = written.check(expected) {
            self.remove()?;
            return Err(error);
        }
        if self.shared.place.confirm(&written.digest, written.size)? {
            self.remove()?;
        } else {
            self.shared.place.publish(&self.file, &self.path, &written.digest)?;
            self.hasher = None;
        }
        Ok(written)
    }

    /// Removes the upload.
    pub(super) fn remove(mut self) -> Result<()> {
        fs::remove_file(&self.path).map_err(Error::io("remove", &self.path))?;
        self.hasher = None;
        Ok(())
    }
}

impl Sink for Held {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Back to what is hashed. If that fails too, the lengths differ and it is hashed anew.
            if let Err(error) = self.file.set_len(self.size) {
                tracing::warn!(path = %self.path.display(), %error, "cannot cut an upload back");
            }
            return Err(Error::io("write", &self.path)(error));
        }
        self.size += bytes.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(hasher) = self.hasher.take() {
            self.shared.remember(self.id, hasher);
        }
    }
}
