//! Why bytes are not stored or not read.

use std::io;
use std::path::{Path, PathBuf};

use pakhus_core::ContentDigest;

use crate::UploadId;

/// What this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why bytes are not stored or not read. The first group is the client's doing, the second the
/// machine's.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More bytes came than are allowed. None of them are kept.
    #[error("the blob is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The most bytes that were allowed.
        limit: u64,
    },
    /// The bytes are not the announced ones. They are not kept.
    #[error("the bytes have the digest {actual}, but {expected} was announced")]
    DigestMismatch {
        /// What was announced.
        expected: Box<ContentDigest>,
        /// What came.
        actual: Box<ContentDigest>,
    },
    /// The range begins behind the end of the blob, or ends before it begins.
    #[error("the range is not within the blob of {size} bytes")]
    RangeOutside {
        /// The length of the blob in bytes.
        size: u64,
    },
    /// An append does not begin where the upload ends.
    #[error("the upload continues at byte {expected}")]
    OffsetMismatch {
        /// Where the upload ends, in bytes from its beginning.
        expected: u64,
    },
    /// There is no such upload: it was never begun, or it is finished, cancelled or swept away.
    #[error("upload {0} is not known")]
    UnknownUpload(UploadId),
    /// Another request is appending to the upload or finishing it.
    #[error("upload {0} is in use by another request")]
    Busy(UploadId),

    /// The disk, or the quota on it, is full.
    #[error("no space is left on the disk to {action} `{}`", path.display())]
    Full {
        /// What was being done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file system refuses.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The store of finished blobs refuses.
    #[error("cannot {action} in the blob store")]
    Store {
        /// What was being done.
        action: &'static str,
        /// What the store says.
        #[source]
        source: object_store::Error,
    },
    /// An earlier write failed or was given up halfway, and the writer with it.
    #[error("the blob cannot be continued after a write that failed or was given up")]
    Broken,
    /// The process is stopping, or what ran on a blocking thread panicked.
    #[error("work on the disk was stopped")]
    Stopped {
        /// What the runtime says.
        #[source]
        source: tokio::task::JoinError,
    },
}

impl Error {
    /// Gives what the system says its meaning; for `map_err`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_path_buf();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Self::Full { action, path, source }
                }
                _ => Self::Io { action, path, source },
            }
        }
    }

    /// The same failure of the disk, for another blob that it hit.
    pub(crate) fn repeated(&self) -> Self {
        let again = |source: &io::Error| io::Error::new(source.kind(), source.to_string());
        match self {
            Self::Full { action, path, source } => {
                Self::Full { action, path: path.clone(), source: again(source) }
            }
            Self::Io { action, path, source } => {
                Self::Io { action, path: path.clone(), source: again(source) }
            }
            _ => Self::Broken,
        }
    }

    /// Names what was asked of the object store; for `map_err`.
    pub(crate) fn store(action: &'static str) -> impl Fn(object_store::Error) -> Self {
        move |source| Self::Store { action, source }
    }
}

/// Runs `work` on a blocking thread and waits for it.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(source) => Err(Error::Stopped { source }),
    }
}
