//! Every request has an id, a span, a line in the log and a count in the metrics.

use std::borrow::Cow;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::app::App;

/// The name of an adapter's endpoint that answered, set on the answer by the dispatcher.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RouteName(pub(crate) &'static str);

const REQUEST_ID: &str = "x-request-id";

/// Wraps the handling of a request. An id that the client sent is kept when it is a plain word.
pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= 64)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = loggable(request.uri().path());
    let span = tracing::info_span!("request", id = %id, method = %method, path = %path);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    let status = response.status().as_u16();
    let name = response.extensions().get::<RouteName>().map(|name| name.0);
    let route = name.or_else(|| matched.as_ref().map(MatchedPath::as_str)).unwrap_or("none");
    app.metrics.request(route, known_method(&method), status, took);
    span.in_scope(|| {
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if status >= 500 {
            tracing::warn!(route, status, duration_ms, "answered");
        } else {
            tracing::debug!(route, status, duration_ms, "answered");
        }
    });
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The path as it may be logged: without the secrets that some clients put into it. A token to revoke
/// stands behind `token` in the part of a registry that is no package, and a sign-in is named in its
/// page's path.
fn loggable(path: &str) -> Cow<'_, str> {
    if !["token", "login", "pakhus_"].iter().any(|word| path.contains(word)) {
        return Cow::Borrowed(path);
    }
    let (mut behind_dash, mut before) = (false, "");
    let mut hides = |segment: &str| {
        let is_login = before == "login" && path.starts_with("/login/");
        let hides = (behind_dash && before == "token") || is_login || segment.contains("pakhus_");
        behind_dash |= segment == "-";
        before = match segment {
            "token" => "token",
            "login" => "login",
            _ => "",
        };
        hides && !segment.is_empty()
    };
    let shown: Vec<_> =
        path.split('/').map(|segment| if hides(segment) { "…" } else { segment }).collect();
    if shown.contains(&"…") { Cow::Owned(shown.join("/")) } else { Cow::Borrowed(path) }
}

/// The method as the metrics count it: a client that invents methods makes no new series.
fn known_method(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::PUT
        | Method::POST
        | Method::PATCH
        | Method::DELETE => method.as_str(),
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_paths_are_not_logged() {
        for (path, logged) in [
            ("/npm/libs/-/user/token/abc", "/npm/libs/-/user/token/…"),
            ("/npm/libs/-/npm/v1/tokens/token/0123", "/npm/libs/-/npm/v1/tokens/token/…"),
            ("/npm/libs/pakhus_secret", "/npm/libs/…"),
            ("/login/abc", "/login/…"),
            ("/npm/libs/token/1.0.0", "/npm/libs/token/1.0.0"),
            ("/npm/libs/token/-/token-1.0.0.tgz", "/npm/libs/token/-/token-1.0.0.tgz"),
            ("/npm/libs/login/latest", "/npm/libs/login/latest"),
        ] {
            assert_eq!(loggable(path), logged);
        }
    }
}
