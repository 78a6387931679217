//! Errors of the admin and replication APIs: `application/problem+json` (RFC 9457).

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use pakhus_core::{Refusal, RefusalKind};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::auth::Denied;
use crate::host::RequestBody;

/// An error, as the APIs answer it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    /// The seconds after which to try again, where that is known.
    retry_after: Option<u32>,
}

const NO_KEY: &str =
    "this needs an API key that is known here: send it as `Authorization: Bearer KEY`";

/// The parameters of a path, with a problem for those that do not fit.
pub(crate) struct PathOf<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for PathOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(parameters)) => Ok(Self(parameters)),
            Err(_) => {
                Err(Problem::bad_request("the path is not UTF-8, or an id in it is no number"))
            }
        }
    }
}

/// A query string, with a problem for one that does not fit.
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for QueryOf<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(parameters)) => Ok(Self(parameters)),
            Err(rejection) => Err(Problem::bad_request(rejection.body_text())),
        }
    }
}

/// A JSON body, with a problem for one that does not fit. None at all is an empty object.
pub(crate) struct Input<T>(pub(crate) T);

/// The most bytes of a JSON body.
const MAX_INPUT: usize = 2 * 1024 * 1024;

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Input<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = RequestBody::new(body, &parts.headers).receive_bytes(MAX_INPUT).await?;
        let json = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        serde_json::from_slice(json)
            .map(Self)
            .map_err(|error| Problem::bad_request(format!("the body does not fit: {error}")))
    }
}

/// What handlers of the APIs return.
pub(crate) type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, NO_KEY)
    }

    /// What is answered to somebody who may not, with `forbidden` said to those who are known.
    pub(crate) fn denied(denied: Denied, forbidden: &str) -> Self {
        denied.refusal(NO_KEY, forbidden).into()
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
        let retry_after = refusal.kind.retry_after();
        Self { retry_after, ..Self::new(status, refusal.public_message()) }
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
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
