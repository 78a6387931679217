//! References to stored bytes.

use serde::{Deserialize, Serialize};

use crate::{ContentDigest, Digest};

/// One blob that a version needs to be whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// What the bytes are named by, in every blob store and on every site.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// What the blob is to its version, in the adapter's words: `tarball`, `layer`, …
    pub role: String,
    /// SHA-512 of the bytes, where that is what the version calls them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<ContentDigest>,
}

impl BlobRef {
    /// Whether the version calls the blob by this digest.
    #[must_use]
    pub fn is_called(&self, digest: &ContentDigest) -> bool {
        self.name() == *digest
    }

    /// The digest that the version calls the blob by.
    #[must_use]
    pub fn name(&self) -> ContentDigest {
        self.sha512.unwrap_or(ContentDigest::Sha256(self.digest))
    }
}
