//! Which blobs of the instance nothing names.

use std::collections::HashSet;

use pakhus_core::replication::State;
use pakhus_core::{Digest, Timestamp};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{feeds, kept_states, package_blobs, received_blobs, record_blobs};
use crate::write::ROWS;
use crate::{Database, Error, Result};

/// The most kept contents that are read at once.
const KEPT: u64 = 500;

/// Forgets that blobs were brought to packages and feeds before `before`. What is named stays.
///
/// # Errors
/// When the database fails.
pub async fn forget_brought(database: &Database, before: Timestamp) -> Result<()> {
    package_blobs::Entity::delete_many()
        .filter(package_blobs::Column::At.lt(before.millis()))
        .exec(database.writer())
        .await?;
    received_blobs::Entity::delete_many()
        .filter(received_blobs::Column::At.lt(before.millis()))
        .exec(database.writer())
        .await?;
    Ok(())
}

/// Those of `digests` that no record of any feed names, no kept content needs, and nobody brought
/// since `since`.
///
/// # Errors
/// When the database fails.
pub async fn unnamed(
    database: &Database,
    digests: &[Digest],
    since: Timestamp,
) -> Result<Vec<Digest>> {
    let mut unnamed = Vec::new();
    for digests in digests.chunks(ROWS) {
        let named = named(database, digests, since).await?;
        let is_unnamed = |digest: &&Digest| !named.contains(digest.as_bytes().as_slice());
        unnamed.extend(digests.iter().filter(is_unnamed).copied());
    }
    if unnamed.is_empty() {
        return Ok(unnamed);
    }
    // After the records: what is put aside from there meanwhile is found here.
    let kept = kept(database).await?;
    unnamed.retain(|digest| !kept.contains(digest));
    Ok(unnamed)
}

async fn named(
    database: &Database,
    digests: &[Digest],
    since: Timestamp,
) -> Result<HashSet<Vec<u8>>> {
    let digests: Vec<_> = digests.iter().map(|digest| digest.as_bytes().to_vec()).collect();
    // By their keys, which begin with the feed.
    let all_feeds = || Query::select().column(feeds::Column::Id).from(feeds::Entity).take();
    let brought: Vec<Vec<u8>> = package_blobs::Entity::find()
        .select_only()
        .column(package_blobs::Column::Digest)
        .filter(package_blobs::Column::Digest.is_in(digests.clone()))
        .filter(package_blobs::Column::At.gte(since.millis()))
        .into_tuple()
        .all(database.reader())
        .await?;
    let received: Vec<Vec<u8>> = received_blobs::Entity::find()
        .select_only()
        .column(received_blobs::Column::Digest)
        .filter(Expr::col(received_blobs::Column::FeedId).in_subquery(all_feeds()))
        .filter(received_blobs::Column::Digest.is_in(digests.clone()))
        .filter(received_blobs::Column::At.gte(since.millis()))
        .into_tuple()
        .all(database.reader())
        .await?;
    // Last: what was brought and is named meanwhile is found here.
    let of_records: Vec<Vec<u8>> = record_blobs::Entity::find()
        .select_only()
        .column(record_blobs::Column::Digest)
        .distinct()
        .filter(Expr::col(record_blobs::Column::FeedId).in_subquery(all_feeds()))
        .filter(record_blobs::Column::Digest.is_in(digests))
        .into_tuple()
        .all(database.reader())
        .await?;
    Ok(brought.into_iter().chain(received).chain(of_records).collect())
}

/// The blobs of all contents that lost a conflict or are in the trash.
async fn kept(database: &Database) -> Result<HashSet<Digest>> {
    let mut blobs = HashSet::new();
    let mut after = 0;
    loop {
        let rows: Vec<(i64, String)> = kept_states::Entity::find()
            .select_only()
            .columns([kept_states::Column::Id, kept_states::Column::State])
            .filter(kept_states::Column::Id.gt(after))
            .order_by_asc(kept_states::Column::Id)
            .limit(KEPT)
            .into_tuple()
            .all(database.reader())
            .await?;
        let Some((last, _)) = rows.last() else { return Ok(blobs) };
        after = *last;
        for (_, state) in &rows {
            let state: State = serde_json::from_str(state).map_err(Error::broken)?;
            let content = state.content();
            blobs.extend(
                content.into_iter().flat_map(|content| &content.blobs).map(|blob| blob.digest),
            );
        }
    }
}
