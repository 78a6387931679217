//! The sums of what a feed holds, by bucket.

use std::collections::{BTreeMap, HashMap};

use pakhus_core::Digest;
use pakhus_core::replication::{Applying, CheckedRecord, Fingerprint, bucket};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use super::ROWS;
use crate::Result;
use crate::entity::fingerprints;
use crate::tree::fingerprint_of;

/// Brings the sums of the buckets up to date, with `digests` those of the new states.
pub(super) async fn write_fingerprints(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    replacements: &[Applying],
    digests: &[Digest],
) -> Result<()> {
    let mut touched: BTreeMap<i64, Vec<(&Applying, Digest)>> = BTreeMap::new();
    for (applying, digest) in replacements.iter().zip(digests) {
        let bucket = bucket(&applying.record.key).into();
        touched.entry(bucket).or_default().push((applying, *digest));
    }
    change_sums(transaction, feed_id, &touched, |sums, (applying, digest)| {
        let Applying { record: CheckedRecord { key, state, .. }, previous, .. } = applying;
        if let Some(previous) = previous {
            sums.subtract(key, previous.digest(), previous.is_live());
        }
        sums.add(key, *digest, state.is_live());
    })
    .await
}

/// Changes the sums of buckets, by each of the things that touch them.
pub(crate) async fn change_sums<T: Sync>(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    touched: &BTreeMap<i64, Vec<T>>,
    change: impl Fn(&mut Fingerprint, &T) + Sync,
) -> Result<()> {
    let buckets: Vec<_> = touched.keys().copied().collect();
    for buckets in buckets.chunks(ROWS) {
        let known: HashMap<i64, Fingerprint> = fingerprints::Entity::find()
            .filter(fingerprints::Column::FeedId.eq(feed_id))
            .filter(fingerprints::Column::Bucket.is_in(buckets.iter().copied()))
            .all(transaction)
            .await?
            .iter()
            .map(|row| Ok((row.bucket, fingerprint_of(row)?)))
            .collect::<Result<_>>()?;
        let rows = buckets.iter().map(|bucket| {
            let mut sums = known.get(bucket).copied().unwrap_or_default();
            touched[bucket].iter().for_each(|thing| change(&mut sums, thing));
            fingerprints::ActiveModel {
                feed_id: Set(feed_id),
                bucket: Set(*bucket),
                live: Set(sums.live.as_bytes().to_vec()),
                gone: Set(sums.gone.as_bytes().to_vec()),
                counts: Set(sums.counts.as_bytes().to_vec()),
            }
        });
        fingerprints::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([fingerprints::Column::FeedId, fingerprints::Column::Bucket])
                    .update_columns([
                        fingerprints::Column::Live,
                        fingerprints::Column::Gone,
                        fingerprints::Column::Counts,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}
