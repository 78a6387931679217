//! Blobs as answers: conditional, by ranges, streamed.

use std::ops::Range;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use pakhus_blobs::WHOLE;
use pakhus_core::{Digest, Refusal, RefusalKind, Result};

use super::small_blobs;
use crate::app::App;
use crate::host::refusal_of;

/// Which blob to answer with.
pub(crate) struct BlobAnswer {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Answers with a blob, or the part of it that the request's `Range` asks for (RFC 9110 section 14;
/// one range: several are answered with the whole), or 304 when the client has it.
pub(crate) async fn blob_response(
    app: &App,
    request: &HeaderMap,
    answer: BlobAnswer,
) -> Result<Response> {
    let BlobAnswer { digest, size } = answer;
    let etag = format!("\"{digest}\"");
    let etag_value = HeaderValue::try_from(&etag).map_err(Refusal::internal)?;
    if matches_etag(request, header::IF_NONE_MATCH, &etag) {
        return response(StatusCode::NOT_MODIFIED, etag_value, Body::empty());
    }
    let range = match request.get(header::IF_RANGE) {
        Some(condition) if condition.as_bytes() != etag.as_bytes() => None,
        _ => request.get(header::RANGE).and_then(|value| value.to_str().ok()),
    };
    let range = match range.map_or(Ranged::Whole, |range| parse_range(range, size)) {
        Ranged::Whole => None,
        Ranged::Part(range) => Some(range),
        Ranged::Outside => {
            return Err(Refusal::new(
                RefusalKind::RangeNotSatisfiable,
                format!("the range is not within the {size} bytes of the blob"),
            ));
        }
    };
    let part = range.clone().unwrap_or(0..size);
    let length = part.end - part.start;
    let body = if size <= small_blobs::LONGEST {
        app.small_blobs.get(&app.blobs, &digest).await?.map(|bytes| {
            let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
            Body::from(bytes.slice(within(part.start)..within(part.end)))
        })
    } else {
        app.blobs
            .read(&digest, if range.is_some() { part } else { WHOLE })
            .await
            .map_err(refusal_of)?
            .map(Body::from_stream)
    };
    let body = body
        .ok_or_else(|| Refusal::internal(format!("the blob {digest} is named but not stored")))?;
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = response(status, etag_value, body)?;
    let headers = response.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(Range { start, end }) = range {
        let value = format!("bytes {start}-{}/{size}", end - 1);
        let value = HeaderValue::try_from(value).map_err(Refusal::internal)?;
        headers.insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

fn response(status: StatusCode, etag: HeaderValue, body: Body) -> Result<Response> {
    let response = Response::builder().status(status).header(header::ETAG, etag);
    response.body(body).map_err(Refusal::internal)
}

/// Whether a list of entity tags in `name` has `etag`, compared weakly (RFC 9110 section 8.8.3.2).
pub(crate) fn matches_etag(request: &HeaderMap, name: header::HeaderName, etag: &str) -> bool {
    request.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|list| {
        list.split(',').map(str::trim).any(|candidate| {
            candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag
        })
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Ranged {
    Whole,
    Part(Range<u64>),
    Outside,
}

/// What is no range in bytes, or several, is ignored, as RFC 9110 section 14.2 allows.
fn parse_range(text: &str, size: u64) -> Ranged {
    let Some(range) = text.strip_prefix("bytes=") else { return Ranged::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Ranged::Whole };
    let number = |text: &str| text.parse::<u64>().ok();
    let part = match (first, last) {
        ("", last) => match number(last) {
            Some(length) => size.saturating_sub(length)..size,
            None => return Ranged::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..size,
            None => return Ranged::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            _ => return Ranged::Whole,
        },
    };
    if part.start >= size || part.is_empty() { Ranged::Outside } else { Ranged::Part(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        let cases = [
            ("bytes=0-4", Ranged::Part(0..5)),
            ("bytes=5-", Ranged::Part(5..10)),
            ("bytes=-3", Ranged::Part(7..10)),
            ("bytes=-99", Ranged::Part(0..10)),
            ("bytes=8-99", Ranged::Part(8..10)),
            ("bytes=10-", Ranged::Outside),
            ("bytes=-0", Ranged::Outside),
            ("bytes=4-2", Ranged::Whole),
            ("bytes=0-1,3-4", Ranged::Whole),
            ("lines=0-1", Ranged::Whole),
            ("bytes=x-", Ranged::Whole),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_range(text, 10), expected, "{text}");
        }
    }

    #[test]
    fn no_range_is_within_nothing() {
        assert_eq!(parse_range("bytes=0-", 0), Ranged::Outside);
    }

    #[test]
    fn entity_tags_match_weakly_and_in_lists() {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"a\", W/\"b\""));
        assert!(matches_etag(&headers, header::IF_NONE_MATCH, "\"b\""));
        assert!(!matches_etag(&headers, header::IF_NONE_MATCH, "\"c\""));
    }
}
