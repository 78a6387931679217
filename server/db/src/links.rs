//! What a feed knows of the source that it is a client of.

use std::collections::HashMap;

use pakhus_core::Digest;
use pakhus_core::replication::engine::{AsideKind, Link};
use pakhus_core::replication::{ClientMode, Cursor, Position, RecordKey, bucket};
use sea_orm::sea_query::{Expr, OnConflict, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, Set,
};

use crate::entity::{asides, links, records, shadows};
use crate::keyed::under;
use crate::write::{ROWS, lock_feed};
use crate::{Database, Error, Result};

/// The feed's link; `None` before its first run.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, feed_id: i64) -> Result<Option<Link>> {
    let row = links::Entity::find_by_id(feed_id).one(database.reader()).await?;
    row.map(|row| {
        Ok(Link {
            source_url: row.source_url,
            source_instance: row.source_instance,
            cursor: Cursor {
                lineage: row.source_lineage,
                seq: row.pull_seq.cast_unsigned(),
                witness: Position {
                    seq: row.witness_seq.cast_unsigned(),
                    chain: Digest::from_slice(&row.witness_chain).map_err(Error::broken)?,
                },
            },
            push_seq: row.push_seq.cast_unsigned(),
            sources: serde_json::from_str(&row.sources).map_err(Error::broken)?,
        })
    })
    .transpose()
}

/// Forgets all of the link: the next run compares everything again.
///
/// # Errors
/// When the feed is gone or the database fails; nothing is forgotten then.
pub async fn forget(database: &Database, feed_id: i64) -> Result<()> {
    let transaction = database.begin().await?;
    lock_feed(&transaction, feed_id).await?;
    shadows::Entity::delete_many()
        .filter(shadows::Column::FeedId.eq(feed_id))
        .exec(&transaction)
        .await?;
    asides::Entity::delete_many()
        .filter(asides::Column::FeedId.eq(feed_id))
        .exec(&transaction)
        .await?;
    links::Entity::delete_by_id(feed_id).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Has the next run compare everything: what this feed does with its source has changed to `mode`.
pub(crate) async fn compare_again(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    mode: ClientMode,
) -> Result<()> {
    let kinds = [AsideKind::Fetch, AsideKind::Send, AsideKind::Delete].into_iter();
    let done_for = kinds.filter(|kind| !kind.waits_in(mode)).map(crate::asides::number);
    asides::Entity::delete_many()
        .filter(asides::Column::FeedId.eq(feed_id))
        .filter(asides::Column::Reason.is_in(done_for))
        .exec(transaction)
        .await?;
    links::Entity::update_many()
        .col_expr(links::Column::PullSeq, Expr::value(0_i64))
        .col_expr(links::Column::PushSeq, Expr::value(0_i64))
        .filter(links::Column::FeedId.eq(feed_id))
        .exec(transaction)
        .await?;
    Ok(())
}

/// The digests of the states that the source is known to hold under those of `keys` that it was seen
/// to have.
///
/// # Errors
/// When the database fails.
pub async fn shadows_of(
    database: &Database,
    feed_id: i64,
    keys: &[RecordKey],
) -> Result<HashMap<RecordKey, Digest>> {
    let mut known = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(ROWS) {
        let rows = under(shadows::Entity::find(), keys)
            .filter(shadows::Column::FeedId.eq(feed_id))
            .all(database.reader())
            .await?;
        for row in rows {
            let digest = Digest::from_slice(&row.state_digest).map_err(Error::broken)?;
            known.insert(row.key()?, digest);
        }
    }
    Ok(known)
}

pub(crate) async fn save(
    connection: &impl ConnectionTrait,
    feed_id: i64,
    link: &Link,
) -> Result<()> {
    let row = links::ActiveModel {
        feed_id: Set(feed_id),
        source_url: Set(link.source_url.clone()),
        source_instance: Set(link.source_instance.clone()),
        source_lineage: Set(link.cursor.lineage.clone()),
        pull_seq: Set(link.cursor.seq.cast_signed()),
        witness_seq: Set(link.cursor.witness.seq.cast_signed()),
        witness_chain: Set(link.cursor.witness.chain.as_bytes().to_vec()),
        push_seq: Set(link.push_seq.cast_signed()),
        sources: Set(serde_json::to_string(&link.sources).map_err(Error::broken)?),
    };
    links::Entity::insert(row)
        .on_conflict(
            OnConflict::column(links::Column::FeedId)
                .update_columns([
                    links::Column::SourceUrl,
                    links::Column::SourceInstance,
                    links::Column::SourceLineage,
                    links::Column::PullSeq,
                    links::Column::WitnessSeq,
                    links::Column::WitnessChain,
                    links::Column::PushSeq,
                    links::Column::Sources,
                ])
                .to_owned(),
        )
        .exec_without_returning(connection)
        .await?;
    Ok(())
}

/// Notes what the source is now known to hold, or to hold no more.
pub(crate) async fn set_shadows(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    seen: &[(RecordKey, Option<Digest>)],
) -> Result<()> {
    let held: Vec<_> = seen.iter().filter_map(|(key, digest)| Some((key, (*digest)?))).collect();
    for held in held.chunks(ROWS) {
        let rows = held.iter().map(|(key, digest)| shadows::ActiveModel {
            feed_id: Set(feed_id),
            name: Set(key.name().to_owned()),
            kind: Set(key.kind() as i64),
            item: Set(key.item()),
            state_digest: Set(digest.as_bytes().to_vec()),
            bucket: Set(i64::from(bucket(key))),
        });
        shadows::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([
                    shadows::Column::FeedId,
                    shadows::Column::Name,
                    shadows::Column::Kind,
                    shadows::Column::Item,
                ])
                .update_column(shadows::Column::StateDigest)
                .to_owned(),
            )
            .exec_without_returning(transaction)
            .await?;
    }
    let gone: Vec<_> = seen.iter().filter(|(_, digest)| digest.is_none()).collect();
    for gone in gone.chunks(ROWS) {
        let rows =
            gone.iter().map(|(key, _)| (key.name().to_owned(), key.kind() as i64, key.item()));
        let gone = Query::select()
            .columns(["column1", "column2", "column3"])
            .from_values(rows, "gone")
            .take();
        shadows::Entity::delete_many()
            .filter(shadows::Column::FeedId.eq(feed_id))
            .filter(
                Expr::tuple([
                    Expr::col(shadows::Column::Name),
                    Expr::col(shadows::Column::Kind),
                    Expr::col(shadows::Column::Item),
                ])
                .in_subquery(gone),
            )
            .exec(transaction)
            .await?;
    }
    Ok(())
}

/// Takes the source to hold just those records of this feed that changed last by number `until`.
pub(crate) async fn take_records_for_shadows(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    until: u64,
) -> Result<()> {
    shadows::Entity::delete_many()
        .filter(shadows::Column::FeedId.eq(feed_id))
        .exec(transaction)
        .await?;
    let mut held = Query::select();
    held.columns([
        records::Column::FeedId,
        records::Column::Name,
        records::Column::Kind,
        records::Column::Item,
        records::Column::StateDigest,
        records::Column::Bucket,
    ])
    .from(records::Entity)
    .and_where(records::Column::FeedId.eq(feed_id))
    .and_where(records::Column::Seq.lte(until.cast_signed()));
    let mut insert = Query::insert();
    insert.into_table(shadows::Entity).columns([
        shadows::Column::FeedId,
        shadows::Column::Name,
        shadows::Column::Kind,
        shadows::Column::Item,
        shadows::Column::StateDigest,
        shadows::Column::Bucket,
    ]);
    insert.select_from(held).map_err(Error::broken)?;
    transaction.execute(&insert).await?;
    Ok(())
}
