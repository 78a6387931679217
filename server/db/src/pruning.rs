//! Forgetting what was deleted long ago, and the lines of the log that nobody asks for any more.

use std::collections::BTreeMap;

use pakhus_core::replication::{KeyKind, RecordKey};
use pakhus_core::{Digest, Timestamp};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    QueryTrait,
};

use crate::entity::{asides, feed_log, feeds, links, records, shadows};
use crate::write::fingerprints::change_sums;
use crate::write::{ROWS, lock_feed, state_of};
use crate::{Database, Error, Result};

/// Every line of the log with a number that this divides is kept for good: a site that was away for
/// long can prove by it that the log went on from what it knows.
const CHECKPOINT: i64 = 1_000;

/// Forgets at most [`ROWS`] deletions that were made here before `before`; returns how many there were.
/// Deletions that the feed's source is not known to hold too are not forgotten, nor those that wait to be
/// sent again. The log's floor rises above what is forgotten, and versions that are published anew count
/// from above it.
///
/// # Errors
/// When the feed is gone or the database fails; nothing is forgotten then.
pub async fn forget_deletions(database: &Database, feed_id: i64, before: Timestamp) -> Result<u64> {
    let transaction = database.begin().await?;
    lock_feed(&transaction, feed_id).await?;
    let rows = forgettable(&transaction, feed_id, before).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let (mut floor, mut incarnation) = (0_i64, 0_i64);
    let mut forgotten: BTreeMap<i64, Vec<(RecordKey, Digest)>> = BTreeMap::new();
    for row in &rows {
        floor = Ord::max(floor, row.seq);
        incarnation = Ord::max(incarnation, state_of(row)?.counter().cast_signed() + 1);
        let digest = Digest::from_slice(&row.state_digest).map_err(Error::broken)?;
        forgotten.entry(row.bucket).or_default().push((row.key()?, digest));
    }
    change_sums(&transaction, feed_id, &forgotten, |sums, (key, digest)| {
        sums.subtract(key, *digest, false);
    })
    .await?;
    records::Entity::delete_many()
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Seq.is_in(rows.iter().map(|row| row.seq)))
        .exec(&transaction)
        .await?;
    let raised = |column: feeds::Column, to: i64| {
        Expr::case(Expr::col(column).lt(to), to).finally(Expr::col(column))
    };
    feeds::Entity::update_many()
        .col_expr(feeds::Column::Floor, raised(feeds::Column::Floor, floor).into())
        .col_expr(
            feeds::Column::FirstIncarnation,
            raised(feeds::Column::FirstIncarnation, incarnation).into(),
        )
        .filter(feeds::Column::Id.eq(feed_id))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(rows.len() as u64)
}

async fn forgettable(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    before: Timestamp,
) -> Result<Vec<records::Model>> {
    let is_client = links::Entity::find_by_id(feed_id).one(transaction).await?.is_some();
    let known_there = Query::select()
        .expr(Expr::value(1))
        .from(shadows::Entity)
        .and_where(column(shadows::Column::FeedId).eq(feed_id))
        .and_where(column(shadows::Column::Name).eq(column(records::Column::Name)))
        .and_where(column(shadows::Column::Kind).eq(column(records::Column::Kind)))
        .and_where(column(shadows::Column::Item).eq(column(records::Column::Item)))
        .and_where(column(shadows::Column::StateDigest).eq(column(records::Column::StateDigest)))
        .take();
    let waiting = Query::select()
        .expr(Expr::value(1))
        .from(asides::Entity)
        .and_where(column(asides::Column::FeedId).eq(feed_id))
        .and_where(column(asides::Column::Name).eq(column(records::Column::Name)))
        .and_where(column(asides::Column::Kind).eq(column(records::Column::Kind)))
        .and_where(column(asides::Column::Item).eq(column(records::Column::Item)))
        .take();
    let rows = records::Entity::find()
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Kind.eq(KeyKind::Version as i64))
        // In the words of the index `records_gone`.
        .filter(Expr::col(records::Column::Live).not())
        .filter(records::Column::ArrivedAt.lt(before.millis()))
        .apply_if(is_client.then_some(known_there), |query, known_there| {
            query.filter(Expr::exists(known_there))
        })
        .filter(Expr::exists(waiting).not())
        .order_by_asc(records::Column::ArrivedAt)
        .limit(ROWS as u64)
        .all(transaction)
        .await?;
    Ok(rows)
}

/// A column with its table, as a subquery needs it.
fn column<C: ColumnTrait>(column: C) -> Expr {
    Expr::col(column.as_column_ref())
}

/// Removes the lines of the feed's log from before `before`, but the checkpoints and the last.
///
/// # Errors
/// When the feed is gone or the database fails.
pub async fn prune_log(database: &Database, feed_id: i64, before: Timestamp) -> Result<u64> {
    let no_checkpoint = || Expr::col(feed_log::Column::Seq).modulo(CHECKPOINT).ne(0);
    let head = crate::changes::end(database, feed_id).await?.position.seq.cast_signed();
    // Most of the time none is old enough, and the whole log need not be looked through to see it.
    let oldest = feed_log::Entity::find()
        .filter(feed_log::Column::FeedId.eq(feed_id))
        .filter(feed_log::Column::Seq.lt(head))
        .filter(no_checkpoint())
        .order_by_asc(feed_log::Column::Seq)
        .limit(1)
        .one(database.reader())
        .await?;
    if oldest.is_none_or(|line| line.at >= before.millis()) {
        return Ok(0);
    }
    let deleted = feed_log::Entity::delete_many()
        .filter(feed_log::Column::FeedId.eq(feed_id))
        .filter(feed_log::Column::Seq.lt(head))
        .filter(feed_log::Column::At.lt(before.millis()))
        .filter(no_checkpoint())
        .exec(database.writer())
        .await?;
    Ok(deleted.rows_affected)
}
