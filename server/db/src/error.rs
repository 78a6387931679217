//! What can go wrong in the database.

use pakhus_core::Refusal;
use sea_orm::DbErr;

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The database could not be reached or answered with an error.
    #[error("the database failed: {0}")]
    Database(#[from] DbErr),
    /// A row does not read back as what was written.
    #[error("the database holds a broken row: {0}")]
    Broken(String),
    /// The change is refused: a precondition does not hold.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The feed is not there, or no longer.
    #[error("there is no such feed")]
    NoSuchFeed,
    /// Another node of this instance does now what this one was doing.
    #[error("another node of this instance has taken over")]
    LeaseLost,
}

impl Error {
    pub(crate) fn broken(what: impl std::fmt::Display) -> Self {
        Self::Broken(what.to_string())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::NoSuchFeed => Self::not_found(error),
            Error::Database(_) | Error::Broken(_) | Error::LeaseLost => Self::internal(error),
        }
    }
}
