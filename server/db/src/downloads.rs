//! Counts of downloads.

use std::collections::HashMap;
use std::ops::Bound;

use pakhus_core::replication::{Applying, CheckedRecord, CountState, KeyKind, RecordKey, State};
use pakhus_core::{Download, RecentDownloads, Timestamp};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use crate::entity::records;
use crate::write::{self, ROWS, lock_feed, state_of, states_of, write_records};
use crate::{Database, Result};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

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
    let date = day(now);
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
    totals_in(database.reader(), feed_id, names).await
}

pub(crate) async fn totals_in(
    connection: &impl ConnectionTrait,
    feed_id: i64,
    names: &[String],
) -> Result<HashMap<Download, u64>> {
    let mut totals = HashMap::new();
    for (download, count) in counts_of(connection, feed_id, names).await? {
        let total: &mut u64 = totals.entry(download).or_default();
        *total = total.saturating_add(count.count);
    }
    Ok(totals)
}

/// How often these packages were downloaded, at all instances together.
///
/// # Errors
/// When the database fails.
pub async fn recent(
    database: &Database,
    feed_id: i64,
    names: &[String],
    now: Timestamp,
) -> Result<HashMap<String, RecentDownloads>> {
    let first_day = |days: i64| day(Timestamp::from_millis(now.millis() - (days - 1) * DAY_MS));
    let (week, month) = (first_day(7), first_day(30));
    let mut recent: HashMap<String, RecentDownloads> = HashMap::new();
    for (download, count) in counts_of(database.reader(), feed_id, names).await? {
        let since = |first: &str| {
            let days = count.days.range::<str, _>((Bound::Included(first), Bound::Unbounded));
            days.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count))
        };
        let of_package = recent.entry(download.name).or_default();
        of_package.total = of_package.total.saturating_add(count.count);
        of_package.week = of_package.week.saturating_add(since(&week));
        of_package.month = of_package.month.saturating_add(since(&month));
        let of_version = of_package.by_version.entry(download.version).or_default();
        *of_version = of_version.saturating_add(count.count);
    }
    Ok(recent)
}

/// The counts of each version and instance.
async fn counts_of(
    connection: &impl ConnectionTrait,
    feed_id: i64,
    names: &[String],
) -> Result<Vec<(Download, CountState)>> {
    let mut counts = Vec::new();
    for names in names.chunks(ROWS) {
        let rows = records::Entity::find()
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Name.is_in(names.to_vec()))
            .filter(records::Column::Kind.eq(KeyKind::Downloads as i64))
            .all(connection)
            .await?;
        for row in rows {
            let RecordKey::Downloads { name, version, .. } = row.key()? else { continue };
            let State::Count(count) = state_of(&row)? else { continue };
            counts.push((Download { name, version }, count));
        }
    }
    Ok(counts)
}

/// The date of a time, in UTC: `2026-11-24`.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}
