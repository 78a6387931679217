//! Conflicts and trash of a feed: `/api/v1/feeds/FEED/conflicts` and `/api/v1/feeds/FEED/trash`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use pakhus_core::replication::{Kept, State as RecordState};
use pakhus_db::kept::{self, KeptState};
use serde_json::{Value, json};

use super::super::problem::{PathOf, Problem, QueryOf, Result};
use super::{Authenticated, Paging};
use crate::app::{App, now};
use crate::config::Permission;

/// The routes of what is kept for `reason`, below `/feeds/{feed}/NAME`.
pub(super) fn routes(name: &str, reason: Kept) -> Router<App> {
    let listing =
        async move |app, caller, feed, paging| list(app, caller, feed, paging, reason).await;
    let restoring = async move |app, caller, which| restore(app, caller, which, reason).await;
    let dismissing = async move |app, caller, which| dismiss(app, caller, which, reason).await;
    Router::new()
        .route(&format!("/feeds/{{feed}}/{name}"), get(listing))
        .route(&format!("/feeds/{{feed}}/{name}/{{id}}"), delete(dismissing))
        .route(&format!("/feeds/{{feed}}/{name}/{{id}}/restore"), post(restoring))
}

async fn list(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    QueryOf(paging): QueryOf<Paging>,
    reason: Kept,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &name, Permission::View)?;
    let limit = paging.limit();
    let listed = kept::list(&app.database, feed.id, reason, paging.after_id()?, limit).await?;
    let next = (listed.len() as u64 == limit)
        .then(|| listed.last().map(|kept| kept.id.to_string()))
        .flatten();
    let rows: Vec<_> = listed.iter().map(shape).collect();
    let name = plural(reason);
    Ok(Json(json!({ name: rows, "next": next })))
}

const fn plural(reason: Kept) -> &'static str {
    match reason {
        Kept::Conflict => "conflicts",
        Kept::Trash => "trash",
    }
}

fn shape(kept: &KeptState) -> Value {
    let content = kept.state.content();
    json!({
        "id": kept.id,
        "package": content.map(|content| &content.name),
        "version": content.map(|content| &content.version),
        "kept_at": kept.at.to_string(),
        "stands": kept.stands.as_ref().map(state_shape),
        "kept": state_shape(&kept.state),
    })
}

fn state_shape(state: &RecordState) -> Value {
    match state.content() {
        Some(content) => json!({
            "state": "published",
            "incarnation": state.counter(),
            "published_at": content.published_at.map(|at| at.to_string()),
            "origin": content.origin,
            "digest": content.digest(),
            "blobs": content.blobs,
        }),
        None => json!({
            "state": "deleted",
            "incarnation": state.counter(),
            "deleted_at": state.at().to_string(),
        }),
    }
}

async fn restore(
    State(app): State<App>,
    caller: Authenticated,
    PathOf((name, id)): PathOf<(String, i64)>,
    reason: Kept,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &name, Permission::Manage)?;
    let kept = kept::find(&app.database, feed.id, reason, id).await?;
    let kept = kept.ok_or_else(|| gone(&name, reason, id))?;
    let content = kept.state.content().ok_or_else(|| gone(&name, reason, id))?;
    let package_type = app.package_types.get(&feed.settings.package_type).ok_or_else(|| {
        Problem::conflict(format!("the package type of `{name}` is not enabled here"))
    })?;
    let version = package_type
        .parse_version(&content.version)
        .map_err(|error| Problem::conflict(error.to_string()))?;
    let blobs = content.blobs.iter().map(|blob| (blob.digest, Some(blob.size)));
    // From here on no collection of garbage removes them.
    if let Some(digest) = app.blobs.renew(blobs.collect()).await?.first() {
        return Err(Problem::conflict(format!("its blob {digest} is no longer stored here")));
    }
    let sort_key = version.sort_key().clone();
    if !kept::restore(&app.database, feed.id, &kept, sort_key, now()).await? {
        return Err(gone(&name, reason, id));
    }
    Ok(Json(json!({ "package": content.name, "version": content.version })))
}

async fn dismiss(
    State(app): State<App>,
    caller: Authenticated,
    PathOf((name, id)): PathOf<(String, i64)>,
    reason: Kept,
) -> Result<StatusCode> {
    let feed = caller.feed(&app, &name, Permission::Manage)?;
    if kept::dismiss(&app.database, feed.id, reason, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(gone(&name, reason, id))
    }
}

fn gone(feed: &str, reason: Kept, id: i64) -> Problem {
    let what = match reason {
        Kept::Conflict => "conflict",
        Kept::Trash => "trashed version",
    };
    Problem::not_found(format!("the feed `{feed}` has no {what} with the id {id}"))
}
