//! `GET /api/v1/feeds/FEED/packages`.

use axum::Json;
use axum::extract::State;
use pakhus_db::packages;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{PathOf, QueryOf, Result};
use super::Authenticated;
use crate::app::App;
use crate::config::Permission;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    search: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(feed): PathOf<String>,
    QueryOf(filter): QueryOf<Filter>,
) -> Result<Json<Value>> {
    let feed = caller.feed(&app, &feed, Permission::View)?;
    let limit = filter.limit.unwrap_or(super::Paging::DEFAULT).clamp(1, super::Paging::MOST);
    let search = filter.search.as_deref().filter(|search| !search.is_empty());
    let packages =
        packages::list(&app.database, feed.id, search, filter.after.as_deref(), limit).await?;
    let next = (packages.len() as u64 == limit)
        .then(|| packages.last().map(|package| package.key.clone()))
        .flatten();
    let packages: Vec<_> = packages
        .into_iter()
        .map(|package| {
            let versions: Vec<_> = package
                .versions
                .iter()
                .map(|version| {
                    json!({
                        "version": version.version,
                        "published": version.published_at.to_string(),
                        "listed": version.listed,
                        "size": version.size,
                        "downloads": version.downloads,
                    })
                })
                .collect();
            json!({ "name": package.name, "versions": versions })
        })
        .collect();
    Ok(Json(json!({ "packages": packages, "next": next })))
}
