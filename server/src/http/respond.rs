//! Answers of adapters, made into HTTP.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use pakhus_core::{self as core, Document, Download, Refusal, Result};

use super::blob_body::{BlobAnswer, blob_response, matches_etag};
use crate::app::App;

/// Headers that belong to the server, whatever an adapter says.
const OWN: [HeaderName; 5] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::SET_COOKIE,
    header::CONTENT_ENCODING,
];

/// Makes the HTTP answer.
pub(crate) async fn respond(
    app: &App,
    request: &HeaderMap,
    answer: core::Response,
) -> Result<Response> {
    let status = StatusCode::from_u16(answer.status).map_err(Refusal::internal)?;
    let mut response = match answer.body {
        core::Body::Empty => Response::new(Body::empty()),
        core::Body::Bytes(bytes) => Response::new(Body::from(bytes)),
        core::Body::Blob { digest, size } => {
            blob_response(&app.blobs, request, BlobAnswer { digest, size }).await?
        }
        core::Body::Document(document) => document_response(request, document)?,
    };
    if let Some(download) = answer.download
        && begins(&response)
    {
        response.extensions_mut().insert(Downloaded(download));
    }
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    for (name, value) in answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(Refusal::internal)?;
        let value = HeaderValue::try_from(value).map_err(Refusal::internal)?;
        if !OWN.contains(&name) {
            response.headers_mut().append(name, value);
        }
    }
    Ok(response)
}

/// The version that an answer downloads.
#[derive(Clone)]
pub(super) struct Downloaded(pub(super) Download);

/// Whether the answer has the first bytes of what was asked for: who goes on with a download that was
/// cut off does not download again.
fn begins(response: &Response) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).map(HeaderValue::as_bytes);
    match response.status() {
        StatusCode::OK => true,
        StatusCode::PARTIAL_CONTENT => range.is_some_and(|range| range.starts_with(b"bytes 0-")),
        _ => false,
    }
}

/// Answers with a rendered document, compressed where the client accepts gzip, or 304. The two forms
/// have different entity tags, as strong tags must.
fn document_response(request: &HeaderMap, document: Document) -> Result<Response> {
    let gzip_etag = format!("{}-gzip\"", document.etag.trim_end_matches('"'));
    let gzip = accepts_gzip(request);
    let known = [&document.etag, &gzip_etag]
        .into_iter()
        .any(|etag| matches_etag(request, header::IF_NONE_MATCH, etag));
    let (bytes, etag) =
        if gzip { (document.gzip, gzip_etag) } else { (document.bytes, document.etag) };
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(bytes))
    };
    let headers = response.headers_mut();
    if gzip && !known {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::ETAG, HeaderValue::try_from(etag).map_err(Refusal::internal)?);
    Ok(response)
}

/// Whether the client takes gzip (RFC 9110 section 12.5.3).
fn accepts_gzip(request: &HeaderMap) -> bool {
    let mut any = false;
    for value in request.get_all(header::ACCEPT_ENCODING) {
        let Ok(list) = value.to_str() else { continue };
        for coding in list.split(',') {
            let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = parameters.trim().strip_prefix("q=").is_some_and(|weight| {
                weight.trim().parse::<f32>().is_ok_and(|weight| weight == 0.0)
            });
            match name.trim() {
                "gzip" | "x-gzip" => return !refused,
                "*" => any = !refused,
                _ => {}
            }
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        accepts_gzip(&headers)
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        assert!(accepting("gzip, deflate, br"));
        assert!(accepting("br;q=1.0, gzip;q=0.5"));
        assert!(accepting("*"));
        assert!(!accepting("gzip;q=0"));
        assert!(!accepting("*, gzip;q=0"));
        assert!(!accepting("identity"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
