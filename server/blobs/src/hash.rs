//! Hashing in one pass, while bytes are written.

use bytes::Bytes;
use pakhus_core::{ContentDigest, Digest};
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::Written;

/// The most bytes from the beginning of a blob that are kept to look at.
const FIRST_BYTES: usize = 1024;

/// How much is given to one algorithm before the next: small enough that the bytes are still in the
/// processor's nearest cache for the next one.
const STRIDE: usize = 16 * 1024;

/// Which digests are computed besides SHA-256, which always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hashes {
    /// No others.
    #[default]
    Sha256,
    /// SHA-512 and SHA-1 too, in the same pass: npm states both. Takes about five times as
    /// long, most of it for SHA-512.
    All,
}

impl From<ContentDigest> for Hashes {
    /// What must be computed to check bytes against this digest.
    fn from(expected: ContentDigest) -> Self {
        match expected {
            ContentDigest::Sha256(_) => Self::Sha256,
            ContentDigest::Sha512(_) => Self::All,
        }
    }
}

/// The running state of all digests of one blob.
#[derive(Clone)]
pub(crate) struct Hasher {
    sha256: Sha256,
    others: Option<(Sha512, Sha1)>,
    first_bytes: Vec<u8>,
    size: u64,
}

impl Hasher {
    pub(crate) fn new(hashes: Hashes) -> Self {
        let others = match hashes {
            Hashes::Sha256 => None,
            Hashes::All => Some((Sha512::new(), Sha1::new())),
        };
        Self { sha256: Sha256::new(), others, first_bytes: Vec::new(), size: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let wanted = FIRST_BYTES - self.first_bytes.len();
        self.first_bytes.extend_from_slice(&bytes[..wanted.min(bytes.len())]);
        self.size += bytes.len() as u64;
        for stride in bytes.chunks(STRIDE) {
            self.sha256.update(stride);
            if let Some((sha512, sha1)) = &mut self.others {
                sha512.update(stride);
                sha1.update(stride);
            }
        }
    }

    /// Whether all of `hashes` are computed.
    pub(crate) fn computes(&self, hashes: Hashes) -> bool {
        hashes == Hashes::Sha256 || self.others.is_some()
    }

    /// How many bytes were hashed.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// What all bytes so far make. More can follow.
    pub(crate) fn written(&self) -> Written {
        let others = self.others.clone();
        let (sha512, sha1) = match others {
            Some((sha512, sha1)) => (Some(sha512.finalize().into()), Some(sha1.finalize().into())),
            None => (None, None),
        };
        Written {
            digest: Digest::from_bytes(self.sha256.clone().finalize().into()),
            size: self.size,
            sha512,
            sha1,
            first_bytes: Bytes::copy_from_slice(&self.first_bytes),
        }
    }
}
