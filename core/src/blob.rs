//! References to stored bytes.

use serde::{Deserialize, Serialize};

use crate::Digest;

/// One blob that a version needs to be whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    /// What the bytes are named by, in every blob store and on every site.
    pub digest: Digest,
    /// Length in bytes.
    pub size: u64,
    /// What the blob is to its version, in the adapter's words: `tarball`, `layer`, …
    pub role: String,
}
