//! Why a configuration is refused.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A configuration that is refused: one line that says where and why.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file is not there, or not readable.
    #[error("{}: cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It breaks a rule.
    #[error("{place}: {reason}")]
    Refused {
        /// Where.
        place: Place,
        /// Which, and what to do.
        reason: String,
    },
}

/// Where a part of the configuration is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the file.
    Line {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// In an environment variable.
    Variable(String),
    /// Nowhere: it is a default.
    Defaults,
}

impl ConfigError {
    pub(super) fn refused(place: Place, reason: impl fmt::Display) -> Self {
        Self::Refused { place, reason: reason.to_string() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => write!(f, "environment variable `{name}`"),
            Self::Defaults => f.write_str("the embedded defaults"),
        }
    }
}
