//! Pages of listings, and addresses in answers.

use pakhus_core::{Refusal, RequestHead, Response, Result};

use crate::error;

/// The most entries of one page.
const MOST: u64 = 10_000;

/// Which part of a listing is asked for.
pub(crate) struct Page {
    /// The most entries that are wanted.
    pub(crate) limit: u64,
    /// The entry after which to go on.
    pub(crate) last: Option<String>,
}

impl Page {
    /// Reads `n` and `last`.
    pub(crate) fn asked(head: &RequestHead) -> Result<Self> {
        let limit = match head.query_parameter("n") {
            None => MOST,
            Some(number) => number
                .parse::<u64>()
                .map_err(|_| Refusal::invalid("`n` is not a number").coded(error::UNSUPPORTED))?,
        };
        Ok(Self { limit: limit.min(MOST), last: head.query_parameter("last") })
    }

    /// How many entries to read: one more than fit tells that there are more. None where none are
    /// wanted.
    pub(crate) fn to_read(&self) -> u64 {
        if self.limit == 0 { 0 } else { self.limit + 1 }
    }

    /// Cuts off what does not fit; says whether that was something.
    pub(crate) fn cut<T>(&self, entries: &mut Vec<T>) -> bool {
        let has_more = entries.len() as u64 > self.limit;
        entries.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        has_more
    }

    /// Says where the next page is. `last` has no character that a query cannot have.
    pub(crate) fn link(&self, response: Response, path: &str, last: &str) -> Response {
        let link = format!("<{path}?n={}&last={last}>; rel=\"next\"", self.limit);
        response.with_header("link", link)
    }
}

/// The path of something below the feed, from the root of the server on: clients that reach it through
/// others resolve it by the address that they know.
pub(crate) fn path_below(head: &RequestHead, path: &str) -> String {
    let url = head.base_url.split_once("://").map_or(head.base_url.as_str(), |(_, rest)| rest);
    let feed = url.find('/').map_or("", |slash| &url[slash..]);
    format!("{feed}/{path}")
}
