//! The rows of packages, which follow from their records.

use std::collections::{BTreeMap, HashMap};

use pakhus_core::replication::{Applying, KeyKind, State};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use super::{LockedFeed, ROWS};
use crate::Result;
use crate::entity::packages;

/// Brings the rows of the packages up to date: their revision is the number of their last change.
pub(super) async fn write_packages(
    transaction: &DatabaseTransaction,
    feed: &LockedFeed,
    replacements: &[Applying],
) -> Result<()> {
    struct Touched {
        display: Option<String>,
        revision: i64,
        live: i64,
    }
    let mut touched: BTreeMap<&str, Touched> = BTreeMap::new();
    let mut seq = feed.end.seq.cast_signed();
    for Applying { record, previous, .. } in replacements {
        seq += 1;
        // Nothing that is rendered of a package says how often it was downloaded.
        if record.key.kind() == KeyKind::Downloads {
            continue;
        }
        let package = touched.entry(record.key.name()).or_insert(Touched {
            display: None,
            revision: 0,
            live: 0,
        });
        package.revision = seq;
        if let State::Version(_) = record.state {
            package.live += i64::from(record.state.is_live());
            package.live -= i64::from(previous.as_ref().is_some_and(State::is_live));
        }
        if let Some(content) = record.state.content() {
            package.display = Some(content.name.clone());
        }
    }
    let names: Vec<_> = touched.keys().copied().collect();
    for names in names.chunks(ROWS) {
        let known: HashMap<_, _> = packages::Entity::find()
            .filter(packages::Column::FeedId.eq(feed.id))
            .filter(packages::Column::Name.is_in(names.iter().copied()))
            .all(transaction)
            .await?
            .into_iter()
            .map(|package| (package.name.clone(), package))
            .collect();
        let rows: Vec<_> = names
            .iter()
            .map(|name| {
                let package = &touched[name];
                // A package is shown as it was first published.
                let known = known.get(*name);
                let display = known
                    .filter(|known| known.live_versions > 0)
                    .map(|known| known.display.clone())
                    .or_else(|| package.display.clone())
                    .or_else(|| known.map(|known| known.display.clone()))
                    .unwrap_or_else(|| (*name).to_owned());
                packages::ActiveModel {
                    feed_id: Set(feed.id),
                    name: Set((*name).to_owned()),
                    display: Set(display),
                    revision: Set(package.revision),
                    live_versions: Set(known.map_or(0, |known| known.live_versions) + package.live),
                }
            })
            .collect();
        packages::Entity::insert_many(rows)
            .on_conflict(
                OnConflict::columns([packages::Column::FeedId, packages::Column::Name])
                    .update_columns([
                        packages::Column::Display,
                        packages::Column::Revision,
                        packages::Column::LiveVersions,
                    ])
                    .to_owned(),
            )
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}
