//! Digests by which clients name bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Digest;
use crate::digest::hex;

/// A digest as clients name bytes by it: of SHA-256, under which every blob is stored, or of SHA-512.
/// Its text form is the algorithm, a colon and lower-case hexadecimal digits, as the OCI image
/// specification writes digests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentDigest {
    /// SHA-256.
    Sha256(Digest),
    /// SHA-512.
    Sha512([u8; 64]),
}

/// A text that is no such digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a digest: write `sha256:` and 64 lower-case hexadecimal digits, or `sha512:` and 128"
)]
pub struct InvalidContentDigest(String);

impl ContentDigest {
    /// SHA-512, where it is of that.
    #[must_use]
    pub const fn sha512(&self) -> Option<[u8; 64]> {
        match self {
            Self::Sha256(_) => None,
            Self::Sha512(bytes) => Some(*bytes),
        }
    }

    /// The hexadecimal digits, without the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        match self {
            Self::Sha256(digest) => digest.hex(),
            Self::Sha512(bytes) => hex(bytes),
        }
    }
}

impl From<Digest> for ContentDigest {
    fn from(digest: Digest) -> Self {
        Self::Sha256(digest)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => fmt::Display::fmt(digest, f),
            Self::Sha512(bytes) => write!(f, "sha512:{}", hex(bytes)),
        }
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentDigest {
    type Err = InvalidContentDigest;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidContentDigest(text.chars().take(160).collect());
        let Some(digits) = text.strip_prefix("sha512:") else {
            return text.parse().map(Self::Sha256).map_err(|_| invalid());
        };
        let Some((first, second)) = digits.split_at_checked(64) else { return Err(invalid()) };
        // Each half of the digits is written as a digest of SHA-256 is.
        let half = |digits: &str| format!("sha256:{digits}").parse::<Digest>();
        let (Ok(first), Ok(second)) = (half(first), half(second)) else { return Err(invalid()) };
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(first.as_bytes());
        bytes[32..].copy_from_slice(second.as_bytes());
        Ok(Self::Sha512(bytes))
    }
}

impl Serialize for ContentDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_forms_parse_back() {
        let digests = [
            ContentDigest::Sha256(Digest::of(b"hello")),
            ContentDigest::Sha512(std::array::from_fn(|at| u8::try_from(at * 3).unwrap_or(0))),
        ];
        for digest in digests {
            assert_eq!(digest.to_string().parse(), Ok(digest));
        }
    }

    #[test]
    fn a_text_that_is_no_digest_is_refused() {
        let short = format!("sha512:{}", "a".repeat(127));
        let long = format!("sha512:{}", "a".repeat(129));
        let capital = format!("sha512:{}", "A".repeat(128));
        let wide = format!("sha512:{}é{}", "a".repeat(63), "a".repeat(63));
        for text in ["", "sha256:", "sha512:", "md5:00", &short, &long, &capital, &wide] {
            assert!(text.parse::<ContentDigest>().is_err(), "{text}");
        }
    }
}
