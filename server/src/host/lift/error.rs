//! Why a document is not taken.

use pakhus_core::{Refusal, RefusalKind};

use super::{MAX_DEPTH, MAX_NAME};

/// Why a document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LiftError {
    /// What is not lifted is too long.
    #[error("the document is larger than {limit} bytes, not counting the files in it")]
    DocumentTooLarge {
        /// The most bytes.
        limit: usize,
    },
    /// A lifted string is too long when it is decoded.
    #[error("`{path}` is larger than {limit} bytes")]
    BlobTooLarge {
        /// Where it stands.
        path: String,
        /// The most decoded bytes.
        limit: u64,
    },
    /// There are too many strings to lift.
    #[error("the document has more than {limit} files in it")]
    TooManyBlobs {
        /// The most strings.
        limit: usize,
    },
    /// Objects and arrays are nested too deep.
    #[error("the document is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// The name of a member is too long.
    #[error("the document has a member with a name longer than {MAX_NAME} bytes")]
    NameTooLong,
    /// The name of a member is no JSON string.
    #[error("the body is not JSON: the name of a member that ends at byte {at} is malformed")]
    BadName {
        /// Where in the body, in bytes from its beginning.
        at: u64,
    },
    /// A bracket closes what was not opened.
    #[error("the body is not JSON: the bracket at byte {at} closes nothing")]
    Unbalanced {
        /// Where in the body, in bytes from its beginning.
        at: u64,
    },
    /// A lifted string is not base64.
    #[error("`{path}` is not base64: there is {what} at byte {at} of the body")]
    NotBase64 {
        /// Where it stands.
        path: String,
        /// What is wrong with it.
        what: &'static str,
        /// Where in the body, in bytes from its beginning.
        at: u64,
    },
    /// The body ends within a string, an object or an array.
    #[error("the body ends before the document does")]
    Incomplete,
}

impl From<LiftError> for Refusal {
    fn from(error: LiftError) -> Self {
        let kind = match error {
            LiftError::DocumentTooLarge { .. }
            | LiftError::BlobTooLarge { .. }
            | LiftError::TooManyBlobs { .. } => RefusalKind::TooLarge,
            LiftError::TooDeep
            | LiftError::NameTooLong
            | LiftError::BadName { .. }
            | LiftError::Unbalanced { .. }
            | LiftError::NotBase64 { .. }
            | LiftError::Incomplete => RefusalKind::Invalid,
        };
        Self::new(kind, error)
    }
}
