//! The admin API under `/api/v1`.

mod arrival;
mod diagnostics;
mod executions;
mod feeds;
mod garbage;
mod kept;
mod keys;
mod overview;
mod package_types;
mod packages;
mod replication;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::{delete, get, post};
use pakhus_core::FeedName;
use pakhus_core::replication::Kept;
use pakhus_db::feeds::Feed;
use serde::Deserialize;

use super::problem::{Problem, Result};
use crate::app::App;
use crate::auth::{self, Caller};
use crate::config::Permission;

/// The routes, relative to `/api/v1`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/package-types", get(package_types::list))
        .route("/feeds", get(feeds::list).post(feeds::create))
        .route("/feeds/{feed}", get(feeds::show).patch(feeds::update).delete(feeds::delete))
        .route("/feeds/{feed}/packages", get(packages::list))
        .route("/feeds/{feed}/replication", get(replication::show).put(replication::update))
        .route("/feeds/{feed}/replication/sync-tokens", post(replication::create_token))
        .route("/feeds/{feed}/replication/sync-tokens/{id}", delete(replication::revoke_token))
        .route("/feeds/{feed}/sync", post(replication::sync))
        .route("/feeds/{feed}/verify", get(replication::verify))
        .route("/feeds/{feed}/replication/pause", post(replication::pause))
        .route("/feeds/{feed}/replication/resume", post(replication::resume))
        .route("/feeds/{feed}/wait", get(arrival::wait))
        .merge(kept::routes("conflicts", Kept::Conflict))
        .merge(kept::routes("trash", Kept::Trash))
        .route("/replication", get(overview::overview))
        .route("/executions", get(executions::list))
        .route("/executions/{id}", get(executions::show))
        .route("/garbage-collection", post(garbage::collect))
        .route("/diagnostics", get(diagnostics::list))
        .route("/settings", get(diagnostics::settings).patch(diagnostics::update_settings))
        .route("/keys", get(keys::list).post(keys::create))
        .route("/keys/{id}", delete(keys::revoke))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{user}", get(users::show).patch(users::update).delete(users::delete))
        .fallback(async || Problem::not_found("the admin API has nothing at this path"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                axum::http::StatusCode::METHOD_NOT_ALLOWED,
                "the admin API does not know this method here",
            )
        })
}

/// Somebody with an API key.
pub(super) struct Authenticated(Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        match auth::identify(app, &parts.headers, &parts.extensions).await? {
            Ok(Some(caller)) => Ok(Self(caller)),
            Ok(None) => Err(Problem::unauthorized()),
            Err(denied) => Err(Problem::denied(denied, "this API key may not do this")),
        }
    }
}

impl Authenticated {
    /// Refuses whoever may not do everything.
    fn admin(&self) -> Result<()> {
        if self.0.is_admin() {
            Ok(())
        } else {
            Err(Problem::forbidden("this needs an API key with the scope `admin`"))
        }
    }

    /// The feed called `name`, where the caller has `permission` for it.
    fn feed(&self, app: &App, name: &str, permission: Permission) -> Result<Arc<Feed>> {
        let feed = app.feeds.get(name).ok_or_else(|| Problem::no_such_feed(name))?;
        self.may(permission, feed.name())?;
        Ok(feed)
    }

    /// Refuses whoever has not `permission` for the feed.
    fn may(&self, permission: Permission, feed: &FeedName) -> Result<()> {
        if self.sees(permission, feed) {
            Ok(())
        } else {
            Err(Problem::forbidden(format!(
                "this needs an API key with the scope `{permission}:{feed}`"
            )))
        }
    }

    /// Whether the caller has `permission` for the feed.
    fn sees(&self, permission: Permission, feed: &FeedName) -> bool {
        self.0.may(permission, feed)
    }
}

/// Where a listing goes on, and how long it may be.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Paging {
    after: Option<String>,
    limit: Option<u64>,
}

impl Paging {
    const DEFAULT: u64 = 100;
    const MOST: u64 = 1_000;

    fn limit(&self) -> u64 {
        self.limit.unwrap_or(Self::DEFAULT).clamp(1, Self::MOST)
    }

    fn after_id(&self) -> Result<Option<i64>> {
        self.after.as_deref().map(str::parse).transpose().map_err(|_| {
            Problem::bad_request("`after` is not what the listing before gave as `next`")
        })
    }
}
