//! How often packages were downloaded, where search looks for it.

use std::collections::BTreeMap;

use pakhus_core::replication::{Applying, KeyKind, State};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};

use super::ROWS;
use crate::Result;
use crate::entity::search_entries;

/// Adds the downloads that were counted since to what the index knows.
pub(super) async fn write_popularity(
    transaction: &DatabaseTransaction,
    feed_id: i64,
    replacements: &[Applying],
) -> Result<()> {
    let mut more: BTreeMap<&str, i64> = BTreeMap::new();
    for Applying { record, previous, .. } in replacements {
        if record.key.kind() == KeyKind::Downloads {
            let before = previous.as_ref().map_or(0, State::counter);
            let counted = record.state.counter().saturating_sub(before);
            let sum = more.entry(record.key.name()).or_default();
            *sum = sum.saturating_add(i64::try_from(counted).unwrap_or(i64::MAX));
        }
    }
    let more: Vec<_> = more.into_iter().collect();
    for more in more.chunks(ROWS) {
        let name = || Expr::col(search_entries::Column::Name);
        let added = more.iter().fold(CaseStatement::new(), |case, (package, count)| {
            case.case(name().eq(*package), *count)
        });
        let downloads = Expr::col(search_entries::Column::Downloads).add(added.finally(0));
        search_entries::Entity::update_many()
            .col_expr(search_entries::Column::Downloads, downloads)
            .filter(search_entries::Column::FeedId.eq(feed_id))
            .filter(search_entries::Column::Name.is_in(more.iter().map(|(name, _)| *name)))
            .exec(transaction)
            .await?;
    }
    Ok(())
}
