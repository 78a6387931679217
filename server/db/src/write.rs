//! Writing records: the one way in which states get into a feed, each with its sequence number and
//! its line in the log.

mod blobs;
pub(crate) mod fingerprints;
mod packages;
mod popularity;

use std::collections::HashMap;

use pakhus_core::replication::{
    Applying, CheckedRecord, KeyKind, Position, RecordKey, State, bucket, chain,
};
use pakhus_core::{Digest, Timestamp};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait,
    QueryFilter, QuerySelect, Set,
};

use self::blobs::write_blobs;
use self::fingerprints::write_fingerprints;
use self::packages::write_packages;
use self::popularity::write_popularity;
use crate::entity::{feed_log, feeds, kept_states, records};
use crate::feeds::word;
use crate::keyed::under;
use crate::{Database, Error, Result};

/// Rows of one INSERT: enough to be quick, few enough for SQLite's limit of 32,766 variables.
pub(crate) const ROWS: usize = 100;

/// A feed whose row this transaction has locked.
pub(crate) struct LockedFeed {
    pub(crate) id: i64,
    pub(crate) end: Position,
    pub(crate) first_incarnation: u64,
    /// The packages that the transaction has changed.
    changed: Vec<String>,
}

/// Locks the feed's row until the transaction ends. SQLite has no row locks and needs none: the
/// transaction has the database's one write lock.
pub(crate) async fn lock_feed(
    transaction: &DatabaseTransaction,
    feed_id: i64,
) -> Result<LockedFeed> {
    let mut query = feeds::Entity::find_by_id(feed_id);
    if transaction.get_database_backend() == DbBackend::Postgres {
        query = query.lock_exclusive();
    }
    let feed = query.one(transaction).await?.ok_or(Error::NoSuchFeed)?;
    let chain = Digest::from_slice(&feed.chain).map_err(Error::broken)?;
    let end = Position { seq: feed.head.cast_unsigned(), chain };
    let first_incarnation = feed.first_incarnation.cast_unsigned();
    Ok(LockedFeed { id: feed.id, end, first_incarnation, changed: Vec::new() })
}

/// The states of those of `keys` that have one.
pub(crate) async fn states_of(
    connection: &impl ConnectionTrait,
    feed_id: i64,
    keys: &[RecordKey],
) -> Result<HashMap<RecordKey, State>> {
    let mut states = HashMap::with_capacity(keys.len());
    for keys in keys.chunks(ROWS) {
        let rows = under(records::Entity::find(), keys)
            .filter(records::Column::FeedId.eq(feed_id))
            .all(connection)
            .await?;
        for row in rows {
            states.insert(row.key()?, state_of(&row)?);
        }
    }
    Ok(states)
}

pub(crate) fn state_of(row: &records::Model) -> Result<State> {
    serde_json::from_str(&row.state).map_err(Error::broken)
}

/// Writes `replacements`, no key twice, and moves the feed's end over them.
pub(crate) async fn write_records(
    transaction: &DatabaseTransaction,
    feed: &mut LockedFeed,
    replacements: &[Applying],
    now: Timestamp,
) -> Result<()> {
    if replacements.is_empty() {
        return Ok(());
    }
    let mut end = feed.end;
    let mut rows = Vec::with_capacity(replacements.len());
    let mut log = Vec::with_capacity(replacements.len());
    let mut digests = Vec::with_capacity(replacements.len());
    for Applying { record: CheckedRecord { key, state, sort_key }, .. } in replacements {
        let digest = state.digest();
        digests.push(digest);
        end = Position { seq: end.seq + 1, chain: chain(end.chain, key, digest) };
        rows.push(records::ActiveModel {
            feed_id: Set(feed.id),
            name: Set(key.name().to_owned()),
            kind: Set(key.kind() as i64),
            item: Set(key.item()),
            seq: Set(end.seq.cast_signed()),
            live: Set(state.is_live()),
            state_digest: Set(digest.as_bytes().to_vec()),
            state: Set(serde_json::to_string(state).map_err(Error::broken)?),
            sort_key: Set(sort_key.as_ref().map(|key| key.as_bytes().to_vec())),
            arrived_at: Set(now.millis()),
            bucket: Set(i64::from(bucket(key))),
        });
        log.push(feed_log::ActiveModel {
            feed_id: Set(feed.id),
            seq: Set(end.seq.cast_signed()),
            kind: Set(key.kind() as i64),
            name: Set(key.name().to_owned()),
            item: Set(key.item()),
            state_digest: Set(digest.as_bytes().to_vec()),
            at: Set(now.millis()),
            chain: Set(end.chain.as_bytes().to_vec()),
        });
    }
    let on_conflict = OnConflict::columns([
        records::Column::FeedId,
        records::Column::Name,
        records::Column::Kind,
        records::Column::Item,
    ])
    .update_columns([
        records::Column::Seq,
        records::Column::Live,
        records::Column::StateDigest,
        records::Column::State,
        records::Column::SortKey,
        records::Column::ArrivedAt,
    ])
    .to_owned();
    insert(transaction, rows, Some(on_conflict)).await?;
    insert(transaction, log, None).await?;
    write_packages(transaction, feed, replacements).await?;
    write_popularity(transaction, feed.id, replacements).await?;
    write_blobs(transaction, feed.id, replacements).await?;
    write_fingerprints(transaction, feed.id, replacements, &digests).await?;
    keep_aside(transaction, feed.id, replacements, now).await?;
    feeds::Entity::update_many()
        .col_expr(feeds::Column::Head, Expr::value(end.seq.cast_signed()))
        .col_expr(feeds::Column::Chain, Expr::value(end.chain.as_bytes().to_vec()))
        .filter(feeds::Column::Id.eq(feed.id))
        .exec(transaction)
        .await?;
    feed.end = end;
    // How often a package was downloaded is nothing that is read of it.
    let changed = replacements.iter().map(|applying| &applying.record.key);
    let changed = changed.filter(|key| key.kind() != KeyKind::Downloads);
    feed.changed.extend(changed.map(|key| key.name().to_owned()));
    Ok(())
}

/// Commits what was done to the feed, and tells those who wait for changes.
///
/// # Errors
/// When the database fails; whether the transaction was committed is then not known.
pub(crate) async fn commit(
    database: &Database,
    transaction: DatabaseTransaction,
    feed: LockedFeed,
) -> Result<()> {
    let database = database.clone();
    // In a task of its own, which goes on when the caller is dropped: what was committed must be told.
    let committing = tokio::spawn(async move {
        transaction.commit().await?;
        database.announce_packages(feed.id, feed.changed);
        database.announce_head(feed.id, feed.end.seq);
        Ok(())
    });
    committing.await.map_err(Error::broken)?
}

/// Inserts rows, as many at a time as one statement takes; `conflicting` says what becomes of those that
/// are there.
pub(crate) async fn insert<A: ActiveModelTrait + Send>(
    transaction: &DatabaseTransaction,
    mut rows: Vec<A>,
    conflicting: Option<OnConflict>,
) -> Result<()> {
    while !rows.is_empty() {
        let later = rows.split_off(ROWS.min(rows.len()));
        let mut insert = A::Entity::insert_many(std::mem::replace(&mut rows, later));
        if let Some(conflicting) = &conflicting {
            insert = insert.on_conflict(conflicting.clone());
        }
        insert.exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// Keeps aside what lost a merge or was deleted from elsewhere.
async fn keep_aside(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    replacements: &[Applying],
    now: Timestamp,
) -> Result<()> {
    let mut rows = Vec::new();
    for Applying { record, previous, kept } in replacements {
        let (Some(previous), Some(kept)) = (previous, kept) else { continue };
        rows.push(kept_states::ActiveModel {
            feed_id: Set(feed_id),
            name: Set(record.key.name().to_owned()),
            kind: Set(record.key.kind() as i64),
            item: Set(record.key.item()),
            reason: Set(word(kept)),
            state: Set(serde_json::to_string(previous).map_err(Error::broken)?),
            at: Set(now.millis()),
            ..Default::default()
        });
    }
    insert(transaction, rows, None).await
}
