//! Requests of package clients: from the raw path to the feed and its adapter, authorised in between,
//! so that no adapter can forget it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, Method as HttpMethod, header};
use axum::response::{IntoResponse, Response};
use pakhus_core::{Action, Method, PackageType, Refusal, RefusalKind, RequestHead, RoutePath};
use pakhus_db::feeds::{Anonymous, Feed};

use super::observe::RouteName;
use super::problem::Problem;
use super::respond::{Downloaded, respond};
use super::v2;
use crate::app::{App, now};
use crate::auth::{self, Caller, Denied};
use crate::host::{Asker, RequestBody, RequestHost};
use crate::package_types::feed_url;

/// Serves whatever no other route does: a package protocol, or nothing.
pub(crate) async fn dispatch(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(endpoint) = v2::Endpoint::at(&path)
        && let Some(speaker) = v2::speaker(&app)
    {
        return above_feeds(&app, endpoint, &*speaker, request).await;
    }
    let Some((package_type, feed_name, rest)) = target(&app, &path) else {
        return Problem::not_found(format!("there is nothing at {path}")).into_response();
    };
    let (parts, body) = request.into_parts();
    let root = app.public_url.clone().unwrap_or_else(|| request_root(&parts));
    let body = RequestBody::new(body, &parts.headers);
    let feed = app
        .feeds
        .get(feed_name)
        .filter(|feed| feed.settings.package_type == package_type.descriptor().name);
    let Some(feed) = feed else {
        let refusal = Refusal::not_found(format!(
            "there is no {} feed called `{feed_name}`",
            package_type.descriptor().name
        ));
        return refused(&app, &*package_type, &parts.headers, &root, refusal).await;
    };
    let head = HeadParts {
        method: &parts.method,
        uri_query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        extensions: &parts.extensions,
        base_url: feed_url(&root, &*package_type, feed.name()),
        root: root.clone(),
        rest,
    };
    let (answer, route) = serve(&app, &feed, &package_type, head, body).await;
    let mut response = match answer {
        Ok(answer) => match respond(&app, &parts.headers, answer).await {
            Ok(response) => response,
            Err(refusal) => refused(&app, &*package_type, &parts.headers, &root, refusal).await,
        },
        Err(refusal) => refused(&app, &*package_type, &parts.headers, &root, refusal).await,
    };
    if parts.method == HttpMethod::GET
        && package_type.descriptor().capabilities.syncs_download_count
        && let Some(Downloaded(download)) = response.extensions_mut().remove()
    {
        app.downloads.count(feed.id, download);
    }
    response.extensions_mut().insert(RouteName(route));
    response
}

/// Serves what is at `/v2/` above the feeds, refusals in the words of the protocol.
async fn above_feeds(
    app: &App,
    endpoint: v2::Endpoint,
    speaker: &dyn PackageType,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let root = app.public_url.clone().unwrap_or_else(|| request_root(&parts));
    let answer = match v2::serve(app, endpoint, &parts).await {
        Ok(answer) => respond(app, &parts.headers, answer).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(refusal) => refused(app, speaker, &parts.headers, &root, refusal).await,
    };
    response.extensions_mut().insert(RouteName(endpoint.label()));
    response
}

struct HeadParts<'a> {
    method: &'a HttpMethod,
    uri_query: &'a str,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    root: String,
    base_url: String,
    rest: &'a str,
}

async fn serve(
    app: &App,
    feed: &Arc<Feed>,
    package_type: &Arc<dyn PackageType>,
    parts: HeadParts<'_>,
    body: RequestBody,
) -> (Result<pakhus_core::Response, Refusal>, &'static str) {
    let prepared = async {
        let head = request_head(&parts)?;
        let route = package_type.route(&head)?;
        let caller = match route.action {
            Action::SignIn => None,
            _ => {
                let caller = auth::identify(app, parts.headers, parts.extensions).await?;
                caller.map_err(|denied| denial(denied, feed))?
            }
        };
        auth::authorise(caller.as_ref(), feed, route.action)
            .map_err(|denied| denial(denied, feed))?;
        let identity = caller.as_ref().map(Caller::identity);
        Ok((pakhus_core::Request { head, identity }, caller, route.name))
    };
    let (request, caller, route) = match prepared.await {
        Ok(prepared) => prepared,
        Err(refusal) => return (Err(refusal), "refused"),
    };
    let now = request.head.now;
    let asker =
        Asker { caller, address: auth::address_of(parts.extensions), root: parts.root.clone() };
    let (feed, package_type) = (Arc::clone(feed), Arc::clone(package_type));
    let base_url = request.head.base_url.clone();
    let host =
        RequestHost::new(app.clone(), feed, Arc::clone(&package_type), body, base_url, now, asker);
    let answer = package_type.serve(request, &host).await;
    (answer, route)
}

/// The package type, feed and rest of the path that a raw path names: `/TYPE/FEED/…`, or `/v2/FEED/…`
/// for the types that are mounted there.
fn target<'a>(app: &App, path: &'a str) -> Option<(Arc<dyn PackageType>, &'a str, &'a str)> {
    let path = path.strip_prefix('/')?;
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let (feed, rest) = rest.split_once('/').unwrap_or((rest, ""));
    if first == "v2" {
        let of_feed = app.feeds.get(feed);
        let package_type = of_feed
            .and_then(|feed| app.package_types.get(&feed.settings.package_type))
            .filter(|package_type| v2::is_mounted_here(&**package_type));
        // Where there is no such feed, that too is said in the words of the protocol.
        return Some((package_type.or_else(|| v2::speaker(app))?, feed, rest));
    }
    let package_type = app.package_types.get(first)?;
    (!v2::is_mounted_here(&*package_type)).then_some((package_type, feed, rest))
}

fn request_head(parts: &HeadParts<'_>) -> Result<RequestHead, Refusal> {
    let method = match *parts.method {
        HttpMethod::GET | HttpMethod::HEAD => Method::Get,
        HttpMethod::PUT => Method::Put,
        HttpMethod::POST => Method::Post,
        HttpMethod::PATCH => Method::Patch,
        HttpMethod::DELETE => Method::Delete,
        _ => {
            return Err(Refusal::new(
                RefusalKind::MethodNotAllowed,
                "this method is not used here",
            ));
        }
    };
    let headers = parts
        .headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    Ok(RequestHead {
        method,
        path: RoutePath::parse(parts.rest).map_err(Refusal::invalid)?,
        query: parts.uri_query.to_owned(),
        headers,
        base_url: parts.base_url.clone(),
        now: now(),
    })
}

/// The root that the client asked, by its `Host` header (or the authority of HTTP/2). One that is empty
/// or has characters that no host has is not repeated into documents.
fn request_root(parts: &axum::http::request::Parts) -> String {
    let host = parts
        .uri
        .authority()
        .map(axum::http::uri::Authority::as_str)
        .or_else(|| parts.headers.get(header::HOST)?.to_str().ok())
        .filter(|host| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
        })
        .unwrap_or("localhost");
    let secure = parts.extensions.get::<super::listen::Secure>().is_some();
    format!("{}://{host}", if secure { "https" } else { "http" })
}

fn denial(denied: Denied, feed: &Feed) -> Refusal {
    let denied = match denied {
        // A feed that nobody reads without credentials asks for them.
        Denied::WrongKey if feed.settings.anonymous < Anonymous::View => Denied::Unknown,
        denied => denied,
    };
    let feed = feed.name();
    denied.refusal(
        &format!("the feed `{feed}` needs an API key that is known here for this"),
        &format!("this API key may not do this in the feed `{feed}`"),
    )
}

async fn refused(
    app: &App,
    package_type: &dyn PackageType,
    request: &HeaderMap,
    root: &str,
    refusal: Refusal,
) -> Response {
    if refusal.kind == RefusalKind::Internal {
        tracing::error!(error = %refusal.message, "a request failed");
    }
    let mut answer = package_type.refuse(&refusal);
    if refusal.kind == RefusalKind::Unauthorized && v2::is_mounted_here(package_type) {
        answer = answer.with_header("www-authenticate", v2::challenge(root));
    }
    if let Some(seconds) = refusal.kind.retry_after() {
        answer = answer.with_header("retry-after", seconds.to_string());
    }
    match respond(app, request, answer).await {
        Ok(response) => response,
        Err(_) => Problem::from(refusal).into_response(),
    }
}
