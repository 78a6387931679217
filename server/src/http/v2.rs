//! What is at `/v2/` above the feeds: whether the protocol is spoken here, tokens for clients that want
//! one, and the packages of all feeds that are mounted there.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use pakhus_core::{
    Action, Mount, PackageType, Refusal, RefusalKind, RequestHead, Response, Result,
};
use pakhus_db::packages;
use serde_json::json;

use crate::app::{App, now};
use crate::auth::{self, ANYBODY, TOKEN_LIFETIME, token};

/// What clients look for to see that the protocol is spoken.
const VERSION: (&str, &str) = ("docker-distribution-api-version", "registry/2.0");

/// The most names of one page of the catalog.
const MOST_NAMES: u64 = 1_000;

/// What a path above the feeds asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `GET /v2/`.
    Ping,
    /// `GET /v2/token`.
    Token,
    /// `GET /v2/_catalog`.
    Catalog,
}

impl Endpoint {
    /// The endpoint at a path; `None` where a feed may be.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/v2" | "/v2/" => Some(Self::Ping),
            "/v2/token" => Some(Self::Token),
            "/v2/_catalog" => Some(Self::Catalog),
            _ => None,
        }
    }

    /// Its name in logs and metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Ping => "v2.ping",
            Self::Token => "v2.token",
            Self::Catalog => "v2.catalog",
        }
    }
}

/// What tells a client that was refused where to get a token. `root` is the server's URL.
pub(super) fn challenge(root: &str) -> String {
    let host = root.split_once("://").map_or(root, |(_, host)| host);
    format!("Bearer realm=\"{root}/v2/token\",service=\"{host}\"")
}

/// Answers a request of an endpoint above the feeds.
pub(super) async fn serve(app: &App, endpoint: Endpoint, parts: &Parts) -> Result<Response> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        let message = "this path does not take this method";
        return Err(Refusal::new(RefusalKind::MethodNotAllowed, message));
    }
    let unknown = "this needs an API key, or a user's name and password, that are known here";
    let caller = auth::identify(app, &parts.headers, &parts.extensions).await?;
    let caller = caller.map_err(|denied| denied.refusal(unknown, unknown))?;
    match endpoint {
        // Who shows nothing is told so even where much can be read by anybody: clients send their
        // credentials after this, and not when they are refused later.
        Endpoint::Ping if !parts.headers.contains_key(header::AUTHORIZATION) => {
            Err(Refusal::new(RefusalKind::Unauthorized, unknown))
        }
        Endpoint::Ping => Ok(Response::json(200, "{}").with_header(VERSION.0, VERSION.1)),
        Endpoint::Token => Ok(give_token(caller.as_ref(), &parts.headers)),
        Endpoint::Catalog => catalog(app, caller.as_ref(), parts).await,
    }
}

/// A token for whoever asks: the API key itself, where one was shown.
fn give_token(caller: Option<&auth::Caller>, headers: &HeaderMap) -> Response {
    let token = match caller {
        None => ANYBODY.to_owned(),
        Some(caller) => match (caller.key(), caller.user()) {
            (None, Some(user)) => token(user, now()),
            _ => auth::credential(headers).unwrap_or_default(),
        },
    };
    let text = json!({ "token": token, "access_token": token, "expires_in": TOKEN_LIFETIME });
    Response::json(200, text.to_string()).with_header("cache-control", "no-store")
}

async fn catalog(app: &App, caller: Option<&auth::Caller>, parts: &Parts) -> Result<Response> {
    let query = parts.uri.query().unwrap_or_default();
    let asked = RequestHead::parameter(query, "n").map(|number| number.parse::<u64>());
    let asked = asked.transpose().map_err(|_| Refusal::invalid("`n` is not a number"))?;
    let limit = asked.unwrap_or(MOST_NAMES).min(MOST_NAMES);
    let last = RequestHead::parameter(query, "last").unwrap_or_default();
    let (last_feed, last_package) = last.split_once('/').unwrap_or((&last, ""));
    let mut names: Vec<String> = Vec::new();
    for feed in app.feeds.all().values() {
        let package_type = app.package_types.get(&feed.settings.package_type);
        let is_here = package_type.is_some_and(|package_type| is_mounted_here(&*package_type));
        if !is_here
            || feed.name().as_str() < last_feed
            || auth::authorise(caller, feed, Action::View).is_err()
        {
            continue;
        }
        let after = (feed.name().as_str() == last_feed).then_some(last_package);
        // One more than fits tells that there are more.
        let left = limit + 1 - names.len() as u64;
        let packages = packages::names(&app.database, feed.id, after, left).await?;
        names.extend(packages.iter().map(|name| format!("{}/{}", feed.name(), name.display())));
        if names.len() as u64 > limit {
            break;
        }
    }
    let has_more = names.len() as u64 > limit;
    names.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let text = json!({ "repositories": names }).to_string();
    let response = Response::json(200, text);
    Ok(match names.last().filter(|_| has_more) {
        Some(last) => {
            let link = format!("</v2/_catalog?n={limit}&last={last}>; rel=\"next\"");
            response.with_header("link", link)
        }
        None => response,
    })
}

/// Whether feeds of the type are below `/v2/`.
pub(super) fn is_mounted_here(package_type: &dyn PackageType) -> bool {
    package_type.descriptor().capabilities.mount == Mount::V2
}

/// The type that speaks for what is above the feeds.
pub(super) fn speaker(app: &App) -> Option<Arc<dyn PackageType>> {
    let mut types = app.package_types.iter();
    types.find(|package_type| is_mounted_here(&***package_type)).map(Arc::clone)
}
