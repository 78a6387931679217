//! The Diagnostic Center: messages that an operator should see.

use pakhus_core::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

use crate::entity::diagnostics;
use crate::{Database, Result};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What it is about: `feed-replication`, …
    pub category: String,
    /// How much it matters: 0 debug, 10 info, 20 warning, 30 error.
    pub level: i64,
    /// One sentence.
    pub text: String,
}

/// Adds a message.
///
/// # Errors
/// When the database fails.
pub async fn add(
    database: &Database,
    category: &str,
    level: i64,
    text: &str,
    now: Timestamp,
) -> Result<()> {
    let row = diagnostics::ActiveModel {
        at: Set(now.millis()),
        category: Set(category.to_owned()),
        level: Set(level),
        text: Set(text.to_owned()),
        ..Default::default()
    };
    database.insert(row).await?;
    Ok(())
}

/// Removes entries from before `before`.
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, before: Timestamp) -> Result<u64> {
    let deleted = diagnostics::Entity::delete_many()
        .filter(diagnostics::Column::At.lt(before.millis()))
        .exec(database.writer())
        .await?;
    Ok(deleted.rows_affected)
}

/// At most `limit` messages of at least `min_level`, the newest first; with `after`, only those older
/// than the one with this number.
///
/// # Errors
/// When the database fails.
pub async fn list(
    database: &Database,
    category: Option<&str>,
    min_level: i64,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<Diagnostic>> {
    let mut query = diagnostics::Entity::find().filter(diagnostics::Column::Level.gte(min_level));
    if let Some(category) = category {
        query = query.filter(diagnostics::Column::Category.eq(category));
    }
    if let Some(after) = after {
        query = query.filter(diagnostics::Column::Id.lt(after));
    }
    let rows =
        query.order_by_desc(diagnostics::Column::Id).limit(limit).all(database.reader()).await?;
    let messages = rows.into_iter().map(|row| Diagnostic {
        id: row.id,
        at: Timestamp::from_millis(row.at),
        category: row.category,
        level: row.level,
        text: row.text,
    });
    Ok(messages.collect())
}
