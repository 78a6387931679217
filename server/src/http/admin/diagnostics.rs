//! The Diagnostic Center and the instance's settings.

use axum::Json;
use axum::extract::State;
use pakhus_db::diagnostics;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, Problem, QueryOf, Result};
use super::{Authenticated, Paging};
use crate::app::App;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    category: Option<String>,
    min_level: Option<i64>,
    after: Option<String>,
    limit: Option<u64>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    QueryOf(filter): QueryOf<Filter>,
) -> Result<Json<Value>> {
    caller.admin()?;
    let paging = Paging { after: filter.after, limit: filter.limit };
    let entries = diagnostics::list(
        &app.database,
        filter.category.as_deref(),
        filter.min_level.unwrap_or(0),
        paging.after_id()?,
        paging.limit(),
    )
    .await?;
    let next = (entries.len() as u64 == paging.limit())
        .then(|| entries.last().map(|entry| entry.id.to_string()))
        .flatten();
    let entries: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            json!({
                "id": entry.id,
                "at": entry.at.to_string(),
                "category": entry.category,
                "level": entry.level,
                "text": entry.text,
            })
        })
        .collect();
    Ok(Json(json!({ "entries": entries, "next": next })))
}

pub(super) async fn settings(State(app): State<App>, caller: Authenticated) -> Result<Json<Value>> {
    caller.admin()?;
    Ok(Json(json!({ "diagnostics": { "minimum_log_level": app.diagnostics.minimum_level() } })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsChange {
    diagnostics: Option<DiagnosticsChange>,
    /// The same by its dotted name, as the documentation lists settings.
    #[serde(rename = "diagnostics.minimum_log_level")]
    minimum_log_level: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DiagnosticsChange {
    minimum_log_level: Option<i64>,
}

pub(super) async fn update_settings(
    State(app): State<App>,
    caller: Authenticated,
    Input(change): Input<SettingsChange>,
) -> Result<Json<Value>> {
    caller.admin()?;
    let nested = change.diagnostics.and_then(|diagnostics| diagnostics.minimum_log_level);
    if let Some(level) = nested.or(change.minimum_log_level) {
        if !(0..=30).contains(&level) {
            return Err(Problem::bad_request(
                "`diagnostics.minimum_log_level` is 0 (debug), 10 (info), 20 (warning) or 30 (error)",
            ));
        }
        app.diagnostics.set_minimum_level(level).await?;
    }
    settings(State(app), caller).await
}
