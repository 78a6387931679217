//! Many small blobs at once: the file system is synced twice for all of them, where each by itself takes
//! two syncs or more.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use pakhus_core::Digest;
use tokio::runtime::Handle;

use crate::error::{Error, Result, blocking};
use crate::file_system::FileSystem;
use crate::place::{Place, sync_directory};

/// Fewer are each synced by itself: syncing a file system also waits for what others write to it.
const FEW: usize = 16;

/// Small blobs that become durable together, by [`Self::finish`]. What is not finished is removed.
///
/// No file stays open, so there may be many thousands.
#[derive(Debug)]
pub struct BlobBatch {
    place: Arc<Place>,
    /// What is synced at once; `None` where each file and each folder is synced by itself.
    file_system: Option<Arc<FileSystem>>,
    received: Mutex<Vec<Received>>,
}

/// A blob that is whole.
#[derive(Debug)]
pub(crate) struct Received {
    digest: Digest,
    /// Its file in `incoming/`, removed when this is dropped; `None` when it is where it belongs.
    path: Option<PathBuf>,
}

impl Drop for Received {
    fn drop(&mut self) {
        if let Some(path) = self.path.take()
            && let Err(error) = fs::remove_file(&path)
        {
            // The sweep of `incoming/` removes it a day later.
            tracing::warn!(path = %path.display(), %error, "cannot remove a temporary file");
        }
    }
}

impl Drop for BlobBatch {
    fn drop(&mut self) {
        let received = std::mem::take(&mut *self.received());
        if received.is_empty() {
            return;
        }
        // Removing many files takes a while.
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(received))),
            Err(_) => drop(received),
        }
    }
}

impl BlobBatch {
    /// A batch of about so many blobs. Blocks.
    pub(crate) fn new(place: Arc<Place>, count: usize) -> Result<Self> {
        let root = place.layout().root();
        // Opened before anything is written: it is told of every failure from now on.
        let file_system = match count {
            0..FEW => None,
            _ => FileSystem::open(root).map_err(Error::io("open", root))?.map(Arc::new),
        };
        Ok(Self { place, file_system, received: Mutex::default() })
    }

    /// Takes blobs, each with its digest. Returns those that could not be taken, with why; all others
    /// are stored once the batch is finished. Several callers may do so at once.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the process is stopping.
    pub async fn receive(&self, blobs: Vec<(Digest, Bytes)>) -> Result<Vec<(Digest, Error)>> {
        let place = Arc::clone(&self.place);
        let sync_each = self.file_system.is_none();
        let (received, failed) = blocking(move || {
            let (mut received, mut failed) = (Vec::with_capacity(blobs.len()), Vec::new());
            for (digest, bytes) in blobs {
                match receive(&place, digest, &bytes, sync_each) {
                    Ok(blob) => received.push(blob),
                    Err(error) => failed.push((digest, error)),
                }
            }
            Ok((received, failed))
        })
        .await?;
        self.received().extend(received);
        Ok(failed)
    }

    /// Makes all that was received durable, and returns the digests.
    ///
    /// # Errors
    /// When one of them cannot be moved or synced. None of them counts as stored then: some may be
    /// there all the same, and whoever brings them again syncs what this could not.
    pub async fn finish(self) -> Result<Vec<Digest>> {
        let received = std::mem::take(&mut *self.received());
        let (place, file_system) = (Arc::clone(&self.place), self.file_system.clone());
        blocking(move || publish(&place, file_system.as_deref(), received)).await
    }

    fn received(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a blob to a file of its own, unless it is stored already.
fn receive(place: &Place, digest: Digest, bytes: &[u8], sync: bool) -> Result<Received> {
    let actual = Digest::of(bytes);
    if actual != digest {
        return Err(Error::DigestMismatch {
            expected: Box::new(digest.into()),
            actual: Box::new(actual.into()),
        });
    }
    receive_checked(place, digest, bytes, sync)
}

/// The same of bytes whose digest is known to be theirs.
pub(crate) fn receive_checked(
    place: &Place,
    digest: Digest,
    bytes: &[u8],
    sync: bool,
) -> Result<Received> {
    if place.find(&digest, Some(bytes.len() as u64))? {
        return Ok(Received { digest, path: None });
    }
    let path = place.layout().new_incoming();
    let mut file = File::create_new(&path).map_err(Error::io("create", &path))?;
    let received = Received { digest, path: Some(path.clone()) };
    file.write_all(bytes).map_err(Error::io("write", &path))?;
    if sync {
        file.sync_all().map_err(Error::io("sync", &path))?;
    }
    Ok(received)
}

/// Makes blobs durable where they belong.
pub(crate) fn publish(
    place: &Place,
    file_system: Option<&FileSystem>,
    mut received: Vec<Received>,
) -> Result<Vec<Digest>> {
    let sync_all = |file_system: &FileSystem| {
        file_system.sync().map_err(Error::io("sync", place.layout().root()))
    };
    // First the contents: a name must never lead to bytes that are not on the disk.
    if let Some(file_system) = file_system
        && received.iter().any(|blob| blob.path.is_some())
    {
        sync_all(file_system)?;
    }
    let (mut made, mut to_sync) = (HashSet::new(), HashSet::new());
    for blob in &mut received {
        let to = place.layout().blob(&blob.digest);
        let directory = to.parent().unwrap_or(place.layout().root());
        // Also of those that are there: another writer may not have come to sync their names yet.
        place
            .make_below(directory, &mut made, &mut to_sync)
            .map_err(Error::io("create", directory))?;
        to_sync.insert(directory.to_path_buf());
        if let Some(from) = &blob.path {
            fs::rename(from, &to).map_err(Error::io("move a finished blob to", &to))?;
            blob.path = None;
        }
    }
    match file_system {
        Some(file_system) if !to_sync.is_empty() => sync_all(file_system)?,
        _ => to_sync.iter().try_for_each(|directory| {
            sync_directory(directory).map_err(Error::io("sync", directory))
        })?,
    }
    place.note_durable(made);
    Ok(received.iter().map(|blob| blob.digest).collect())
}

/// Reads blobs of at most `max_size` bytes; leaves out what is not stored, larger, or cannot be read.
/// Blocks.
pub(crate) fn read_all(place: &Place, digests: &[Digest], max_size: u64) -> HashMap<Digest, Bytes> {
    let mut blobs = HashMap::with_capacity(digests.len());
    for digest in digests {
        match read(&place.layout().blob(digest), max_size) {
            Ok(Some(bytes)) => drop(blobs.insert(*digest, bytes)),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(blob.digest = %digest, %error, "a blob cannot be read");
            }
        }
    }
    blobs
}

fn read(path: &Path, max_size: u64) -> io::Result<Option<Bytes>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > max_size {
        return Ok(None);
    }
    // A byte more than there is, so that the end is found without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(size).read_to_end(&mut bytes)?;
    Ok(Some(bytes.into()))
}
