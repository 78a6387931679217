//! Liveness, readiness and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pakhus_core::Digest;
use pakhus_core::replication::ClientMode;
use serde_json::{Value, json};

use super::problem::Problem;
use crate::app::{App, VERSION};

/// `GET /healthz`: the process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({ "status": "ok", "version": VERSION }))
}

/// `GET /readyz`: the database and the blob store answer.
pub(super) async fn ready(State(app): State<App>) -> Response {
    let database = app.database.ping().await.map_err(|error| error.to_string());
    let blobs = app.blobs.contains(&Digest::ZERO).await;
    let blobs = blobs.map(drop).map_err(|error| error.to_string());
    for (what, result) in [("database", &database), ("blob store", &blobs)] {
        if let Err(error) = result {
            tracing::error!(%error, "the {what} does not answer");
            let detail = format!("the {what} does not answer; the server's log says why");
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).into_response();
        }
    }
    Json(json!({ "status": "ok" })).into_response()
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    app.metrics.clear_standings();
    for feed in app.feeds.all().values() {
        if feed.settings.client.mode == ClientMode::Disabled {
            continue;
        }
        match app.replicator.sources.standing(&app, feed).await {
            Ok(standing) => app.metrics.replication_standing(feed.name().as_str(), &standing),
            Err(error) => tracing::error!(%error, "how a feed stands could not be read"),
        }
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], app.metrics.text())
}
