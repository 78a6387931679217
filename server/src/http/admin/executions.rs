//! Executions: `/api/v1/executions`.

use axum::Json;
use axum::extract::State;
use pakhus_db::executions::{self, Execution, Recorded, Status};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::problem::{PathOf, Problem, QueryOf, Result};
use super::{Authenticated, Paging};
use crate::app::App;
use crate::config::Permission;

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    category: Option<String>,
    feed: Option<String>,
    status: Option<Status>,
    after: Option<String>,
    limit: Option<u64>,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    QueryOf(filter): QueryOf<Filter>,
) -> Result<Json<Value>> {
    match filter.feed.as_deref().and_then(|feed| app.feeds.get(feed)) {
        Some(feed) => caller.may(Permission::View, feed.name())?,
        None => caller.admin()?,
    }
    let paging = Paging { after: filter.after, limit: filter.limit };
    let filter = executions::Filter {
        category: filter.category,
        feed: filter.feed,
        status: filter.status,
        after: paging.after_id()?,
    };
    let executions = executions::list(&app.database, &filter, paging.limit()).await?;
    let next = (executions.len() as u64 == paging.limit())
        .then(|| executions.last().map(|execution| execution.id.to_string()))
        .flatten();
    let executions: Vec<_> = executions.iter().map(shape).collect();
    Ok(Json(json!({ "executions": executions, "next": next })))
}

pub(super) async fn show(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(id): PathOf<i64>,
) -> Result<Json<Value>> {
    let found = executions::find(&app.database, id).await?;
    let Recorded { execution, log, failures } = found
        .ok_or_else(|| Problem::not_found(format!("there is no execution with the id {id}")))?;
    match execution.feed.as_deref().and_then(|feed| app.feeds.get(feed)) {
        Some(feed) => caller.may(Permission::View, feed.name())?,
        None => caller.admin()?,
    }
    let mut shape = shape(&execution);
    shape["progress"] = json!(app.replicator.progress(id));
    shape["log"] = log
        .into_iter()
        .map(|line| json!({ "at": line.at.to_string(), "level": line.level, "text": line.text }))
        .collect();
    shape["failures"] = failures
        .into_iter()
        .map(|failure| {
            json!({
                "at": failure.at.to_string(),
                "package": failure.package,
                "version": failure.version,
                "item": failure.item,
                "reason": failure.reason,
            })
        })
        .collect();
    Ok(Json(shape))
}

pub(super) fn shape(execution: &Execution) -> Value {
    json!({
        "id": execution.id,
        "category": execution.category,
        "feed": execution.feed,
        "trigger": execution.trigger,
        "status": execution.status,
        "started_at": execution.started_at.to_string(),
        "finished_at": execution.finished_at.map(|at| at.to_string()),
        "summary": execution.summary,
        "counts": serde_json::from_str::<Value>(&execution.counts).unwrap_or_default(),
    })
}
