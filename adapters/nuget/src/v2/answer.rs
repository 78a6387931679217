//! Answers: rows with where the rest of them is, written as Atom or as JSON.

mod atom;
mod json;

use bytes::Bytes;
use pakhus_core::{Body, Response};

use super::query::Query;
use super::row::Row;

/// Rows of an answer.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// How many rows there are in all, where that was asked for.
    pub(super) total: Option<u64>,
    /// The query of the rest, where this is not all.
    pub(super) rest: Option<String>,
}

/// What is asked, and where.
pub(super) struct Asked<'a> {
    /// The URL of the v2 service as the client sees it, without a trailing slash.
    pub(super) service: String,
    /// What is asked below it, such as `Search()`.
    pub(super) set: &'a str,
    pub(super) query: Query,
}

impl Asked<'_> {
    /// Answers with rows.
    pub(super) fn page(&self, page: &Page) -> Response {
        if self.query.is_json {
            return respond("application/json;charset=utf-8", json::feed(self, page));
        }
        respond("application/atom+xml;type=feed;charset=utf-8", atom::feed(self, page))
    }

    /// Answers with one row.
    pub(super) fn entry(&self, row: &Row) -> Response {
        if self.query.is_json {
            return respond("application/json;charset=utf-8", json::entry(self, row));
        }
        respond("application/atom+xml;type=entry;charset=utf-8", atom::entry(self, row))
    }

    /// Where the rest of a page is.
    fn next(&self, page: &Page) -> Option<String> {
        page.rest.as_ref().map(|rest| format!("{}/{}?{rest}", self.service, self.set))
    }

    /// The address of a row.
    fn address(&self, row: &Row) -> String {
        format!("{}/{}", self.service, key(row))
    }

    /// The address of the package file of a row.
    fn content(&self, row: &Row) -> String {
        format!("{}/package/{}/{}", self.service, row.id, row.normalized_version())
    }
}

/// What a row is called below the service.
fn key(row: &Row) -> String {
    format!("Packages(Id='{}',Version='{}')", row.id, row.normalized_version())
}

/// Makes an answer of the service. It follows from what the feed holds now.
pub(super) fn respond(content_type: &str, text: impl Into<Bytes>) -> Response {
    Response::new(200, Body::Bytes(text.into()))
        .with_header("content-type", content_type)
        .with_header("dataserviceversion", "2.0;")
        .with_header("cache-control", "private, no-cache")
        .with_header("vary", "accept, accept-encoding")
}
