//! Recorded runs of background work, with their log lines.

use pakhus_core::Timestamp;
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use serde::{Deserialize, Serialize};

use crate::entity::{execution_failures, execution_log, executions};
use crate::feeds::{from_word, word};
use crate::{Database, Result};

/// How an execution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It runs.
    Running,
    /// It did what it was to do.
    Done,
    /// It did not; its log says why.
    Failed,
}

/// What started an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// Somebody.
    Manual,
    /// The feed's interval.
    Schedule,
    /// A change of the feed or of its source.
    Change,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Its number.
    pub id: i64,
    /// `feed-replication`, …
    pub category: String,
    /// The feed it is about.
    pub feed: Option<String>,
    /// What started it.
    pub trigger: Trigger,
    /// How it stands.
    pub status: Status,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// One line that says what came of it.
    pub summary: String,
    /// What it did, in numbers: a JSON object, empty until it has ended.
    pub counts: String,
}

/// How an execution ended.
#[derive(Debug, Clone)]
pub struct Ending<'a> {
    /// How it stands.
    pub status: Status,
    /// One line that says what came of it.
    pub summary: &'a str,
    /// What it did, in numbers: a JSON object.
    pub counts: &'a str,
    /// Whether it changed anything.
    pub changed: bool,
}

/// One line of an execution's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// How much it matters: 0 debug, 10 info, 20 warning, 30 error.
    pub level: i64,
    /// One sentence.
    pub text: String,
}

/// A record that an execution could not move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When it was tried.
    pub at: Timestamp,
    /// The package.
    pub package: String,
    /// The version of it that the record is about, if it is about one.
    pub version: Option<String>,
    /// What it is, in words: a version, a tag, ….
    pub item: String,
    /// Why it could not be moved, in one sentence.
    pub reason: String,
}

/// An execution, with all that was recorded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The execution.
    pub execution: Execution,
    /// Its log, in order.
    pub log: Vec<LogLine>,
    /// What it could not move, in order.
    pub failures: Vec<Failure>,
}

/// Which executions to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this category.
    pub category: Option<String>,
    /// Only of this feed.
    pub feed: Option<String>,
    /// Only with this status.
    pub status: Option<Status>,
    /// Only older than the one with this number.
    pub after: Option<i64>,
}

/// Records that an execution began, on this node.
///
/// # Errors
/// When the database fails.
pub async fn start(
    database: &Database,
    category: &str,
    feed: Option<(i64, &str)>,
    trigger: Trigger,
    node: &str,
    now: Timestamp,
) -> Result<i64> {
    let row = executions::ActiveModel {
        category: Set(category.to_owned()),
        feed_id: Set(feed.map(|(id, _)| id)),
        feed: Set(feed.map(|(_, name)| name.to_owned())),
        trigger: Set(word(&trigger)),
        status: Set(word(&Status::Running)),
        started_at: Set(now.millis()),
        finished_at: Set(None),
        summary: Set(String::new()),
        changed: Set(false),
        node: Set(node.to_owned()),
        counts: Set("{}".to_owned()),
        ..Default::default()
    };
    Ok(database.insert(row).await?.id)
}

/// Appends lines to an execution's log. `first` is the number of the first of them, counted from 0.
///
/// # Errors
/// When the database fails; nothing is appended then.
pub async fn log(database: &Database, id: i64, first: i64, lines: &[LogLine]) -> Result<()> {
    let rows = lines.iter().zip(first..).map(|(entry, line)| execution_log::ActiveModel {
        execution_id: Set(id),
        line: Set(line),
        at: Set(entry.at.millis()),
        level: Set(entry.level),
        text: Set(entry.text.clone()),
    });
    execution_log::Entity::insert_many(rows).exec_without_returning(database.writer()).await?;
    Ok(())
}

/// Notes what an execution could not move. `first` is the number of the first of them, counted from 0.
///
/// # Errors
/// When the database fails; nothing is noted then.
pub async fn fail(database: &Database, id: i64, first: i64, failures: Vec<Failure>) -> Result<()> {
    let rows = failures.into_iter().zip(first..).map(|(failure, number)| {
        execution_failures::ActiveModel {
            execution_id: Set(id),
            number: Set(number),
            at: Set(failure.at.millis()),
            package: Set(failure.package),
            version: Set(failure.version),
            item: Set(failure.item),
            reason: Set(failure.reason),
        }
    });
    execution_failures::Entity::insert_many(rows).exec_without_returning(database.writer()).await?;
    Ok(())
}

/// Records how an execution ended. A scheduled one that changed nothing takes the place of the one of
/// its category and feed just before it where that changed nothing either: a feed at rest keeps one
/// such row, not one for each interval.
///
/// # Errors
/// When the database fails.
pub async fn finish(
    database: &Database,
    id: i64,
    ending: Ending<'_>,
    now: Timestamp,
) -> Result<()> {
    let Ending { status, summary, counts, changed } = ending;
    let transaction = database.begin().await?;
    executions::Entity::update_many()
        .col_expr(executions::Column::Status, Expr::value(word(&status)))
        .col_expr(executions::Column::Summary, Expr::value(summary))
        .col_expr(executions::Column::Counts, Expr::value(counts))
        .col_expr(executions::Column::Changed, Expr::value(changed))
        .col_expr(executions::Column::FinishedAt, Expr::value(now.millis()))
        .filter(executions::Column::Id.eq(id))
        .exec(&transaction)
        .await?;
    let this = executions::Entity::find_by_id(id).one(&transaction).await?;
    if let Some(this) = this {
        let previous = executions::Entity::find()
            .filter(match this.feed_id {
                Some(feed_id) => executions::Column::FeedId.eq(feed_id),
                None => executions::Column::FeedId.is_null(),
            })
            .filter(executions::Column::Category.eq(&this.category))
            .filter(executions::Column::Id.lt(id))
            .order_by_desc(executions::Column::Id)
            .one(&transaction)
            .await?;
        let idle = |row: &executions::Model| {
            row.trigger == word(&Trigger::Schedule)
                && row.status == word(&Status::Done)
                && !row.changed
        };
        if let Some(previous) = previous.filter(|previous| idle(previous) && idle(&this)) {
            execution_log::Entity::delete_many()
                .filter(execution_log::Column::ExecutionId.eq(previous.id))
                .exec(&transaction)
                .await?;
            execution_failures::Entity::delete_many()
                .filter(execution_failures::Column::ExecutionId.eq(previous.id))
                .exec(&transaction)
                .await?;
            executions::Entity::delete_by_id(previous.id).exec(&transaction).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Marks executions that run on none of these nodes any more as failed.
///
/// # Errors
/// When the database fails.
pub async fn fail_interrupted(
    database: &Database,
    living: &[String],
    now: Timestamp,
) -> Result<u64> {
    let updated = executions::Entity::update_many()
        .col_expr(executions::Column::Status, Expr::value(word(&Status::Failed)))
        .col_expr(executions::Column::Summary, Expr::value("interrupted: the server stopped"))
        .col_expr(executions::Column::FinishedAt, Expr::value(now.millis()))
        .filter(executions::Column::Status.eq(word(&Status::Running)))
        .filter(executions::Column::Node.is_not_in(living.iter().map(String::as_str)))
        .exec(database.writer())
        .await?;
    Ok(updated.rows_affected)
}

/// Removes executions that ended before `before`, with their logs.
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, before: Timestamp) -> Result<u64> {
    let old = || {
        Query::select()
            .column(executions::Column::Id)
            .from(executions::Entity)
            .and_where(executions::Column::FinishedAt.lt(before.millis()))
            .take()
    };
    let transaction = database.begin().await?;
    execution_log::Entity::delete_many()
        .filter(execution_log::Column::ExecutionId.in_subquery(old()))
        .exec(&transaction)
        .await?;
    execution_failures::Entity::delete_many()
        .filter(execution_failures::Column::ExecutionId.in_subquery(old()))
        .exec(&transaction)
        .await?;
    let deleted = executions::Entity::delete_many()
        .filter(executions::Column::FinishedAt.lt(before.millis()))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(deleted.rows_affected)
}

/// One execution with its log and what it could not move.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, id: i64) -> Result<Option<Recorded>> {
    let Some(row) = executions::Entity::find_by_id(id).one(database.reader()).await? else {
        return Ok(None);
    };
    let log = execution_log::Entity::find()
        .filter(execution_log::Column::ExecutionId.eq(id))
        .order_by_asc(execution_log::Column::Line)
        .all(database.reader())
        .await?
        .into_iter()
        .map(|row| LogLine { at: Timestamp::from_millis(row.at), level: row.level, text: row.text })
        .collect();
    let failures = execution_failures::Entity::find()
        .filter(execution_failures::Column::ExecutionId.eq(id))
        .order_by_asc(execution_failures::Column::Number)
        .all(database.reader())
        .await?
        .into_iter()
        .map(|row| Failure {
            at: Timestamp::from_millis(row.at),
            package: row.package,
            version: row.version,
            item: row.item,
            reason: row.reason,
        })
        .collect();
    Ok(Some(Recorded { execution: execution_of(row)?, log, failures }))
}

/// At most `limit` executions, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database, filter: &Filter, limit: u64) -> Result<Vec<Execution>> {
    let mut query = executions::Entity::find();
    if let Some(category) = &filter.category {
        query = query.filter(executions::Column::Category.eq(category));
    }
    if let Some(feed) = &filter.feed {
        query = query.filter(executions::Column::Feed.eq(feed));
    }
    if let Some(status) = &filter.status {
        query = query.filter(executions::Column::Status.eq(word(status)));
    }
    if let Some(after) = filter.after {
        query = query.filter(executions::Column::Id.lt(after));
    }
    let rows =
        query.order_by_desc(executions::Column::Id).limit(limit).all(database.reader()).await?;
    rows.into_iter().map(execution_of).collect()
}

fn execution_of(row: executions::Model) -> Result<Execution> {
    Ok(Execution {
        id: row.id,
        category: row.category,
        feed: row.feed,
        trigger: from_word(&row.trigger)?,
        status: from_word(&row.status)?,
        started_at: Timestamp::from_millis(row.started_at),
        finished_at: row.finished_at.map(Timestamp::from_millis),
        summary: row.summary,
        counts: row.counts,
    })
}
