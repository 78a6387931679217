//! Which blobs a feed may see: those that its records name, and those that its clients uploaded.

use std::collections::{HashMap, HashSet};

use pakhus_core::{Digest, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};

use crate::entity::{received_blobs, record_blobs};
use crate::write::ROWS;
use crate::{Database, Error, Result};

/// The size in bytes of a blob that a record of the feed names; `None` when none does.
///
/// # Errors
/// When the database fails.
pub async fn named_size(database: &Database, feed_id: i64, digest: &Digest) -> Result<Option<u64>> {
    let row = record_blobs::Entity::find()
        .filter(record_blobs::Column::FeedId.eq(feed_id))
        .filter(record_blobs::Column::Digest.eq(digest.as_bytes().to_vec()))
        .one(database.reader())
        .await?;
    Ok(row.map(|row| row.size.cast_unsigned()))
}

/// The sizes in bytes of those of `digests` that a record of the feed names.
///
/// # Errors
/// When the database fails.
pub async fn named_sizes(
    database: &Database,
    feed_id: i64,
    digests: &[Digest],
) -> Result<HashMap<Digest, u64>> {
    let mut sizes = HashMap::with_capacity(digests.len());
    for digests in digests.chunks(ROWS) {
        let digests = digests.iter().map(|digest| digest.as_bytes().to_vec());
        let rows: Vec<(Vec<u8>, i64)> = record_blobs::Entity::find()
            .select_only()
            .columns([record_blobs::Column::Digest, record_blobs::Column::Size])
            .distinct()
            .filter(record_blobs::Column::FeedId.eq(feed_id))
            .filter(record_blobs::Column::Digest.is_in(digests))
            .into_tuple()
            .all(database.reader())
            .await?;
        for (digest, size) in rows {
            let digest = Digest::from_slice(&digest).map_err(Error::broken)?;
            sizes.insert(digest, size.cast_unsigned());
        }
    }
    Ok(sizes)
}

/// Notes a blob that a replication client uploaded and that no record names yet.
///
/// # Errors
/// When the database fails.
pub async fn note_received(
    database: &Database,
    feed_id: i64,
    digests: &[Digest],
    now: Timestamp,
) -> Result<()> {
    for digests in digests.chunks(ROWS) {
        let rows = digests.iter().map(|digest| received_blobs::ActiveModel {
            feed_id: Set(feed_id),
            digest: Set(digest.as_bytes().to_vec()),
            at: Set(now.millis()),
        });
        let known = [received_blobs::Column::FeedId, received_blobs::Column::Digest];
        received_blobs::Entity::insert_many(rows)
            .on_conflict(OnConflict::columns(known).do_nothing().to_owned())
            .exec_without_returning(database.writer())
            .await?;
    }
    Ok(())
}

/// Those of `digests` that no record of the feed names and no client of it uploaded.
///
/// # Errors
/// When the database fails.
pub async fn unknown(database: &Database, feed_id: i64, digests: &[Digest]) -> Result<Vec<Digest>> {
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    for digests in digests.chunks(ROWS) {
        let digests: Vec<_> = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
        let named: Vec<Vec<u8>> = record_blobs::Entity::find()
            .select_only()
            .column(record_blobs::Column::Digest)
            .distinct()
            .filter(record_blobs::Column::FeedId.eq(feed_id))
            .filter(record_blobs::Column::Digest.is_in(digests.clone()))
            .into_tuple()
            .all(database.reader())
            .await?;
        let received: Vec<Vec<u8>> = received_blobs::Entity::find()
            .select_only()
            .column(received_blobs::Column::Digest)
            .filter(received_blobs::Column::FeedId.eq(feed_id))
            .filter(received_blobs::Column::Digest.is_in(digests))
            .into_tuple()
            .all(database.reader())
            .await?;
        known.extend(named.into_iter().chain(received));
    }
    let is_unknown = |digest: &&Digest| !known.contains(digest.as_bytes().as_slice());
    Ok(digests.iter().filter(is_unknown).copied().collect())
}
