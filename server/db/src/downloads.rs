//! Counts of downloads.

use std::collections::HashMap;

use pakhus_core::replication::{Applying, CheckedRecord, CountState, KeyKind, RecordKey, State};
use pakhus_core::{Download, Timestamp};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::entity::records;
use crate::write::{self, ROWS, lock_feed, state_of, states_of, write_records};
use crate::{Database, Result};

/// Counts downloads that `instance` served on the day of `now`, in one transaction.
///
/// # Errors
/// When the feed is gone or the database fails; nothing is counted then.
pub async fn add(
    database: &Database,
    feed_id: i64,
    instance: &str,
    counts: &HashMap<Download, u64>,
    now: Timestamp,
) -> Result<()> {
    let date: String = now.to_string().chars().take(10).collect();
    let mut counts: Vec<_> = counts
        .iter()
        .map(|(download, count)| {
            let key = RecordKey::Downloads {
                name: download.name.clone(),
                version: download.version.clone(),
                instance: instance.to_owned(),
            };
            (key, *count)
        })
        .collect();
    counts.sort_unstable();
    let transaction = database.begin().await?;
    let mut feed = lock_feed(&transaction, feed_id).await?;
    let keys: Vec<_> = counts.iter().map(|(key, _)| key.clone()).collect();
    let mut before = states_of(&transaction, feed_id, &keys).await?;
    let applying: Vec<_> = counts
        .into_iter()
        .map(|(key, more)| {
            let previous = before.remove(&key);
            let mut downloads = match &previous {
                Some(State::Count(downloads)) => downloads.clone(),
                _ => CountState::default(),
            };
            downloads.add(&date, more);
            let state = State::Count(downloads);
            Applying { record: CheckedRecord { key, state, sort_key: None }, previous, kept: None }
        })
        .collect();
    write_records(&transaction, &mut feed, &applying, now).await?;
    write::commit(database, transaction, feed).await?;
    Ok(())
}

/// The downloads of these packages, of all instances together, by package and version.
///
/// # Errors
/// When the database fails.
pub async fn totals(
    database: &Database,
    feed_id: i64,
    names: &[String],
) -> Result<HashMap<Download, u64>> {
    let mut totals = HashMap::new();
    for names in names.chunks(ROWS) {
        let rows = records::Entity::find()
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Name.is_in(names.to_vec()))
            .filter(records::Column::Kind.eq(KeyKind::Downloads as i64))
            .all(database.reader())
            .await?;
        for row in rows {
            let RecordKey::Downloads { name, version, .. } = row.key()? else { continue };
            let total: &mut u64 = totals.entry(Download { name, version }).or_default();
            *total = total.saturating_add(state_of(&row)?.counter());
        }
    }
    Ok(totals)
}
