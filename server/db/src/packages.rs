//! Listing the packages of a feed.

use std::collections::{BTreeMap, BTreeSet};

use pakhus_core::replication::{KeyKind, RecordKey};
use pakhus_core::{Download, LISTED, PackageName, Timestamp};
use sea_orm::sea_query::{Expr, Func, LikeExpr};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{packages, records};
use crate::write::{ROWS, state_of};
use crate::{Database, Error, Result, downloads};

/// A package, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSummary {
    /// Its key, which the next page goes on after.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its versions, in their order.
    pub versions: Vec<VersionSummary>,
}

/// A version, as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSummary {
    /// The version.
    pub version: String,
    /// Whether it is listed.
    pub listed: bool,
    /// When it was published.
    pub published_at: Timestamp,
    /// The bytes of its blobs.
    pub size: u64,
    /// How often it was downloaded, at all sites together.
    pub downloads: u64,
}

/// At most `limit` packages whose key comes after `after` and, where `search` is given, contains it,
/// in upper or lower case.
///
/// # Errors
/// When the database fails.
pub async fn list(
    database: &Database,
    feed_id: i64,
    search: Option<&str>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<PackageSummary>> {
    let mut query = packages::Entity::find()
        .filter(packages::Column::FeedId.eq(feed_id))
        .filter(packages::Column::LiveVersions.gt(0))
        .filter(packages::is_shown());
    if let Some(search) = search {
        // SQLite takes upper and lower case of ASCII for the same here, and of nothing else; so does
        // PostgreSQL's `lower` for the collation that the column has.
        let pattern = LikeExpr::new(pattern(&search.to_ascii_lowercase())).escape('\\');
        let name = Expr::col((packages::Entity, packages::Column::Name));
        query = query.filter(Func::lower(name).like(pattern));
    }
    if let Some(after) = after {
        query = query.filter(packages::Column::Name.gt(after));
    }
    let packages =
        query.order_by_asc(packages::Column::Name).limit(limit).all(database.reader()).await?;
    let names: Vec<_> = packages.iter().map(|package| package.name.clone()).collect();
    let downloads = downloads::totals(database, feed_id, &names).await?;
    let mut versions: BTreeMap<String, Vec<VersionSummary>> = BTreeMap::new();
    for names in names.chunks(ROWS) {
        let rows = records::Entity::find()
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Name.is_in(names.to_vec()))
            .filter(records::Column::Kind.eq(KeyKind::Version as i64))
            .filter(records::Column::Live.eq(true))
            .order_by_asc(records::Column::Name)
            .order_by_asc(records::Column::SortKey)
            .order_by_asc(records::Column::Item)
            .all(database.reader())
            .await?;
        let unlisted = unlisted(database, feed_id, names).await?;
        for row in rows {
            let state = state_of(&row)?;
            let content =
                state.content().ok_or_else(|| Error::broken("a live version without content"))?;
            let download = Download { name: row.name.clone(), version: row.item.clone() };
            versions.entry(row.name.clone()).or_default().push(VersionSummary {
                version: content.version.clone(),
                listed: !unlisted.contains(&(row.name.clone(), row.item.clone())),
                published_at: content
                    .published_at
                    .unwrap_or_else(|| Timestamp::from_millis(row.arrived_at)),
                size: content.blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.size)),
                downloads: downloads.get(&download).copied().unwrap_or_default(),
            });
        }
    }
    let summaries = packages.into_iter().map(|package| PackageSummary {
        versions: versions.remove(&package.name).unwrap_or_default(),
        key: package.name,
        name: package.display,
    });
    Ok(summaries.collect())
}

/// At most `limit` packages that have versions and whose keys come after `after`.
///
/// # Errors
/// When the database fails.
pub async fn names(
    database: &Database,
    feed_id: i64,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<PackageName>> {
    let rows = packages::Entity::find()
        .filter(packages::Column::FeedId.eq(feed_id))
        .filter(packages::Column::LiveVersions.gt(0))
        .filter(packages::Column::Name.gt(after.unwrap_or_default()))
        .order_by_asc(packages::Column::Name)
        .limit(limit)
        .all(database.reader())
        .await?;
    let names = rows.into_iter().map(|row| PackageName::new(row.name, row.display));
    names.collect::<std::result::Result<_, _>>().map_err(Error::broken)
}

/// The versions of these packages that are not listed.
async fn unlisted(
    database: &Database,
    feed_id: i64,
    names: &[String],
) -> Result<BTreeSet<(String, String)>> {
    let rows = records::Entity::find()
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Name.is_in(names.to_vec()))
        .filter(records::Column::Kind.eq(KeyKind::Attribute as i64))
        .filter(records::Column::Live.eq(true))
        .filter(records::Column::Item.starts_with(format!("{LISTED}/")))
        .all(database.reader())
        .await?;
    let mut unlisted = BTreeSet::new();
    for row in rows {
        if let RecordKey::Attribute { name, version: Some(version), .. } = row.key()? {
            unlisted.insert((name, version));
        }
    }
    Ok(unlisted)
}

/// The LIKE pattern of what contains `text`.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
