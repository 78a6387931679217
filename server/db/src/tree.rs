//! The tree of sums over what a feed holds, and over what its source is known to hold.

use pakhus_core::Digest;
use pakhus_core::replication::engine::Tree;
use pakhus_core::replication::{BRANCHES, Fingerprint, Leaf, Sum};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::entity::{fingerprints, records, shadows};
use crate::{Database, Error, Result};

/// The sums of the 256 children of the root (`branch` is `None`) or of a branch, over the records of
/// the feed.
///
/// # Errors
/// When the database fails.
pub async fn sums(
    database: &Database,
    feed_id: i64,
    branch: Option<u8>,
) -> Result<Vec<Fingerprint>> {
    let mut query = fingerprints::Entity::find().filter(fingerprints::Column::FeedId.eq(feed_id));
    if let Some(branch) = branch {
        let first = i64::from(branch) << 8;
        query = query.filter(fingerprints::Column::Bucket.between(first, first + 255));
    }
    let mut sums = vec![Fingerprint::default(); BRANCHES];
    for row in query.all(database.reader()).await? {
        let child = if branch.is_some() { row.bucket & 255 } else { row.bucket >> 8 };
        let child = usize::try_from(child).map_err(Error::broken)?;
        let sum = sums.get_mut(child).ok_or_else(|| Error::broken("a bucket beyond the last"))?;
        sum.add_part(&fingerprint_of(&row)?);
    }
    Ok(sums)
}

/// The leaves of a bucket.
///
/// # Errors
/// When the database fails.
pub async fn leaves(
    database: &Database,
    feed_id: i64,
    tree: Tree,
    bucket: u16,
) -> Result<Vec<Leaf>> {
    match tree {
        Tree::Records => {
            let rows: Vec<(String, i64, String, Vec<u8>, bool)> = records::Entity::find()
                .select_only()
                .columns([
                    records::Column::Name,
                    records::Column::Kind,
                    records::Column::Item,
                    records::Column::StateDigest,
                    records::Column::Live,
                ])
                .filter(records::Column::FeedId.eq(feed_id))
                .filter(records::Column::Bucket.eq(i64::from(bucket)))
                .into_tuple()
                .all(database.reader())
                .await?;
            rows.into_iter()
                .map(|(name, kind, item, digest, live)| {
                    let digest = Digest::from_slice(&digest).map_err(Error::broken)?;
                    Ok(Leaf { key: crate::keyed::key(kind, &name, &item)?, digest, live })
                })
                .collect()
        }
        Tree::Shadows => shadows::Entity::find()
            .filter(shadows::Column::FeedId.eq(feed_id))
            .filter(shadows::Column::Bucket.eq(i64::from(bucket)))
            .all(database.reader())
            .await?
            .iter()
            .map(|row| {
                let digest = Digest::from_slice(&row.state_digest).map_err(Error::broken)?;
                Ok(Leaf { key: row.key()?, digest, live: true })
            })
            .collect(),
    }
}

pub(crate) fn fingerprint_of(row: &fingerprints::Model) -> Result<Fingerprint> {
    let sum = |bytes: &[u8]| Sum::from_slice(bytes).ok_or_else(|| Error::broken("a broken sum"));
    Ok(Fingerprint { live: sum(&row.live)?, gone: sum(&row.gone)?, counts: sum(&row.counts)? })
}
