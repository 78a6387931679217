//! The names of resumable uploads.

use std::fmt;
use std::str::FromStr;

use pakhus_core::Digest;
use uuid::Uuid;

/// The name of a resumable upload: a UUID, written as 36 lower-case characters and no other way, so
/// that it is a file name and never a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UploadId(Uuid);

/// A text that is no name of an upload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an upload")]
pub struct InvalidUploadId(String);

impl UploadId {
    pub(crate) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The one name of the upload of the blob `digest` for the purpose `of`: who comes back after a
    /// restart finds it again.
    #[must_use]
    pub fn of(purpose: &str, digest: &Digest) -> Self {
        let hashed = Digest::of_parts(&[purpose.as_bytes(), digest.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hashed.as_bytes()[..16]);
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl FromStr for UploadId {
    type Err = InvalidUploadId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The parser of `uuid` also takes braces, URNs, capitals and no hyphens.
        match Uuid::try_parse(text).map(Self) {
            Ok(id) if id.to_string() == text => Ok(id),
            _ => Err(InvalidUploadId(text.chars().take(80).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_parses_back() {
        let id = UploadId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn only_the_plain_form_is_a_name() {
        let id = "0198c1a2-6d5e-7c3b-9f01-23456789abcd";
        assert!(id.parse::<UploadId>().is_ok());
        let hostile = [
            "",
            ".",
            "..",
            "../0198c1a2-6d5e-7c3b-9f01-23456789abcd",
            "/etc/passwd",
            "0198c1a2-6d5e-7c3b-9f01-23456789abc/",
            "0198c1a2-6d5e-7c3b-9f01-23456789abc\0",
            "{0198c1a2-6d5e-7c3b-9f01-23456789abcd}",
            "urn:uuid:0198c1a2-6d5e-7c3b-9f01-23456789abcd",
            "0198c1a26d5e7c3b9f0123456789abcd",
            " 0198c1a2-6d5e-7c3b-9f01-23456789abcd",
            &id.to_uppercase(),
        ];
        for text in hostile {
            assert!(text.parse::<UploadId>().is_err(), "{text:?}");
        }
    }
}
