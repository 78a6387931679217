//! API keys: `/api/v1/keys`.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pakhus_db::api_keys::{self, ApiKey, NewKey, Owner};
use pakhus_db::users;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, PathOf, Problem, Result};
use super::Authenticated;
use crate::app::{App, now};
use crate::auth::Network;
use crate::config::Scope;
use crate::expiry::Expiry;
use crate::secrets::new_api_key;

pub(super) async fn list(State(app): State<App>, caller: Authenticated) -> Result<Json<Value>> {
    caller.admin()?;
    let keys = api_keys::list(&app.database).await?;
    let owners: BTreeSet<_> = keys.iter().filter_map(|key| key.owner.user).collect();
    let mut names = HashMap::new();
    for id in owners {
        if let Some(user) = users::get(&app.database, id).await? {
            names.insert(id, user.name);
        }
    }
    let name_of = |owner: Owner| names.get(&owner.user?).map(String::as_str);
    let keys: Vec<_> = keys.iter().map(|key| shape(key, name_of(key.owner))).collect();
    Ok(Json(json!({ "keys": keys, "next": null })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyInput {
    name: String,
    scopes: Vec<String>,
    expires: Option<Expiry>,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    networks: Vec<String>,
    #[serde(default)]
    standalone: bool,
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    Input(new): Input<KeyInput>,
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
    let mut networks = Vec::new();
    for network in &new.networks {
        let network = network.parse::<Network>();
        networks
            .push(network.map_err(|error| Problem::bad_request(error.to_string()))?.to_string());
    }
    let now = now();
    let expires_at = new.expires.map(|end| end.moment(now));
    if expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::bad_request("the key would have ended already: give a later end"));
    }
    let owner = if new.standalone { Some(Owner::default()) } else { caller.0.as_owner() };
    let owner = owner.ok_or_else(|| {
        Problem::forbidden(
            "this API key was made by one that was made by one, and so on: use another, or make a standalone one",
        )
    })?;
    let secret = new_api_key();
    let new = NewKey {
        name: new.name.trim().to_owned(),
        secret: secret.clone(),
        scopes: new.scopes,
        read_only: new.read_only,
        networks,
        owner,
        expires_at,
    };
    let key = api_keys::add(&app.database, &new, now).await?;
    let user = caller.0.user().filter(|user| owner.user == Some(user.id));
    let mut shape = shape(&key, user.map(|user| user.name.as_str()));
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

fn shape(key: &ApiKey, user: Option<&str>) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "read_only": key.read_only,
        "networks": key.networks,
        "owner": { "user": user, "key": key.owner.parent },
        "origin": key.origin,
        "created_at": key.created_at.to_string(),
        "expires_at": key.expires_at.map(|at| at.to_string()),
        "last_used_at": key.last_used_at.map(|at| at.to_string()),
    })
}
