//! Replication settings of a feed, and what can be done by hand.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pakhus_core::Refusal;
use pakhus_core::replication::engine::describe;
use pakhus_core::replication::{ClientMode, ServerMode};
use pakhus_db::feeds::{self, Feed, FeedSettings, Origin};
use pakhus_db::sync_tokens;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, PathOf, Problem, Result};
use super::Authenticated;
use super::feeds::editable;
use crate::app::{App, now};
use crate::config::{Interval, LimitsSection, Permission, Secret, SourceUrl};
use crate::replication::{RunOptions, check_source, start_manual};
use crate::secrets::new_sync_token;

pub(super) async fn show(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &name, Permission::View)?;
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
        "limits": LimitsSection::of(&feed.settings.limits),
        "paused": feed.paused,
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
    #[serde(default)]
    limits: LimitsSection,
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

impl ReplicationChange {
    /// Makes the settings what is asked for; refuses a client that would lack something.
    fn apply_to(self, settings: &mut FeedSettings) -> Result<(), Refusal> {
        settings.server_mode = self.server.mode.unwrap_or(settings.server_mode);
        let client = &mut settings.client;
        client.mode = self.client.mode.unwrap_or(client.mode);
        if let Some(url) = self.client.source_url {
            client.source_url = Some(url.as_str().to_owned());
        }
        if let Some(token) = self.client.sync_token {
            let token = Secret::new(token)
                .map_err(|reason| Refusal::invalid(format!("`sync_token`: {reason}")))?;
            client.sync_token = Some(token.expose().to_owned());
        }
        if let Some(interval) = self.client.interval {
            let millis = interval.duration().as_millis();
            client.interval_ms = u64::try_from(millis).unwrap_or(u64::MAX);
        }
        self.limits.apply_to(&mut settings.limits);
        let client = &settings.client;
        let complete = client.source_url.is_some() && client.sync_token.is_some();
        if client.mode != ClientMode::Disabled && !complete {
            let text = "a replication client needs `source_url` and `sync_token`";
            return Err(Refusal::invalid(text));
        }
        Ok(())
    }
}

pub(super) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    Input(change): Input<ReplicationChange>,
) -> Result<Json<Value>> {
    let feed = editable(&app, &caller, &name)?;
    feeds::update(&app.database, feed.id, |settings| change.apply_to(settings)).await?;
    app.feeds.reload().await?;
    show(State(app), caller, PathOf(name)).await
}

/// `POST /api/v1/feeds/FEED/replication/pause`: nothing is replicated, in either direction, until it is
/// resumed. A run that is under way stops. Feeds of the configuration file can be paused too.
pub(super) async fn pause(
    app: State<App>,
    caller: Authenticated,
    name: PathOf<String>,
) -> Result<Json<Value>> {
    set_paused(app, caller, name, true).await
}

/// `POST /api/v1/feeds/FEED/replication/resume`.
pub(super) async fn resume(
    app: State<App>,
    caller: Authenticated,
    name: PathOf<String>,
) -> Result<Json<Value>> {
    set_paused(app, caller, name, false).await
}

async fn set_paused(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    paused: bool,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &name, Permission::Manage)?;
    feeds::set_paused(&app.database, feed.id, paused).await?;
    app.feeds.reload().await?;
    Ok(Json(json!({ "feed": name, "paused": paused })))
}

pub(super) async fn create_token(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<(StatusCode, Json<Value>)> {
    let feed = caller.feed(&app, &name, Permission::Manage)?;
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
    let feed = caller.feed(&app, &name, Permission::Manage)?;
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
    let feed = caller.feed(&app, &name, Permission::Manage)?;
    let options = RunOptions {
        dry_run: options.dry_run,
        full: options.full,
        allow_deletes: options.allow_deletes,
    };
    let id = start_manual(&app, &feed, options).await.map_err(Problem::conflict)?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "execution_id": id }))))
}

/// `GET /api/v1/feeds/FEED/verify`: whether the feed and its source hold the same.
pub(super) async fn verify(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &name, Permission::View)?;
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
