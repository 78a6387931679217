//! What a feed knows of the source that it is a client of.

use std::collections::HashMap;

use pakhus_core::Digest;
use pakhus_core::replication::{Cursor, Position, RecordKey, SourceOfSource};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use crate::entity::{links, shadows};
use crate::keyed::under;
use crate::write::{ROWS, lock_feed};
use crate::{Database, Error, Result};

/// How far a link has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkProgress {
    /// Where the source is.
    pub source_url: String,
    /// The id of its instance.
    pub source_instance: String,
    /// How far its log is known.
    pub cursor: Cursor,
    /// How far this feed's own log was sent.
    pub push_seq: u64,
    /// What the source itself is a client of.
    pub sources: Vec<SourceOfSource>,
}

/// The feed's link; `None` before its first run.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, feed_id: i64) -> Result<Option<LinkProgress>> {
    let row = links::Entity::find_by_id(feed_id).one(database.reader()).await?;
    row.map(|row| {
        Ok(LinkProgress {
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

/// Saves how far the link has come, and the states that the source is now known to hold.
///
/// # Errors
/// When the feed is gone or the database fails; nothing is saved then.
pub async fn save(
    database: &Database,
    feed_id: i64,
    progress: &LinkProgress,
    seen: impl Iterator<Item = (&RecordKey, Digest)>,
) -> Result<()> {
    let transaction = database.begin().await?;
    lock_feed(&transaction, feed_id).await?;
    set_shadows(&transaction, feed_id, seen).await?;
    save_progress(&transaction, feed_id, progress).await?;
    transaction.commit().await?;
    Ok(())
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
    links::Entity::delete_by_id(feed_id).exec(&transaction).await?;
    transaction.commit().await?;
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

pub(crate) async fn save_progress(
    connection: &impl ConnectionTrait,
    feed_id: i64,
    progress: &LinkProgress,
) -> Result<()> {
    let row = links::ActiveModel {
        feed_id: Set(feed_id),
        source_url: Set(progress.source_url.clone()),
        source_instance: Set(progress.source_instance.clone()),
        source_lineage: Set(progress.cursor.lineage.clone()),
        pull_seq: Set(progress.cursor.seq.cast_signed()),
        witness_seq: Set(progress.cursor.witness.seq.cast_signed()),
        witness_chain: Set(progress.cursor.witness.chain.as_bytes().to_vec()),
        push_seq: Set(progress.push_seq.cast_signed()),
        sources: Set(serde_json::to_string(&progress.sources).map_err(Error::broken)?),
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

pub(crate) async fn set_shadows(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    seen: impl Iterator<Item = (&RecordKey, Digest)>,
) -> Result<()> {
    let rows: Vec<_> = seen
        .map(|(key, digest)| shadows::ActiveModel {
            feed_id: Set(feed_id),
            name: Set(key.name().to_owned()),
            kind: Set(key.kind() as i64),
            item: Set(key.item()),
            state_digest: Set(digest.as_bytes().to_vec()),
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        shadows::Entity::insert_many(rows.to_vec())
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
    Ok(())
}
