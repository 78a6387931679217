//! The file of one writer: what it has received so far.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pakhus_core::ContentDigest;

use crate::buffered::Sink;
use crate::error::{Error, Result};
use crate::hash::{Hasher, Hashes};
use crate::place::Place;
use crate::writer::Written;

/// A file in `incoming/` with the hashes of its content. It is made by the first bytes that are
/// appended and removed when this is dropped without having been finished. All methods block.
pub(crate) struct Spool {
    place: Arc<Place>,
    path: PathBuf,
    /// `None` before there is a file, and after it has become a blob.
    file: Option<File>,
    hasher: Hasher,
}

impl Spool {
    pub(crate) fn new(place: Arc<Place>, hashes: Hashes) -> Self {
        let path = place.layout().new_incoming();
        Self { place, path, file: None, hasher: Hasher::new(hashes) }
    }

    /// Ends the hashing with `tail`, which is not written yet: a small blob that is refused or that is
    /// stored already is never written at all.
    pub(crate) fn seal(&mut self, tail: &[u8], expected: Option<ContentDigest>) -> Result<Written> {
        self.hasher.update(tail);
        let written = self.hasher.written();
        expected.map_or(Ok(()), |expected| written.check(expected))?;
        Ok(written)
    }

    /// Makes what was sealed a blob.
    pub(crate) fn keep(mut self, tail: &[u8], written: &Written) -> Result<()> {
        if !self.place.confirm(&written.digest, written.size)? {
            self.write(tail)?;
            if let Some(file) = &self.file {
                self.place.publish(file, &self.path, &written.digest)?;
            }
            self.file = None;
        }
        Ok(())
    }

    /// The place that it is for.
    pub(crate) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// Whether there are bytes in a file.
    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Where it is, once there are bytes in it.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(
                File::options()
                    .write(true)
                    .create_new(true)
                    .open(&self.path)
                    .map_err(Error::io("create", &self.path))?,
            ),
        };
        file.write_all(bytes).map_err(Error::io("write", &self.path))
    }
}

/// Reads `length` bytes of a file, all of which are there.
pub(crate) fn read_at(path: &Path, offset: u64, length: u64) -> Result<Vec<u8>> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(Error::io("read", path))
}

impl Sink for Spool {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)?;
        self.hasher.update(bytes);
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if self.file.take().is_some()
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            // The sweep of `incoming/` removes it a day later.
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a temporary file");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_as_such_and_leaves_nothing() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let place = Arc::new(Place::open(directory.path()).expect("open"));
        let mut spool = Spool::new(Arc::clone(&place), Hashes::Sha256);
        // A real "no space left on device", from the device made for it.
        std::os::unix::fs::symlink("/dev/full", &spool.path).expect("link");
        spool.file = Some(File::options().write(true).open(&spool.path).expect("open"));
        let path = spool.path.clone();
        assert!(matches!(spool.append(b"bytes"), Err(Error::Full { .. })));
        drop(spool);
        assert!(fs::symlink_metadata(path).is_err());
    }
}
