//! Many small blobs at once: the file system is synced twice for all of them, where each by itself takes
//! two syncs or more.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::sync::LazyLock;

use bytes::Bytes;
use pakhus_core::Digest;

use crate::error::{Error, Result};
use crate::place::{Place, sync_directory};

/// A file in `incoming/`, removed when this is dropped, unless it was moved away.
struct Received {
    digest: Digest,
    path: PathBuf,
    file: File,
    is_moved: bool,
}

impl Drop for Received {
    fn drop(&mut self) {
        if !self.is_moved
            && let Err(error) = fs::remove_file(&self.path)
        {
            // The sweep of `incoming/` removes it a day later.
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a temporary file");
        }
    }
}

/// Stores blobs, and returns those that could not be stored. After an error none of them counts as
/// stored. Blocks.
pub(crate) fn store_all(
    place: &Place,
    blobs: Vec<(Digest, Bytes)>,
) -> Result<Vec<(Digest, Error)>> {
    // Opened before anything is written: it is told of the failures from now on, and no other is told
    // of them in its place.
    let root = place.layout().root();
    let whole = File::open(root).map_err(Error::io("open", root))?;
    let mut failed = Vec::new();
    let mut received = Vec::new();
    let mut to_sync = HashSet::new();
    for (digest, bytes) in blobs {
        match receive(place, digest, &bytes) {
            Ok(Some(file)) => received.push(file),
            // Another writer may have renamed it there a moment ago and not have synced it yet.
            Ok(None) => drop(to_sync.insert(directory(place, &digest))),
            Err(error) => failed.push((digest, error)),
        }
    }
    // First the contents: a name must never lead to bytes that are not on the disk.
    if !received.is_empty() && !sync_file_system(&whole) {
        for Received { path, file, .. } in &received {
            file.sync_all().map_err(Error::io("sync", path))?;
        }
    }
    let mut made = HashSet::new();
    for file in &mut received {
        let directory = directory(place, &file.digest);
        let to = place.layout().blob(&file.digest);
        place
            .make_below(&directory, &mut made, &mut to_sync)
            .map_err(Error::io("create", &directory))?;
        fs::rename(&file.path, &to).map_err(Error::io("move a finished blob to", &to))?;
        file.is_moved = true;
        to_sync.insert(directory);
    }
    if !to_sync.is_empty() && !sync_file_system(&whole) {
        for directory in &to_sync {
            sync_directory(directory).map_err(Error::io("sync", directory))?;
        }
    }
    place.note_durable(made);
    Ok(failed)
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

/// Writes a blob to a file of its own; `None` when it is stored already.
fn receive(place: &Place, digest: Digest, bytes: &[u8]) -> Result<Option<Received>> {
    let actual = Digest::of(bytes);
    if actual != digest {
        return Err(Error::DigestMismatch { expected: digest, actual });
    }
    if place.find(&digest, bytes.len() as u64)? {
        return Ok(None);
    }
    let path = place.layout().new_incoming();
    let file = File::create_new(&path).map_err(Error::io("create", &path))?;
    let mut received = Received { digest, path, file, is_moved: false };
    received.file.write_all(bytes).map_err(Error::io("write", &received.path))?;
    Ok(Some(received))
}

fn directory(place: &Place, digest: &Digest) -> PathBuf {
    let mut path = place.layout().blob(digest);
    path.pop();
    path
}

/// Writes everything to the disk that the file system of `file` holds in memory; says whether that
/// could be done, and went well. If not, whoever asks syncs what is its own, and learns why.
#[cfg(target_os = "linux")]
fn sync_file_system(file: &File) -> bool {
    /// Linux tells of what could not be written since version 5.8.
    static TELLS_OF_FAILURES: LazyLock<bool> = LazyLock::new(|| {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut numbers = release.split('.').map_while(|number| number.parse::<u32>().ok());
        (numbers.next(), numbers.next()) >= (Some(5), Some(8))
    });
    *TELLS_OF_FAILURES && rustix::fs::syncfs(file).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &File) -> bool {
    false
}
