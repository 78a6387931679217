//! The collection of garbage: `/api/v1/garbage-collection`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, Result};
use super::Authenticated;
use crate::app::App;
use crate::collection;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Options {
    dry_run: bool,
}

/// `POST /api/v1/garbage-collection`: removes the blobs that nothing names, or says which those are.
pub(super) async fn collect(
    State(app): State<App>,
    caller: Authenticated,
    Input(options): Input<Options>,
) -> Result<(StatusCode, Json<Value>)> {
    caller.admin()?;
    let id = collection::start(&app, options.dry_run).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "execution_id": id }))))
}
