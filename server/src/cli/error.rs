//! Why a command did not do what it was asked: one line that says what to do.

use std::fmt;
use std::io;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// Nothing listens there.
    #[error(
        "no server answers at {server}{}: start one with `pakhus serve` or name another with --server",
        in_brackets(why)
    )]
    Unreachable {
        /// Where.
        server: String,
        /// What the system says, unless it is plainly that nothing listens.
        why: String,
    },
    /// It took too long.
    #[error("the server at {server} did not answer in time: see its log, or try again")]
    TimedOut {
        /// Which.
        server: String,
    },
    /// It asks who is there.
    #[error(
        "the server at {server} asks for an API key: give one with --api-key or PAKHUS_API_KEY (a server writes its first to admin.key in its data directory)"
    )]
    KeyMissing {
        /// Which.
        server: String,
    },
    /// The key is not one of its keys.
    #[error(
        "the server at {server} does not know this API key: give another with --api-key or PAKHUS_API_KEY"
    )]
    KeyUnknown {
        /// Which.
        server: String,
    },
    /// The server says, in these words, that something has not happened yet.
    #[error("{0}")]
    NotYet(String),
    /// The server, or the command itself, refuses, in these words.
    #[error("{0}")]
    Refused(String),
    /// What answers is no Pakhus server, or one of another time.
    #[error(
        "{url} does not answer as a Pakhus server of this version does ({why}): check --server"
    )]
    NotUnderstood {
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The arguments don't make sense together.
    #[error("{0}")]
    Usage(String),
    /// Standard output is closed: nobody reads on.
    #[error("standard output is closed")]
    StdoutClosed,
    /// Standard output cannot be written to.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
}

impl CommandError {
    /// Whether the same may go well later: nothing answered, or what was waited for has not happened yet.
    pub(super) const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. } | Self::NotYet(_))
    }

    /// A refusal in these words.
    pub(super) fn refused(words: impl fmt::Display) -> Self {
        Self::Refused(words.to_string())
    }

    /// Arguments that don't make sense, and what would.
    pub(super) fn usage(words: impl fmt::Display) -> Self {
        Self::Usage(words.to_string())
    }

    /// With which code to exit.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::StdoutClosed => 0,
            _ => 1,
        }
    }
}

fn in_brackets(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" ({why})") }
}
