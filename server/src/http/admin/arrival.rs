//! `GET /api/v1/feeds/FEED/wait`: answers when a version has arrived.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use pakhus_core::Action;
use pakhus_db::feeds::Feed;
use pakhus_db::records;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{PathOf, Problem, QueryOf, Result};
use crate::app::App;
use crate::auth::{self, Denied};
use crate::replication::{SiteError, find_site};

/// Seconds of waiting when nothing else is said, and at most.
const PATIENCE: u64 = 60;
const MOST: u64 = 600;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    package: String,
    version: String,
    timeout: Option<u64>,
    /// The name of another site, or the id of its instance.
    at: Option<String>,
}

/// Whether the version is where it is waited for; otherwise, what to say when the time is over.
async fn is_there(
    app: &App,
    feed: &Feed,
    at: Option<&str>,
    package: &str,
    version: &str,
) -> Result<(bool, String)> {
    let Some(at) = at else { return Ok((true, format!("in `{}`", feed.name()))) };
    let site = find_site(app, feed, at).map_err(|error| match error {
        SiteError::Unknown { .. } => Problem::not_found(error.to_string()),
        SiteError::Ambiguous { .. } => Problem::conflict(error.to_string()),
    })?;
    let there = site.has(app, feed, package, version).await?;
    Ok((there, format!("known to be at `{at}`: {}", site.standing())))
}

pub(super) async fn wait(
    State(app): State<App>,
    headers: HeaderMap,
    PathOf(name): PathOf<String>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Json<Value>> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    let caller = auth::identify(&app, &headers).await?;
    // Whoever may install the version may wait for it, also without a key.
    let refused = |denied| match denied {
        Denied::Unknown => Problem::unauthorized(),
        Denied::Forbidden => {
            Problem::forbidden(format!("this needs an API key with the scope `view:{name}`"))
        }
    };
    let caller = caller.map_err(refused)?;
    auth::authorise(caller.as_ref(), &feed, Action::View).map_err(refused)?;
    // Which other sites there are is told to nobody without a key.
    if wanted.at.is_some() && caller.is_none() {
        return Err(Problem::unauthorized());
    }
    let package_type = app.package_types.get(&feed.settings.package_type).ok_or_else(|| {
        Problem::not_found(format!("the package type of `{name}` is not enabled here"))
    })?;
    let refused = |error: &dyn std::fmt::Display| Problem::bad_request(error.to_string());
    let package = package_type.parse_name(&wanted.package).map_err(|error| refused(&error))?;
    let version = package_type.parse_version(&wanted.version).map_err(|error| refused(&error))?;
    let seconds = wanted.timeout.unwrap_or(PATIENCE).min(MOST);
    let patience = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(patience);
    let mut head = app.database.watch_head(feed.id);
    let mut clients = app.replicator.clients.watch();
    loop {
        head.borrow_and_update();
        clients.borrow_and_update();
        let at = wanted.at.as_deref();
        let (there, place) = is_there(&app, &feed, at, package.key(), version.key()).await?;
        let found = records::version(&app.database, feed.id, package.key(), version.key()).await?;
        if let Some(found) = found.filter(|_| there) {
            return Ok(Json(json!({
                "package": found.name.display(),
                "version": found.version.display(),
                "published_at": found.published_at.to_string(),
                "blobs": found.blobs,
            })));
        }
        tokio::select! {
            _ = head.changed() => {}
            _ = clients.changed(), if wanted.at.is_some() => {}
            // Another node may have written.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = &mut patience => {
                let (package, version) = (wanted.package, wanted.version);
                let after = match seconds {
                    0 => String::new(),
                    _ => format!(", after {seconds} seconds"),
                };
                return Err(Problem::new(
                    StatusCode::GATEWAY_TIMEOUT,
                    format!("{package} {version} is not {place}{after}"),
                ));
            }
            () = app.stopping.cancelled() => {
                return Err(Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the server stops: ask again",
                ));
            }
        }
    }
}
