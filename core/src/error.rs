//! Why a request is not answered as it was asked.

use std::fmt;

/// What adapters and [`crate::Host`] return.
pub type Result<T, E = Refusal> = std::result::Result<T, E>;

/// A request that is refused, or that failed: its kind decides the status, its message is shown to
/// the person at the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of refusal it is.
    pub kind: RefusalKind,
    /// One sentence that says what is wrong and, where it helps, what to do.
    pub message: String,
    /// The word that the protocol has for it, where an adapter says so.
    pub code: Option<&'static str>,
}

/// The kinds of refusals, named by what they mean; each has its HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The request is malformed: 400.
    Invalid,
    /// Who asks is not known: 401.
    Unauthorized,
    /// Who asks may not do this: 403.
    Forbidden,
    /// There is no such thing: 404.
    NotFound,
    /// The path exists, the method does not: 405.
    MethodNotAllowed,
    /// It stands in the way of what is already there: 409.
    Conflict,
    /// The body is larger than allowed: 413.
    TooLarge,
    /// The media type or encoding of the body is not understood: 415.
    UnsupportedMediaType,
    /// The requested range is not within the blob: 416.
    RangeNotSatisfiable,
    /// It was tried too often: 429.
    TooManyRequests {
        /// The seconds after which to try again.
        retry_after: u32,
    },
    /// Our own fault: 500. The message of such a refusal is logged, not shown.
    Internal,
    /// It cannot be answered now: 503.
    Unavailable,
}

impl RefusalKind {
    /// The seconds after which to try again, where that is known.
    #[must_use]
    pub const fn retry_after(self) -> Option<u32> {
        match self {
            Self::TooManyRequests { retry_after } => Some(retry_after),
            _ => None,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::RangeNotSatisfiable => 416,
            Self::TooManyRequests { .. } => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

impl Refusal {
    /// Makes a refusal of `kind`.
    pub fn new(kind: RefusalKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string(), code: None }
    }

    /// The request is malformed.
    pub fn invalid(message: impl fmt::Display) -> Self {
        Self::new(RefusalKind::Invalid, message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(RefusalKind::NotFound, message)
    }

    /// It stands in the way of what is already there.
    pub fn conflict(message: impl fmt::Display) -> Self {
        Self::new(RefusalKind::Conflict, message)
    }

    /// Our own fault; the message is logged, not shown.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(RefusalKind::Internal, message)
    }

    /// Gives it the protocol's word for it.
    #[must_use]
    pub fn coded(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// What the person at the client reads.
    #[must_use]
    pub fn public_message(&self) -> &str {
        match self.kind {
            RefusalKind::Internal => "the server failed; its log says why",
            _ => &self.message,
        }
    }
}
