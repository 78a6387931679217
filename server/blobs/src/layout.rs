//! Where everything lies: the tree below the configured directory.
//!
//! ```text
//! blobs/                          the configured directory
//! ├── sha256/                     finished blobs: added and deleted, never changed
//! │   └── ab/
//! │       └── cd/
//! │           └── abcd…           64 hexadecimal digits: the SHA-256 of the content
//! ├── incoming/
//! │   └── 0198c1…                 a UUIDv7: what one writer has received so far
//! ├── uploads/
//! │   └── 0198c2…                 a UUID: what a resumable upload has received so far
//! └── collected/
//!     └── abcd…                   a blob that nothing names and that is removed in a moment
//! ```
//!
//! All are on one file system, because files are renamed from one to another. Two levels of 256 directories keep each directory small: ten million blobs are 150 files
//! in each.

use std::path::{Path, PathBuf};

use object_store::path::Path as Key;
use pakhus_core::{Digest, digest};
use uuid::Uuid;

use crate::UploadId;

/// The directory of finished blobs, and the first part of their keys.
const BLOBS: &str = "sha256";

/// The tree below one directory.
#[derive(Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The configured directory.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of finished blobs.
    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join(BLOBS)
    }

    /// The file of a finished blob. Its directory may not exist yet.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let [first, second] = shards(digest);
        self.blobs().join(first).join(second).join(digest.hex())
    }

    /// The directory of what writers have received so far.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// A name for the file of a new writer.
    pub(crate) fn new_incoming(&self) -> PathBuf {
        self.incoming().join(Uuid::now_v7().to_string())
    }

    /// The directory of blobs that a collection of garbage is about to remove.
    pub(crate) fn collected_blobs(&self) -> PathBuf {
        self.root.join("collected")
    }

    /// The file of such a blob.
    pub(crate) fn collected(&self, digest: &Digest) -> PathBuf {
        self.collected_blobs().join(digest.hex())
    }

    /// The directory of resumable uploads.
    pub(crate) fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// The file of a resumable upload.
    pub(crate) fn upload(&self, id: &UploadId) -> PathBuf {
        self.uploads().join(id.to_string())
    }
}

/// The key of a finished blob in an object store whose root is the configured directory.
pub(crate) fn blob_key(digest: &Digest) -> Key {
    let [first, second] = shards(digest);
    Key::from_iter([BLOBS, &first, &second, &digest.hex()])
}

/// The part that all keys of finished blobs begin with.
pub(crate) fn blobs_prefix() -> Key {
    Key::from_iter([BLOBS])
}

/// The digest of the blob at `key`; `None` when no blob can be there, so that a stray file is not
/// taken for one.
pub(crate) fn digest_at(key: &Key) -> Option<Digest> {
    let digest = format!("sha256:{}", key.filename()?).parse().ok()?;
    (blob_key(&digest) == *key).then_some(digest)
}

fn shards(of: &Digest) -> [String; 2] {
    let bytes = of.as_bytes();
    [digest::hex(&bytes[..1]), digest::hex(&bytes[1..2])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_lies_below_the_first_digits_of_its_digest() {
        let digest = Digest::of(b"hello");
        let hex = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let layout = Layout::new(PathBuf::from("/blobs"));
        assert_eq!(layout.blob(&digest), Path::new("/blobs/sha256/2c/f2").join(hex));
        assert_eq!(blob_key(&digest).as_ref(), format!("sha256/2c/f2/{hex}"));
        assert_eq!(digest_at(&blob_key(&digest)), Some(digest));
    }

    #[test]
    fn a_stray_file_is_no_blob() {
        let hex = Digest::of(b"hello").hex();
        for key in ["sha256/2c/f2/notes.txt", &format!("sha256/00/f2/{hex}"), &hex] {
            assert_eq!(digest_at(&Key::from(key)), None, "{key}");
        }
    }
}
