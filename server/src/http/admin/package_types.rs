//! `GET /api/v1/package-types`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Authenticated;
use crate::app::App;

pub(super) async fn list(State(app): State<App>, _caller: Authenticated) -> Json<Value> {
    let types: Vec<_> = app
        .package_types
        .iter()
        .map(|package_type| {
            let descriptor = package_type.descriptor();
            let capabilities = &descriptor.capabilities;
            json!({
                "name": descriptor.name,
                "origin": "built-in",
                "version": descriptor.version,
                "tracks_deletions": capabilities.tracks_deletions,
                "syncs_publish_date": capabilities.syncs_publish_date,
                "syncs_download_count": capabilities.syncs_download_count,
            })
        })
        .collect();
    Json(Value::Array(types))
}
