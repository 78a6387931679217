//! The blobs of single packages: those that their versions name, and those that clients brought to them
//! and that no version names yet.

use std::collections::HashMap;

use pakhus_core::{BlobRef, ContentDigest, Digest, Timestamp};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Set};

use crate::entity::{package_blobs, record_blobs};
use crate::write::ROWS;
use crate::{Database, Error, Result};

/// Notes that a client brought a blob to a package, where it is called `called`.
///
/// # Errors
/// When the database fails.
pub async fn bring(
    database: &Database,
    feed_id: i64,
    package: &str,
    called: &ContentDigest,
    blob: &BlobRef,
    now: Timestamp,
) -> Result<()> {
    let row = package_blobs::ActiveModel {
        feed_id: Set(feed_id),
        name: Set(package.to_owned()),
        called: Set(called.to_string()),
        digest: Set(blob.digest.as_bytes().to_vec()),
        size: Set(blob.size.cast_signed()),
        at: Set(now.millis()),
    };
    let known =
        [package_blobs::Column::FeedId, package_blobs::Column::Name, package_blobs::Column::Called];
    let again = OnConflict::columns(known).update_column(package_blobs::Column::At).to_owned();
    package_blobs::Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(database.writer())
        .await?;
    Ok(())
}

/// Those of `digests` that a package has, or any package of the feed when that is `None`. The roles are
/// empty.
///
/// # Errors
/// When the database fails.
pub async fn find(
    database: &Database,
    feed_id: i64,
    package: Option<&str>,
    digests: &[ContentDigest],
) -> Result<HashMap<ContentDigest, BlobRef>> {
    let mut found = HashMap::with_capacity(digests.len());
    for digests in digests.chunks(ROWS) {
        named(database, feed_id, package, digests, &mut found).await?;
        let others = digests.iter().filter(|digest| !found.contains_key(*digest));
        let others: Vec<_> = others.map(ToString::to_string).collect();
        if others.is_empty() {
            continue;
        }
        let mut query = package_blobs::Entity::find()
            .filter(package_blobs::Column::FeedId.eq(feed_id))
            .filter(package_blobs::Column::Called.is_in(others));
        if let Some(package) = package {
            query = query.filter(package_blobs::Column::Name.eq(package));
        }
        for row in query.all(database.reader()).await? {
            let called: ContentDigest = row.called.parse().map_err(Error::broken)?;
            found.insert(called, blob_of(&called, &row.digest, row.size)?);
        }
    }
    Ok(found)
}

/// Adds to `found` those of `digests` that versions name.
async fn named(
    database: &Database,
    feed_id: i64,
    package: Option<&str>,
    digests: &[ContentDigest],
    found: &mut HashMap<ContentDigest, BlobRef>,
) -> Result<()> {
    let (mut of_sha256, mut of_sha512) = (Vec::new(), Vec::new());
    for digest in digests {
        match digest {
            ContentDigest::Sha256(digest) => of_sha256.push(digest.as_bytes().to_vec()),
            ContentDigest::Sha512(bytes) => of_sha512.push(bytes.to_vec()),
        }
    }
    for (column, wanted) in
        [(record_blobs::Column::Digest, of_sha256), (record_blobs::Column::Sha512, of_sha512)]
    {
        if wanted.is_empty() {
            continue;
        }
        let mut query = record_blobs::Entity::find()
            .select_only()
            .columns([
                record_blobs::Column::Digest,
                record_blobs::Column::Size,
                record_blobs::Column::Sha512,
            ])
            .distinct()
            .filter(record_blobs::Column::FeedId.eq(feed_id))
            .filter(column.is_in(wanted));
        if let Some(package) = package {
            query = query.filter(record_blobs::Column::Name.eq(package));
        }
        let rows: Vec<(Vec<u8>, i64, Option<Vec<u8>>)> =
            query.into_tuple().all(database.reader()).await?;
        for (digest, size, sha512) in rows {
            let called = match (column, sha512) {
                (record_blobs::Column::Sha512, Some(sha512)) => ContentDigest::Sha512(
                    sha512
                        .try_into()
                        .map_err(|_| Error::broken("a digest of SHA-512 that has not 64 bytes"))?,
                ),
                _ => Digest::from_slice(&digest).map_err(Error::broken)?.into(),
            };
            found.insert(called, blob_of(&called, &digest, size)?);
        }
    }
    Ok(())
}

fn blob_of(called: &ContentDigest, digest: &[u8], size: i64) -> Result<BlobRef> {
    Ok(BlobRef {
        digest: Digest::from_slice(digest).map_err(Error::broken)?,
        size: size.cast_unsigned(),
        role: String::new(),
        sha512: called.sha512().map(ContentDigest::Sha512),
    })
}

/// Forgets that a blob was brought to a package. `false` when it was not.
///
/// # Errors
/// When the database fails.
pub async fn forget(
    database: &Database,
    feed_id: i64,
    package: &str,
    called: &ContentDigest,
) -> Result<bool> {
    let key = (feed_id, package.to_owned(), called.to_string());
    let deleted = package_blobs::Entity::delete_by_id(key).exec(database.writer()).await?;
    Ok(deleted.rows_affected > 0)
}
