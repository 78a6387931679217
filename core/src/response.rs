//! An answer, as an adapter gives it.

use bytes::Bytes;

use crate::{Digest, Document};

/// An answer to a request. The server adds what every answer has: lengths, ranges, entity tags of
/// bodies it knows, compression.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Body,
    /// What stands beside the status where the version of HTTP has a place for it, instead of the usual
    /// words: for clients that show people nothing else of a refusal.
    pub reason: Option<String>,
    /// The version that is downloaded by this: counted once its bytes are sent from the first on.
    pub download: Option<Download>,
}

/// A version that is downloaded, by the keys that its adapter gave it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Download {
    /// The package.
    pub name: String,
    /// The version.
    pub version: String,
}

/// The body of an answer.
#[derive(Debug, Clone)]
pub enum Body {
    /// None.
    Empty,
    /// Bytes made for this answer.
    Bytes(Bytes),
    /// A stored blob, streamed by the server, by ranges where the client asks for them.
    Blob {
        /// The blob.
        digest: Digest,
        /// Its length in bytes.
        size: u64,
    },
    /// A rendered document, with its entity tag, compressed where the client accepts it.
    Document(Document),
}

impl Response {
    /// Makes an answer.
    #[must_use]
    pub const fn new(status: u16, body: Body) -> Self {
        Self { status, headers: Vec::new(), body, reason: None, download: None }
    }

    /// Makes an answer without a body.
    #[must_use]
    pub const fn empty(status: u16) -> Self {
        Self::new(status, Body::Empty)
    }

    /// Makes an answer of a JSON text.
    pub fn json(status: u16, text: impl Into<Bytes>) -> Self {
        Self::new(status, Body::Bytes(text.into())).with_header("content-type", "application/json")
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
