//! What came of a request.

use bytes::Bytes;

use crate::{Digest, Download, Route};

/// The answer to a request, as the client would get it, and how it came about.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What stands beside it instead of the usual words.
    pub reason: Option<String>,
    /// The headers, with the `etag` that the server adds to documents.
    pub headers: Vec<(String, String)>,
    /// The body, whatever kind of body it is.
    pub body: Bytes,
    /// The blob that the body is, where it is one.
    pub blob: Option<Digest>,
    /// The version that is downloaded by it.
    pub download: Option<Download>,
    /// What the adapter recognised in the request; `None` when it refused the head already.
    pub route: Option<Route>,
    /// What the adapter asked of its host, and what it got: lines that start with `?` and `=`.
    pub transcript: Vec<String>,
}

impl Answer {
    /// The first header called `name` (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("the body is not JSON: {error}\n{:?}", self.body),
        }
    }
}
