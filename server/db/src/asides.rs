//! Records that could not be moved yet.

use pakhus_core::Timestamp;
use pakhus_core::replication::RecordKey;
use pakhus_core::replication::engine::{Aside, AsideKind};
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, Set,
};

use crate::entity::asides;
use crate::write::ROWS;
use crate::{Database, Error, Result};

/// What was set aside in a feed, of this kind.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database, feed_id: i64, kind: AsideKind) -> Result<Vec<Aside>> {
    let rows = asides::Entity::find()
        .filter(asides::Column::FeedId.eq(feed_id))
        .filter(asides::Column::Reason.eq(number(kind)))
        .all(database.reader())
        .await?;
    rows.into_iter()
        .map(|row| {
            let state = row.state.as_deref().map(serde_json::from_str).transpose();
            Ok(Aside {
                key: crate::keyed::key(row.kind, &row.name, &row.item)?,
                kind,
                state: state.map_err(Error::broken)?,
                error: row.error,
                attempts: u32::try_from(row.attempts).map_err(Error::broken)?,
                next_at: Timestamp::from_millis(row.next_at),
            })
        })
        .collect()
}

/// How many records were set aside in a feed, of this kind.
///
/// # Errors
/// When the database fails.
pub async fn count(database: &Database, feed_id: i64, kind: AsideKind) -> Result<u64> {
    let query = asides::Entity::find()
        .filter(asides::Column::FeedId.eq(feed_id))
        .filter(asides::Column::Reason.eq(number(kind)));
    Ok(query.count(database.reader()).await?)
}

/// Numbers that never change: they are stored.
pub(crate) const fn number(kind: AsideKind) -> i64 {
    match kind {
        AsideKind::Fetch => 1,
        AsideKind::Send => 2,
        AsideKind::Delete => 3,
    }
}

pub(crate) async fn settle(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    settled: &[(AsideKind, RecordKey)],
) -> Result<()> {
    for settled in settled.chunks(ROWS) {
        let rows = settled.iter().map(|(kind, key)| {
            (number(*kind), key.name().to_owned(), key.kind() as i64, key.item())
        });
        let settled = Query::select()
            .columns(["column1", "column2", "column3", "column4"])
            .from_values(rows, "settled")
            .take();
        asides::Entity::delete_many()
            .filter(asides::Column::FeedId.eq(feed_id))
            .filter(
                Expr::tuple([
                    Expr::col(asides::Column::Reason),
                    Expr::col(asides::Column::Name),
                    Expr::col(asides::Column::Kind),
                    Expr::col(asides::Column::Item),
                ])
                .in_subquery(settled),
            )
            .exec(transaction)
            .await?;
    }
    Ok(())
}

pub(crate) async fn add(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    added: Vec<Aside>,
) -> Result<()> {
    let mut rows = Vec::with_capacity(added.len());
    for Aside { key, kind, state, error, attempts, next_at } in added {
        let state = state.map(|state| serde_json::to_string(&state)).transpose();
        rows.push(asides::ActiveModel {
            feed_id: Set(feed_id),
            reason: Set(number(kind)),
            name: Set(key.name().to_owned()),
            kind: Set(key.kind() as i64),
            item: Set(key.item()),
            state: Set(state.map_err(Error::broken)?),
            error: Set(error),
            attempts: Set(attempts.into()),
            next_at: Set(next_at.millis()),
        });
    }
    for rows in rows.chunks(ROWS) {
        asides::Entity::insert_many(rows.to_vec())
            .on_conflict(
                OnConflict::columns([
                    asides::Column::FeedId,
                    asides::Column::Reason,
                    asides::Column::Name,
                    asides::Column::Kind,
                    asides::Column::Item,
                ])
                .update_columns([
                    asides::Column::State,
                    asides::Column::Error,
                    asides::Column::Attempts,
                    asides::Column::NextAt,
                ])
                .to_owned(),
            )
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}
