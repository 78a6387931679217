//! Putting a finished file in its place so that it survives a crash of the machine.
//!
//! `object_store` can rename with fsync, but not durably enough for us. It syncs a new directory
//! into its parent only in the call that made it: a second writer that finds the directory already
//! made acknowledges its blob before the first has synced it, and after a crash of the process
//! nobody syncs it any more. So the rename and the directories are done here; an S3 store will have
//! its own [`Place::publish`] and [`Place::confirm`].

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use pakhus_core::Digest;

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::together::Waiting;

/// The place of finished blobs on a local disk. All of its methods block.
#[derive(Debug)]
pub(crate) struct Place {
    layout: Layout,
    /// The directories that this process has synced into their parents. At most 65,792, as the
    /// layout has no more.
    durable: Mutex<HashSet<PathBuf>>,
    waiting: Waiting,
}

impl Place {
    /// Makes the directories of the layout below `root` and syncs them.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        make_durably(root).map_err(Error::io("create", root))?;
        // An absolute path: a later change of the working directory must not move the store.
        let root = fs::canonicalize(root).map_err(Error::io("find", root))?;
        let place = Self {
            layout: Layout::new(root),
            durable: Mutex::default(),
            waiting: Waiting::default(),
        };
        let layout = &place.layout;
        for directory in
            [layout.blobs(), layout.incoming(), layout.uploads(), layout.collected_blobs()]
        {
            place.ensure(&directory).map_err(Error::io("create", &directory))?;
        }
        place.put_collected_back()?;
        Ok(place)
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The small blobs that wait to be kept.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Whether the blob is stored already, whole. If so, it is durable and counts as stored now:
    /// its time of modification is the present, so that a collection of old garbage spares it.
    pub(crate) fn confirm(&self, digest: &Digest, size: u64) -> Result<bool> {
        let is_stored = self.find(digest, Some(size))?;
        if is_stored {
            // Another writer may have renamed it there a moment ago and not have synced it yet.
            self.sync_parent(&self.layout.blob(digest))?;
        }
        Ok(is_stored)
    }

    /// The same, but the name of the blob may not be durable yet; of whatever length where none is said.
    pub(crate) fn find(&self, digest: &Digest, size: Option<u64>) -> Result<bool> {
        let path = self.layout.blob(digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io("open", &path)(error)),
        };
        let found = file.metadata().map_err(Error::io("look at", &path))?.len();
        if let Some(size) = size.filter(|size| *size != found) {
            // A file system that lost the end of a file. Saying no has the caller replace it.
            tracing::error!(
                blob.digest = %digest,
                size_bytes = size,
                found_bytes = found,
                "a stored blob is damaged and is replaced by what was just received"
            );
            return Ok(false);
        }
        if let Err(error) = file.set_modified(SystemTime::now()) {
            // Only the owner of a file may do this; one restored by another user is still good.
            tracing::warn!(blob.digest = %digest, %error, "cannot mark a blob as stored again");
        }
        // A collection may have taken the file away before it was marked. One that takes it away from
        // here on sees the mark and puts it back.
        fs::exists(&path).map_err(Error::io("look for", &path))
    }

    /// Removes the blob unless it was stored, or marked as stored, within `spared`; says how many bytes
    /// it had. Whoever is about to name a blob marks it, and so keeps it from this.
    pub(crate) fn collect(&self, digest: &Digest, spared: Duration) -> Result<Option<u64>> {
        let (from, to) = (self.layout.blob(digest), self.layout.collected(digest));
        let age = |path: &Path| -> io::Result<(Duration, u64)> {
            let found = fs::metadata(path)?;
            // One from the future is young.
            Ok((found.modified()?.elapsed().unwrap_or_default(), found.len()))
        };
        match age(&from) {
            Ok((age, _)) if age >= spared => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("look at", &from)(error));
            }
            _ => return Ok(None),
        }
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            renamed => renamed.map_err(Error::io("move a collected blob to", &to))?,
        }
        // Another server that starts at this moment may have put it back.
        let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        let (age, size) = match age(&to) {
            Err(error) if gone(&error) => return Ok(None),
            found => found.map_err(Error::io("look at", &to))?,
        };
        if age < spared {
            put_back(&to, &from)?;
            return Ok(None);
        }
        match fs::remove_file(&to) {
            Err(error) if gone(&error) => Ok(None),
            removed => removed.map(|()| Some(size)).map_err(Error::io("remove", &to)),
        }
    }

    /// Puts blobs back that a collection which was cut off had taken away and not removed yet: it may
    /// not have come to look whether they were marked meanwhile.
    fn put_collected_back(&self) -> Result<()> {
        let directory = self.layout.collected_blobs();
        for entry in fs::read_dir(&directory).map_err(Error::io("list", &directory))? {
            let path = entry.map_err(Error::io("list", &directory))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // A stray file is not ours to move.
            let Ok(digest) = format!("sha256:{name}").parse() else { continue };
            put_back(&path, &self.layout.blob(&digest))?;
        }
        Ok(())
    }

    /// Moves the finished file `file`, which lies at `from`, to where the blob `digest` belongs.
    /// When this returns, the blob is durable. When it fails, the blob may be there all the same,
    /// but is not acknowledged to anybody; whoever brings it again syncs what this could not.
    pub(crate) fn publish(&self, file: &File, from: &Path, digest: &Digest) -> Result<()> {
        // First the content: a name must never lead to bytes that are not on the disk.
        file.sync_all().map_err(Error::io("sync", from))?;
        let to = self.layout.blob(digest);
        let directory = to.parent().unwrap_or(self.layout.root());
        self.ensure(directory).map_err(Error::io("create", directory))?;
        // Replaces the same content, should another writer have been faster; readers keep theirs.
        fs::rename(from, &to).map_err(Error::io("move a finished blob to", &to))?;
        sync_directory(directory).map_err(Error::io("sync", directory))
    }

    fn sync_parent(&self, path: &Path) -> Result<()> {
        let directory = path.parent().unwrap_or(self.layout.root());
        self.ensure(directory).map_err(Error::io("create", directory))?;
        sync_directory(directory).map_err(Error::io("sync", directory))
    }

    /// Makes sure that `directory`, which is below the root, exists and that its name is durable.
    /// Costs one sync for each level the first time, nothing afterwards.
    fn ensure(&self, directory: &Path) -> io::Result<()> {
        if directory == self.layout.root() || self.durable().contains(directory) {
            return Ok(());
        }
        let parent = directory.parent().unwrap_or(self.layout.root());
        self.ensure(parent)?;
        make(directory)?;
        // Also when it was there: whoever made it may not have come to sync it.
        sync_directory(parent)?;
        self.durable().insert(directory.to_path_buf());
        Ok(())
    }

    /// Makes sure that `directory`, which is below the root, exists. Its name is durable once all of
    /// `to_sync` is synced; then `made` is to be handed to [`Self::note_durable`].
    pub(crate) fn make_below(
        &self,
        directory: &Path,
        made: &mut HashSet<PathBuf>,
        to_sync: &mut HashSet<PathBuf>,
    ) -> io::Result<()> {
        if directory == self.layout.root()
            || made.contains(directory)
            || self.durable().contains(directory)
        {
            return Ok(());
        }
        let parent = directory.parent().unwrap_or(self.layout.root());
        self.make_below(parent, made, to_sync)?;
        make(directory)?;
        to_sync.insert(parent.to_path_buf());
        made.insert(directory.to_path_buf());
        Ok(())
    }

    /// Notes directories whose names are durable now.
    pub(crate) fn note_durable(&self, made: HashSet<PathBuf>) {
        self.durable().extend(made);
    }

    fn durable(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a file that was taken away its place again, unless another with the same content has come there
/// or somebody else was faster.
fn put_back(path: &Path, place: &Path) -> Result<()> {
    match fs::hard_link(path, place) {
        Err(error)
            if !matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) =>
        {
            return Err(Error::io("put back", place)(error));
        }
        _ => {}
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes `directory` and those above it that are missing, each synced into its parent.
fn make_durably(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    let parent = directory.parent().unwrap_or(Path::new(""));
    make_durably(parent)?;
    make(directory)?;
    sync_directory(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

fn make(directory: &Path) -> io::Result<()> {
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Makes the names in `directory` durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    // Elsewhere a directory cannot be opened as a file, and names are durable by other means.
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
