//! Reading a feed's changes in the order of its log.

use pakhus_core::replication::engine::{LogEnd, Page};
use pakhus_core::replication::{PageEnd, Position, Record, Witness};
use pakhus_core::{Digest, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{feed_log, feeds, records};
use crate::write::state_of;
use crate::{Database, Error, Result};

/// Where the feed's log ends.
///
/// # Errors
/// When the feed is gone or the database fails.
pub async fn end(database: &Database, feed_id: i64) -> Result<LogEnd> {
    let feed = feeds::Entity::find_by_id(feed_id)
        .one(database.reader())
        .await?
        .ok_or(Error::NoSuchFeed)?;
    let chain = Digest::from_slice(&feed.chain).map_err(Error::broken)?;
    let position = Position { seq: feed.head.cast_unsigned(), chain };
    Ok(LogEnd { lineage: feed.lineage, position, floor: feed.floor.cast_unsigned() })
}

/// Whether the feed's log went through `witness`: whether it is the log that the holder of the
/// witness has seen, and not one that was restored or replaced.
///
/// # Errors
/// When the database fails.
pub async fn went_through(database: &Database, feed_id: i64, witness: Witness) -> Result<bool> {
    if witness.seq == 0 {
        return Ok(witness.chain == Digest::ZERO);
    }
    let line = feed_log::Entity::find_by_id((feed_id, witness.seq.cast_signed()))
        .one(database.reader())
        .await?;
    Ok(line.is_some_and(|line| line.chain == witness.chain.as_bytes()))
}

/// At most `limit` records that changed after number `since`. A record that changed often since then
/// is read once, as it is now. Stops early, but not before the first record, once the page has
/// `max_bytes` of states.
///
/// # Errors
/// When the feed is gone or the database fails.
pub async fn page(
    database: &Database,
    feed_id: i64,
    since: u64,
    limit: u64,
    max_bytes: usize,
) -> Result<Page> {
    // The end first: what changes after it was read moves beyond it and is read by a later page.
    let head = end(database, feed_id).await?.position;
    let limit = limit.max(1);
    let max_bytes = max_bytes.max(1);
    let mut through = since;
    let mut bytes = 0;
    let mut page = Vec::new();
    while (page.len() as u64) < limit && bytes < max_bytes {
        // Few rows at a time: states can be large.
        let step = (limit - page.len() as u64).min(crate::write::ROWS as u64);
        let rows = records::Entity::find()
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Seq.gt(through.cast_signed()))
            .filter(records::Column::Seq.lte(head.seq.cast_signed()))
            .order_by_asc(records::Column::Seq)
            .limit(step)
            .all(database.reader())
            .await?;
        let mut exhausted = (rows.len() as u64) < step;
        for row in rows {
            if bytes >= max_bytes {
                exhausted = false;
                break;
            }
            bytes += row.state.len();
            through = row.seq.cast_unsigned();
            page.push(Record { key: row.key()?, state: state_of(&row)? });
        }
        if exhausted {
            through = head.seq;
            break;
        }
    }
    // What changed last has the number of the log's end, so there is more unless it was reached.
    Ok(Page { records: page, end: PageEnd { through, head, more: through < head.seq } })
}

/// When the change with number `seq` was made; `None` when there is none.
///
/// # Errors
/// When the database fails.
pub async fn changed_at(database: &Database, feed_id: i64, seq: u64) -> Result<Option<Timestamp>> {
    let line =
        feed_log::Entity::find_by_id((feed_id, seq.cast_signed())).one(database.reader()).await?;
    Ok(line.map(|line| Timestamp::from_millis(line.at)))
}
