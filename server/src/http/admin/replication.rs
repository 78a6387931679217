//! Replication settings and overview.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pakhus_core::replication::engine::describe;
use pakhus_core::replication::{ClientMode, ServerMode, Verdict};
use pakhus_db::feeds::{self, Feed, Origin};
use pakhus_db::{changes, executions, links, sync_tokens};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, PathOf, Problem, Result};
use super::Authenticated;
use super::feeds::editable;
use crate::app::{App, now};
use crate::config::{Interval, Permission, Secret, SourceUrl};
use crate::replication::{CATEGORY, RunOptions, check_source, start_manual};
use crate::secrets::new_sync_token;

pub(super) async fn show(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<Json<Value>> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    caller.may(Permission::View, feed.name())?;
    settings(&app, &feed).await.map(Json)
}

async fn settings(app: &App, feed: &Feed) -> Result<Value> {
    let tokens: Vec<_> = sync_tokens::list(&app.database, feed.id)
        .await?
        .into_iter()
        .map(|token| {
            json!({
                "id": token.id,
                "origin": token.origin,
                "created_at": token.created_at.to_string(),
                "last_used_at": token.last_used_at.map(|at| at.to_string()),
            })
        })
        .collect();
    let client = &feed.settings.client;
    let verdict = check_source(app, feed).await;
    Ok(json!({
        "server": { "mode": feed.settings.server_mode, "sync_tokens": tokens },
        "client": {
            "mode": client.mode,
            "source_url": client.source_url,
            "interval": Interval::from_millis(client.interval_ms).to_string(),
        },
        "verdict": verdict,
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplicationChange {
    #[serde(default)]
    server: ServerChange,
    #[serde(default)]
    client: ClientChange,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerChange {
    mode: Option<ServerMode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientChange {
    mode: Option<ClientMode>,
    source_url: Option<SourceUrl>,
    sync_token: Option<String>,
    interval: Option<Interval>,
}

pub(super) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    Input(change): Input<ReplicationChange>,
) -> Result<Json<Value>> {
    let feed = editable(&app, &caller, &name)?;
    let mut settings = feed.settings.clone();
    settings.server_mode = change.server.mode.unwrap_or(settings.server_mode);
    let client = &mut settings.client;
    client.mode = change.client.mode.unwrap_or(client.mode);
    if let Some(url) = change.client.source_url {
        client.source_url = Some(url.as_str().to_owned());
    }
    if let Some(token) = change.client.sync_token {
        let token = Secret::new(token)
            .map_err(|reason| Problem::bad_request(format!("`sync_token`: {reason}")))?;
        client.sync_token = Some(token.expose().to_owned());
    }
    if let Some(interval) = change.client.interval {
        let millis = interval.duration().as_millis();
        client.interval_ms = u64::try_from(millis).unwrap_or(u64::MAX);
    }
    let complete = client.source_url.is_some() && client.sync_token.is_some();
    if client.mode != ClientMode::Disabled && !complete {
        return Err(Problem::bad_request(
            "a replication client needs `source_url` and `sync_token`",
        ));
    }
    feeds::update(&app.database, feed.id, &settings).await?;
    app.feeds.reload().await?;
    show(State(app), caller, PathOf(name)).await
}

pub(super) async fn create_token(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<(StatusCode, Json<Value>)> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    caller.may(Permission::Manage, feed.name())?;
    let secret = new_sync_token();
    let token =
        sync_tokens::create(&app.database, feed.id, &secret, Origin::Database, now()).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": token.id, "token": secret }))))
}

pub(super) async fn revoke_token(
    State(app): State<App>,
    caller: Authenticated,
    PathOf((name, id)): PathOf<(String, i64)>,
) -> Result<StatusCode> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    caller.may(Permission::Manage, feed.name())?;
    if sync_tokens::revoke(&app.database, feed.id, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(format!("the feed `{name}` has no sync token with the id {id}")))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SyncOptions {
    dry_run: bool,
    full: bool,
    allow_deletes: bool,
}

pub(super) async fn sync(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    Input(options): Input<SyncOptions>,
) -> Result<(StatusCode, Json<Value>)> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    caller.may(Permission::Manage, feed.name())?;
    let options = RunOptions {
        dry_run: options.dry_run,
        full: options.full,
        allow_deletes: options.allow_deletes,
    };
    let id = start_manual(&app, &feed, options).await.map_err(Problem::conflict)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "execution_id": id }))))
}

/// `GET /api/v1/replication`: every feed that replicates, in one look.
pub(super) async fn overview(State(app): State<App>, caller: Authenticated) -> Result<Json<Value>> {
    let mut rows = Vec::new();
    for feed in app.feeds.all().values() {
        let settings = &feed.settings;
        let replicates = settings.server_mode != ServerMode::Disabled
            || settings.client.mode != ClientMode::Disabled;
        if replicates && caller.sees(Permission::View, feed.name()) {
            rows.push(row(&app, feed).await?);
        }
    }
    Ok(Json(json!({ "feeds": rows, "next": null })))
}

async fn row(app: &App, feed: &Feed) -> Result<Value> {
    let settings = &feed.settings;
    let filter = executions::Filter {
        category: Some(CATEGORY.to_owned()),
        feed: Some(feed.name().to_string()),
        ..executions::Filter::default()
    };
    let last = executions::list(&app.database, &filter, 1).await?;
    let last_execution = last.first().map(super::executions::shape);
    let (lag_changes, lag_seconds) = lag(app, feed).await?;
    Ok(json!({
        "feed": feed.name(),
        "type": settings.package_type,
        "server_mode": settings.server_mode,
        "client_mode": settings.client.mode,
        "source_url": settings.client.source_url,
        "verdict": last_verdict(app, feed).await,
        "last_execution": last_execution,
        "lag_changes": lag_changes,
        "lag_seconds": lag_seconds,
    }))
}

/// The verdict of the last run; before the first, the source is asked.
async fn last_verdict(app: &App, feed: &Feed) -> Verdict {
    match app.replicator.verdict(feed.id) {
        Some(verdict) => verdict,
        None => check_source(app, feed).await,
    }
}

/// `GET /api/v1/feeds/FEED/verify`: whether the feed and its source hold the same.
pub(super) async fn verify(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<Json<Value>> {
    let feed = app.feeds.get(&name).ok_or_else(|| Problem::no_such_feed(&name))?;
    caller.may(Permission::View, feed.name())?;
    let found = crate::replication::verify(&app, &feed)
        .await
        .map_err(|error| Problem::new(StatusCode::BAD_GATEWAY, error.to_string()))?;
    let differences: Vec<_> = found
        .differences
        .iter()
        .map(|difference| {
            let mut shape = json!(difference);
            shape["what"] = json!(describe(&difference.key));
            shape
        })
        .collect();
    let versions = feeds::live_versions(&app.database, feed.id).await?;
    Ok(Json(json!({
        "identical": found.identical,
        "local": { "fingerprint": found.here, "versions": versions },
        "source": { "fingerprint": found.there },
        "differences": differences,
    })))
}

/// How many changes of this feed's log the source is not known to have, as far as this feed pushes,
/// and since when.
async fn lag(app: &App, feed: &Feed) -> Result<(Option<u64>, Option<u64>)> {
    if !feed.settings.client.mode.pushes() {
        return Ok((None, None));
    }
    let end = changes::end(&app.database, feed.id).await?.position;
    let pushed = links::find(&app.database, feed.id).await?.map_or(0, |link| link.push_seq);
    let behind = end.seq.saturating_sub(pushed);
    let since = changes::changed_at(&app.database, feed.id, pushed + 1).await?;
    let seconds = since.map_or(0, |since| now().millis().saturating_sub(since.millis()) / 1_000);
    Ok((Some(behind), Some(u64::try_from(seconds).unwrap_or(0))))
}
