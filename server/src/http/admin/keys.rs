//! API keys: `/api/v1/keys`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pakhus_db::api_keys::{self, ApiKey};
use pakhus_db::feeds::Origin;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, PathOf, Problem, Result};
use super::Authenticated;
use crate::app::{App, now};
use crate::config::Scope;
use crate::secrets::new_api_key;

pub(super) async fn list(State(app): State<App>, caller: Authenticated) -> Result<Json<Value>> {
    caller.admin()?;
    let keys: Vec<_> = api_keys::list(&app.database).await?.iter().map(shape).collect();
    Ok(Json(json!({ "keys": keys, "next": null })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    name: String,
    scopes: Vec<String>,
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    Input(new): Input<NewKey>,
) -> Result<(StatusCode, Json<Value>)> {
    caller.admin()?;
    if new.name.trim().is_empty() || new.name.len() > 100 {
        return Err(Problem::bad_request("give the key a name of 1 to 100 bytes"));
    }
    if new.scopes.is_empty() {
        return Err(Problem::bad_request("give the key a scope, such as `publish:libs`"));
    }
    for scope in &new.scopes {
        scope.parse::<Scope>().map_err(|error| Problem::bad_request(error.to_string()))?;
    }
    let secret = new_api_key();
    let key = api_keys::create(
        &app.database,
        new.name.trim(),
        &secret,
        &new.scopes,
        Origin::Database,
        now(),
    )
    .await?;
    let mut shape = shape(&key);
    shape["key"] = Value::String(secret);
    Ok((StatusCode::CREATED, Json(shape)))
}

pub(super) async fn revoke(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(id): PathOf<i64>,
) -> Result<StatusCode> {
    caller.admin()?;
    if api_keys::revoke(&app.database, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(format!("there is no API key with the id {id}")))
    }
}

fn shape(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "origin": key.origin,
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
    })
}
