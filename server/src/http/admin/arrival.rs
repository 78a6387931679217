//! `GET /api/v1/feeds/FEED/wait`: answers when a version has arrived.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use pakhus_core::Action;
use pakhus_db::records;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{PathOf, Problem, QueryOf, Result};
use crate::app::App;
use crate::auth;

/// Seconds of waiting when nothing else is said, and at most.
const PATIENCE: u64 = 60;
const MOST: u64 = 600;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    package: String,
    version: String,
    timeout: Option<u64>,
}

pub(super) async fn wait(
    State(app): State<App>,
    headers: HeaderMap,
    extensions: Extensions,
    PathOf(name): PathOf<String>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Result<Json<Value>> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    let caller = auth::identify(&app, &headers, &extensions).await?;
    // Whoever may install the version may wait for it, also without a key.
    caller.and_then(|caller| auth::authorise(caller.as_ref(), &feed, Action::View)).map_err(
        |denied| {
            let forbidden = format!("this needs an API key with the scope `view:{name}`");
            Problem::denied(denied, &forbidden)
        },
    )?;
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
    loop {
        head.borrow_and_update();
        let found = records::version(&app.database, feed.id, package.key(), version.key()).await?;
        if let Some(found) = found {
            return Ok(Json(json!({
                "package": found.name.display(),
                "version": found.version.display(),
                "published_at": found.published_at.to_string(),
                "blobs": found.blobs,
            })));
        }
        tokio::select! {
            _ = head.changed() => {}
            // Another node may have written.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = &mut patience => {
                let (package, version) = (wanted.package, wanted.version);
                return Err(Problem::new(
                    StatusCode::GATEWAY_TIMEOUT,
                    format!("{package} {version} is not in `{name}` after {seconds} seconds"),
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
