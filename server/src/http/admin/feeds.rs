//! Feeds: `/api/v1/feeds` and below.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pakhus_core::replication::ServerMode;
use pakhus_core::{Deletes, FeedName, FeedPolicy};
use pakhus_db::feeds::{
    self, Anonymous, ClientSettings, Counts, Feed, FeedSettings, Origin, ReplicationLimits,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{Input, PathOf, Problem, Result};
use super::Authenticated;
use crate::app::{App, now};
use crate::config::Permission;

pub(super) async fn list(State(app): State<App>, caller: Authenticated) -> Result<Json<Value>> {
    let counts = feeds::counts(&app.database).await?;
    let feeds: Vec<_> = app
        .feeds
        .all()
        .values()
        .filter(|feed| caller.sees(Permission::View, feed.name()))
        .map(|feed| shape(&app, feed, counts.get(&feed.id).copied().unwrap_or_default()))
        .collect();
    Ok(Json(json!({ "feeds": feeds, "next": null })))
}

pub(super) async fn show(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &name, Permission::View)?;
    let counts = feeds::counts(&app.database).await?;
    Ok(Json(shape(&app, &feed, counts.get(&feed.id).copied().unwrap_or_default())))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFeed {
    name: FeedName,
    #[serde(rename = "type")]
    package_type: String,
    #[serde(default)]
    anonymous: Anonymous,
    deletes: Option<Deletes>,
    overwrite: Option<bool>,
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    Input(new): Input<NewFeed>,
) -> Result<(StatusCode, Json<Value>)> {
    caller.admin()?;
    let Some(has_policy) = has_policy(&app, &new.package_type) else {
        let known: Vec<_> =
            app.package_types.iter().map(|known| known.descriptor().name.clone()).collect();
        return Err(Problem::bad_request(format!(
            "`{}` is no enabled package type: use one of {}",
            new.package_type,
            known.join(", ")
        )));
    };
    let mut policy = FeedPolicy::default();
    PolicyChange::new(new.deletes, new.overwrite, has_policy)?.apply_to(&mut policy);
    let settings = FeedSettings {
        name: new.name.clone(),
        package_type: new.package_type,
        anonymous: new.anonymous,
        policy,
        origin: Origin::Database,
        server_mode: ServerMode::Disabled,
        client: ClientSettings::default(),
        limits: ReplicationLimits::default(),
    };
    let feed = feeds::create(&app.database, &settings, now()).await?.ok_or_else(|| {
        Problem::conflict(format!("there is a feed called `{}` already", new.name))
    })?;
    app.feeds.reload().await?;
    Ok((StatusCode::CREATED, Json(shape(&app, &feed, Counts::default()))))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedChange {
    anonymous: Option<Anonymous>,
    deletes: Option<Deletes>,
    overwrite: Option<bool>,
}

/// What changes of a feed's policy.
struct PolicyChange {
    deletes: Option<Deletes>,
    overwrite: Option<bool>,
}

impl PolicyChange {
    /// Takes what is asked for, of a feed whose package type has a policy or not.
    fn new(deletes: Option<Deletes>, overwrite: Option<bool>, has_policy: bool) -> Result<Self> {
        if has_policy || (deletes.is_none() && overwrite.is_none()) {
            return Ok(Self { deletes, overwrite });
        }
        Err(Problem::bad_request(
            "packages of this type have rules of their own for deletes and overwriting: leave \
             `deletes` and `overwrite` out",
        ))
    }

    fn apply_to(&self, policy: &mut FeedPolicy) {
        policy.deletes = self.deletes.unwrap_or(policy.deletes);
        policy.overwrite = self.overwrite.unwrap_or(policy.overwrite);
    }
}

/// Whether feeds of a package type have a policy; `None` when the type is not enabled.
fn has_policy(app: &App, package_type: &str) -> Option<bool> {
    let package_type = app.package_types.get(package_type)?;
    Some(package_type.descriptor().capabilities.has_policy)
}

pub(super) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    Input(change): Input<FeedChange>,
) -> Result<Json<Value>> {
    let feed = editable(&app, &caller, &name)?;
    let has_policy = has_policy(&app, &feed.settings.package_type).unwrap_or(false);
    let policy = PolicyChange::new(change.deletes, change.overwrite, has_policy)?;
    let change = |settings: &mut FeedSettings| {
        settings.anonymous = change.anonymous.unwrap_or(settings.anonymous);
        policy.apply_to(&mut settings.policy);
        Ok(())
    };
    feeds::update(&app.database, feed.id, change).await?;
    app.feeds.reload().await?;
    show(State(app), caller, PathOf(name)).await
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<StatusCode> {
    caller.admin()?;
    let feed = editable(&app, &caller, &name)?;
    feeds::delete(&app.database, feed.id).await?;
    app.feeds.reload().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The feed, if the caller may change it and the configuration file does not own it.
pub(super) fn editable(
    app: &App,
    caller: &Authenticated,
    name: &str,
) -> Result<std::sync::Arc<Feed>> {
    let feed = caller.feed(app, name, Permission::Manage)?;
    if feed.settings.origin == Origin::File {
        return Err(Problem::conflict(format!(
            "the feed `{name}` is set in the configuration file: change it there and restart"
        )));
    }
    Ok(feed)
}

fn shape(app: &App, feed: &Feed, counts: Counts) -> Value {
    let mut shape = json!({
        "name": feed.name(),
        "type": feed.settings.package_type,
        "anonymous": feed.settings.anonymous,
        "origin": feed.settings.origin,
        "created_at": feed.created_at.to_string(),
        "paused": feed.paused,
        "packages": counts.packages,
        "versions": counts.versions,
    });
    if has_policy(app, &feed.settings.package_type) == Some(true) {
        let FeedPolicy { deletes, overwrite } = feed.settings.policy;
        shape["deletes"] = json!(deletes);
        shape["overwrite"] = json!(overwrite);
    }
    shape
}
