//! `GET /api/v1/replication`: how all feeds replicate.

use axum::Json;
use axum::extract::State;
use pakhus_core::replication::engine::AsideKind;
use pakhus_core::replication::{ClientMode, Kept, ServerMode, Verdict};
use pakhus_db::feeds::Feed;
use pakhus_db::{asides, changes, executions, kept};
use serde_json::{Value, json};

use super::super::problem::Result;
use super::Authenticated;
use crate::app::App;
use crate::config::Permission;
use crate::replication::{CATEGORY, Client, check_source};

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
    let standing = app.replicator.sources.standing(app, feed).await?;
    Ok(json!({
        "feed": feed.name(),
        "type": settings.package_type,
        "server_mode": settings.server_mode,
        "client_mode": settings.client.mode,
        "source_url": settings.client.source_url,
        "paused": feed.paused,
        "verdict": last_verdict(app, feed).await,
        "last_execution": last_execution,
        "last_success_at": standing.last_success_at.map(|at| at.to_string()),
        "failures": standing.failures,
        "lag_changes": match (standing.to_pull, standing.to_push) {
            (None, None) => None,
            (pull, push) => Some(pull.unwrap_or_default() + push.unwrap_or_default()),
        },
        "lag_seconds": standing.seconds,
        "to_pull": standing.to_pull,
        "to_push": standing.to_push,
        "conflicts": kept::count(&app.database, feed.id, Kept::Conflict).await?,
        "set_aside": {
            "to_fetch": asides::count(&app.database, feed.id, AsideKind::Fetch).await?,
            "to_send": asides::count(&app.database, feed.id, AsideKind::Send).await?,
            "held_deletes": asides::count(&app.database, feed.id, AsideKind::Delete).await?,
        },
        "clients": clients(app, feed).await?,
    }))
}

/// The feed's own clients, as far as they were seen since this server started.
async fn clients(app: &App, feed: &Feed) -> Result<Vec<Value>> {
    let clients = app.replicator.clients.of(feed.id);
    if clients.is_empty() {
        return Ok(Vec::new());
    }
    let head = changes::end(&app.database, feed.id).await?.position.seq;
    let shape = |client: Client| {
        json!({
            "instance": client.instance_id,
            "name": client.name,
            "feed": client.feed,
            "mode": client.mode,
            "version": client.version,
            "verdict": client.verdict,
            "last_seen_at": client.last_seen_at.to_string(),
            "behind": client.read.map(|read| head.saturating_sub(read)),
        })
    };
    Ok(clients.into_iter().map(shape).collect())
}

/// The verdict of the last run; before the first, the source is asked.
async fn last_verdict(app: &App, feed: &Feed) -> Verdict {
    match app.replicator.sources.verdict(feed.id) {
        Some(verdict) => verdict,
        None => check_source(app, feed).await,
    }
}
