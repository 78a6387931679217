//! Which blobs the records of a feed name.

use std::collections::HashSet;

use pakhus_core::replication::{Applying, State};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, Set};

use super::{ROWS, insert};
use crate::Result;
use crate::entity::record_blobs;

/// Notes which blobs the records name now, and no longer.
pub(super) async fn write_blobs(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    replacements: &[Applying],
) -> Result<()> {
    let gone: Vec<_> = replacements
        .iter()
        .flat_map(|replacement| {
            let key = &replacement.record.key;
            let blobs = replacement.previous.as_ref().and_then(State::content);
            blobs.into_iter().flat_map(|content| &content.blobs).map(move |blob| {
                (blob.digest.as_bytes().to_vec(), key.name().to_owned(), key.item())
            })
        })
        .collect();
    for gone in gone.chunks(ROWS) {
        // A subquery: PostgreSQL takes ten times as long to plan a list of tuples.
        let gone = Query::select()
            .columns(["column1", "column2", "column3"])
            .from_values(gone.iter().cloned(), "gone")
            .take();
        record_blobs::Entity::delete_many()
            .filter(record_blobs::Column::FeedId.eq(feed_id))
            .filter(
                Expr::tuple([
                    Expr::col(record_blobs::Column::Digest),
                    Expr::col(record_blobs::Column::Name),
                    Expr::col(record_blobs::Column::Item),
                ])
                .in_subquery(gone),
            )
            .exec(transaction)
            .await?;
    }
    let mut rows: Vec<record_blobs::ActiveModel> = Vec::new();
    for Applying { record, .. } in replacements {
        let Some(content) = record.state.content() else { continue };
        let mut seen = HashSet::new();
        for blob in content.blobs.iter().filter(|blob| seen.insert(blob.digest)) {
            rows.push(record_blobs::ActiveModel {
                feed_id: Set(feed_id),
                digest: Set(blob.digest.as_bytes().to_vec()),
                name: Set(record.key.name().to_owned()),
                item: Set(record.key.item()),
                size: Set(blob.size.cast_signed()),
                sha512: Set(blob.sha512.and_then(|name| name.sha512()).map(Vec::from)),
            });
        }
    }
    insert(transaction, rows, None).await
}
