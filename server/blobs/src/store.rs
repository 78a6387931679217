//! The store of finished blobs.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use pakhus_core::Digest;

use crate::batch::{self, BlobBatch};
use crate::error::{Error, Result, blocking};
use crate::layout;
use crate::place::Place;
use crate::reader::{BlobReader, WHOLE};
use crate::upload::Uploads;
use crate::writer::{BlobWriter, WriterOptions};

/// What a writer of a former run left is removed at the start when it is so old. Not sooner: other
/// servers may be writing to the same directory.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// Immutable bytes under their SHA-256, in a directory. Cheap to clone.
#[derive(Clone)]
pub struct BlobStore {
    /// Reads go through here, so that another kind of store can take their place.
    objects: Arc<dyn ObjectStore>,
    place: Arc<Place>,
    uploads: Uploads,
}

/// A blob in the list of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedBlob {
    /// Its name.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// When it was stored, the last time if several times. A blob that is about to be referred to
    /// is younger than the request that brought it, so a collection of garbage must spare the
    /// young.
    pub stored_at: SystemTime,
}

impl BlobStore {
    /// Opens the store in the directory `path`, which is made if it is missing. What writers of a
    /// former run left more than 24 hours ago is removed.
    ///
    /// # Errors
    /// [`Error::Io`] when the directories cannot be made, listed or synced.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let (objects, place) = blocking(move || {
            let place = Place::open(&path)?;
            let objects = LocalFileSystem::new_with_prefix(place.layout().root())
                .map_err(Error::store("open the directory"))?;
            Ok((objects, Arc::new(place)))
        })
        .await?;
        let uploads = Uploads::new(Arc::clone(&place));
        let store = Self { objects: Arc::new(objects), place, uploads };
        store.sweep_incoming(ABANDONED).await?;
        Ok(store)
    }

    /// A writer of one blob. It makes no file before there is something to write.
    #[must_use]
    pub fn writer(&self, options: WriterOptions) -> BlobWriter {
        BlobWriter::new(Arc::clone(&self.place), options)
    }

    /// A batch of about `count` small blobs, which become durable together: much sooner than one by
    /// one.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be opened.
    pub async fn batch(&self, count: usize) -> Result<BlobBatch> {
        let place = Arc::clone(&self.place);
        blocking(move || BlobBatch::new(place, count)).await
    }

    /// The resumable uploads of this store.
    #[must_use]
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// Whether the blob is stored.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot tell.
    pub async fn contains(&self, digest: &Digest) -> Result<bool> {
        Ok(self.size(digest).await?.is_some())
    }

    /// The length of the blob in bytes; `None` when it is not stored.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot tell.
    pub async fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        match self.objects.head(&layout::blob_key(digest)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("look for a blob")(error)),
        }
    }

    /// Reads a blob, from byte `range.start` to before byte `range.end`, or to the end of the blob
    /// when that comes first; [`WHOLE`] reads all of it. `None` when it is not stored.
    ///
    /// The stream goes on when the blob is deleted meanwhile.
    ///
    /// # Errors
    /// [`Error::RangeOutside`] when `range` begins behind the end of the blob or ends before it
    /// begins, [`Error::Store`] when the store cannot read.
    pub async fn read(&self, digest: &Digest, range: Range<u64>) -> Result<Option<BlobReader>> {
        let mut options = GetOptions::default();
        if range != WHOLE {
            // What a range must be depends on the size, and stores have no common word for a bad
            // one.
            let Some(size) = self.size(digest).await? else { return Ok(None) };
            if range.start > size || range.start > range.end {
                return Err(Error::RangeOutside { size });
            }
            let end = range.end.min(size);
            if range.start == end {
                return Ok(Some(BlobReader::empty(size, end)));
            }
            options.range = Some(GetRange::Bounded(range.start..end));
        }
        match self.objects.get_opts(&layout::blob_key(digest), options).await {
            Ok(found) => Ok(Some(BlobReader::new(found))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("read a blob")(error)),
        }
    }

    /// Reads small blobs whole, much sooner than one by one. Those that are not stored, have more than
    /// `max_size` bytes or cannot be read are left out.
    ///
    /// # Errors
    /// [`Error::Stopped`] when the process is stopping.
    pub async fn read_all(
        &self,
        digests: Vec<Digest>,
        max_size: u64,
    ) -> Result<HashMap<Digest, Bytes>> {
        let place = Arc::clone(&self.place);
        blocking(move || Ok(batch::read_all(&place, &digests, max_size))).await
    }

    /// All blobs, in no order. Those that are stored or deleted meanwhile may be in it or not. An
    /// error is not the end of it.
    #[must_use]
    pub fn list(&self) -> BoxStream<'static, Result<ListedBlob>> {
        self.objects
            .list(Some(&layout::blobs_prefix()))
            .map_err(Error::store("list the blobs"))
            .try_filter_map(async |found| {
                let Some(digest) = layout::digest_at(&found.location) else { return Ok(None) };
                let stored_at = found.last_modified.into();
                Ok(Some(ListedBlob { digest, size: found.size, stored_at }))
            })
            .boxed()
    }

    /// Marks those blobs as stored now that are stored, and have the length that is said where one is,
    /// so that no collection removes them while they are about to be named; returns the others.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub async fn renew(&self, blobs: Vec<(Digest, Option<u64>)>) -> Result<Vec<Digest>> {
        let place = Arc::clone(&self.place);
        blocking(move || {
            let mut missing = Vec::new();
            for (digest, size) in blobs {
                if !place.find(&digest, size)? {
                    missing.push(digest);
                }
            }
            Ok(missing)
        })
        .await
    }

    /// Removes a blob that nothing names, unless it was stored, or [renewed](Self::renew), within
    /// `spared`. Says how many bytes it had, if it was removed.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk refuses.
    pub async fn collect(&self, digest: &Digest, spared: Duration) -> Result<Option<u64>> {
        let (place, digest) = (Arc::clone(&self.place), *digest);
        blocking(move || place.collect(&digest, spared)).await
    }

    /// Removes what writers left that were not finished and have written nothing for `older_than`;
    /// says how many. A writer that is only slow loses its blob: it fails when it finishes.
    ///
    /// # Errors
    /// [`Error::Io`] when the directory cannot be listed.
    pub async fn sweep_incoming(&self, older_than: Duration) -> Result<usize> {
        let place = Arc::clone(&self.place);
        blocking(move || {
            let mut removed = 0;
            for path in stale_files(&place.layout().incoming(), older_than)? {
                match fs::remove_file(&path) {
                    Ok(()) => removed += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "cannot remove a stale file");
                    }
                }
            }
            Ok(removed)
        })
        .await
    }
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlobStore").field(&self.place.layout().root()).finish()
    }
}

/// The files in `directory` that were not modified for `older_than`. Blocks.
pub(crate) fn stale_files(directory: &Path, older_than: Duration) -> Result<Vec<PathBuf>> {
    let mut stale = Vec::new();
    for entry in fs::read_dir(directory).map_err(Error::io("list", directory))? {
        let entry = entry.map_err(Error::io("list", directory))?;
        // One that is gone meanwhile, or that is from the future, is not stale.
        let age = entry.metadata().and_then(|found| found.modified()).map(|at| at.elapsed());
        if let Ok(Ok(age)) = age
            && age >= older_than
        {
            stale.push(entry.path());
        }
    }
    Ok(stale)
}
