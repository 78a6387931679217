//! Errors of the admin and replication APIs: `application/problem+json` (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pakhus_core::{Refusal, RefusalKind};
use serde_json::json;

/// An error, as the APIs answer it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
}

/// What handlers of the APIs return.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "this needs an API key that is known here: send it as `Authorization: Bearer KEY`",
        )
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn no_such_feed(name: &str) -> Self {
        Self::not_found(format!("there is no feed called `{name}`"))
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        if refusal.kind == RefusalKind::Internal {
            tracing::error!(error = %refusal.message, "a request failed");
        }
        let status = StatusCode::from_u16(refusal.kind.status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, refusal.public_message())
    }
}

impl From<pakhus_db::Error> for Problem {
    fn from(error: pakhus_db::Error) -> Self {
        Refusal::from(error).into()
    }
}

impl From<pakhus_blobs::Error> for Problem {
    fn from(error: pakhus_blobs::Error) -> Self {
        crate::host::refusal_of(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
