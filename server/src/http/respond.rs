//! Answers of adapters, made into HTTP.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use hyper::ext::ReasonPhrase;
use pakhus_core::{self as core, Document, Download, Refusal, Result};

use super::blob_body::{BlobAnswer, blob_response, matches_etag};
use super::coding::Coding;
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
            blob_response(app, request, BlobAnswer { digest, size }).await?
        }
        core::Body::Document(document) => document_response(app, request, document).await?,
    };
    if let Some(download) = answer.download
        && begins(&response)
    {
        response.extensions_mut().insert(Downloaded(download));
    }
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    // One that has characters that no reason may have is left out.
    if let Some(reason) = answer.reason.and_then(|reason| ReasonPhrase::try_from(reason).ok()) {
        response.extensions_mut().insert(reason);
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

/// Answers with a rendered document, compressed where the client accepts it, or 304. Each form has an
/// entity tag of its own, as strong tags must.
async fn document_response(app: &App, request: &HeaderMap, document: Document) -> Result<Response> {
    let coding = Coding::accepted(request);
    let etag_of = |coding: Coding| match coding.name() {
        Some(name) => format!("{}-{name}\"", document.etag.trim_end_matches('"')),
        None => document.etag.clone(),
    };
    let known = request.contains_key(header::IF_NONE_MATCH)
        && [Coding::Brotli, Coding::Gzip, Coding::Identity]
            .into_iter()
            .any(|coding| matches_etag(request, header::IF_NONE_MATCH, &etag_of(coding)));
    let etag = HeaderValue::try_from(etag_of(coding)).map_err(Refusal::internal)?;
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(match coding {
            Coding::Brotli => app.documents.brotli(&document).await?,
            Coding::Gzip => document.gzip,
            Coding::Identity => document.bytes,
        }))
    };
    let headers = response.headers_mut();
    if let Some(name) = coding.name()
        && !known
    {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    headers.insert(header::ETAG, etag);
    Ok(response)
}
