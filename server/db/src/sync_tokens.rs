//! Sync tokens: what replication clients show a feed; kept as hashes, shown once.

use std::collections::BTreeSet;

use pakhus_core::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};

use crate::api_keys::hash;
use crate::entity::sync_tokens;
use crate::feeds::{Origin, from_word, word};
use crate::{Database, Result};

/// A sync token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncToken {
    /// Its number.
    pub id: i64,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// Adds a token to a feed.
///
/// # Errors
/// When the database fails.
pub async fn create(
    database: &Database,
    feed_id: i64,
    secret: &str,
    origin: Origin,
    now: Timestamp,
) -> Result<SyncToken> {
    let row = sync_tokens::ActiveModel {
        feed_id: Set(feed_id),
        hash: Set(hash(secret)),
        origin: Set(word(&origin)),
        created_at: Set(now.millis()),
        last_used_at: Set(None),
        ..Default::default()
    };
    token_of(&database.insert(row).await?)
}

/// Makes the tokens of the feed that come from the configuration file those in `secrets`.
///
/// # Errors
/// When the database fails; nothing has changed then.
pub async fn replace_file_tokens(
    database: &Database,
    feed_id: i64,
    secrets: &[String],
    now: Timestamp,
) -> Result<()> {
    let hashes: BTreeSet<_> = secrets.iter().map(|secret| hash(secret)).collect();
    let transaction = database.begin().await?;
    sync_tokens::Entity::delete_many()
        .filter(sync_tokens::Column::FeedId.eq(feed_id))
        .filter(sync_tokens::Column::Origin.eq(word(&Origin::File)))
        .filter(sync_tokens::Column::Hash.is_not_in(hashes.clone()))
        .exec(&transaction)
        .await?;
    let rows = hashes.into_iter().map(|hash| sync_tokens::ActiveModel {
        feed_id: Set(feed_id),
        hash: Set(hash),
        origin: Set(word(&Origin::File)),
        created_at: Set(now.millis()),
        ..Default::default()
    });
    sync_tokens::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::columns([sync_tokens::Column::FeedId, sync_tokens::Column::Hash])
                .update_column(sync_tokens::Column::Origin)
                .to_owned(),
        )
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// The token of the feed that `secret` is, if it is one.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, feed_id: i64, secret: &str) -> Result<Option<SyncToken>> {
    let row = sync_tokens::Entity::find()
        .filter(sync_tokens::Column::FeedId.eq(feed_id))
        .filter(sync_tokens::Column::Hash.eq(hash(secret)))
        .one(database.reader())
        .await?;
    row.as_ref().map(token_of).transpose()
}

/// Notes that a token was shown.
///
/// # Errors
/// When the database fails.
pub async fn touch(database: &Database, id: i64, now: Timestamp) -> Result<()> {
    sync_tokens::Entity::update_many()
        .col_expr(sync_tokens::Column::LastUsedAt, Expr::value(now.millis()))
        .filter(sync_tokens::Column::Id.eq(id))
        .exec(database.writer())
        .await?;
    Ok(())
}

/// The tokens of a feed, in the order in which they were made.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database, feed_id: i64) -> Result<Vec<SyncToken>> {
    let rows = sync_tokens::Entity::find()
        .filter(sync_tokens::Column::FeedId.eq(feed_id))
        .order_by_asc(sync_tokens::Column::Id)
        .all(database.reader())
        .await?;
    rows.iter().map(token_of).collect()
}

/// Removes a token of a feed; `false` when it has none with this number.
///
/// # Errors
/// When the database fails.
pub async fn revoke(database: &Database, feed_id: i64, id: i64) -> Result<bool> {
    let deleted = sync_tokens::Entity::delete_many()
        .filter(sync_tokens::Column::FeedId.eq(feed_id))
        .filter(sync_tokens::Column::Id.eq(id))
        .exec(database.writer())
        .await?;
    Ok(deleted.rows_affected > 0)
}

fn token_of(row: &sync_tokens::Model) -> Result<SyncToken> {
    Ok(SyncToken {
        id: row.id,
        origin: from_word(&row.origin)?,
        created_at: Timestamp::from_millis(row.created_at),
        last_used_at: row.last_used_at.map(Timestamp::from_millis),
    })
}
