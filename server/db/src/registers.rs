//! Reading the tags and attributes of a package by themselves.

use std::collections::HashSet;

use pakhus_core::Attribute;
use pakhus_core::replication::{KeyKind, RecordKey, State};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::records;
use crate::write::{ROWS, state_of};
use crate::{Database, Error, Result};

/// The key of the version that a tag points to; `None` when there is no such tag.
///
/// # Errors
/// When the database fails.
pub async fn tag(
    database: &Database,
    feed_id: i64,
    name: &str,
    tag: &str,
) -> Result<Option<String>> {
    let id = (feed_id, name.to_owned(), KeyKind::Tag as i64, tag.to_owned());
    let row = records::Entity::find_by_id(id).one(database.reader()).await?;
    row.as_ref().map_or(Ok(None), target)
}

fn target(row: &records::Model) -> Result<Option<String>> {
    let State::Register(state) = state_of(row)? else { return Ok(None) };
    state.value.map(|value| value.parse().map_err(Error::broken)).transpose()
}

/// At most `limit` tags after `after` that point to versions that are there, with those, in the order of
/// their bytes.
///
/// # Errors
/// When the database fails.
pub async fn tags(
    database: &Database,
    feed_id: i64,
    name: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut after = after.unwrap_or_default().to_owned();
    while (found.len() as u64) < limit {
        let step = (limit - found.len() as u64).min(ROWS as u64);
        let rows = page(database, feed_id, name, KeyKind::Tag, &after, None, step).await?;
        let Some(last) = rows.last() else { break };
        last.item.clone_into(&mut after);
        let mut tags = Vec::with_capacity(rows.len());
        for row in &rows {
            tags.extend(target(row)?.map(|version| (row.item.clone(), version)));
        }
        let versions: HashSet<&str> = tags.iter().map(|(_, version)| version.as_str()).collect();
        let there: Vec<String> = records::Entity::find()
            .select_only()
            .column(records::Column::Item)
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Name.eq(name))
            .filter(records::Column::Kind.eq(KeyKind::Version as i64))
            .filter(records::Column::Item.is_in(versions))
            .filter(records::Column::Live.eq(true))
            .into_tuple()
            .all(database.reader())
            .await?;
        let there: HashSet<_> = there.into_iter().collect();
        found.extend(tags.into_iter().filter(|(_, version)| there.contains(version)));
        if (rows.len() as u64) < step {
            break;
        }
    }
    Ok(found)
}

/// At most `limit` attributes of this name on versions after `after`, in the order of the versions' keys.
///
/// # Errors
/// When the database fails.
pub async fn attributes(
    database: &Database,
    feed_id: i64,
    name: &str,
    attribute: &str,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Attribute>> {
    let item = |version: Option<&str>| {
        let attribute = attribute.to_owned();
        let version = version.map(str::to_owned);
        RecordKey::Attribute { name: name.to_owned(), version, attribute }.item()
    };
    // What hangs on the package has the item that comes before all of its versions.
    let (first, beyond) = (item(after), format!("{attribute}0"));
    let rows =
        page(database, feed_id, name, KeyKind::Attribute, &first, Some(&beyond), limit).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (RecordKey::Attribute { version, attribute, .. }, State::Register(state)) =
            (row.key()?, state_of(&row)?)
        else {
            continue;
        };
        let Some(value) = state.value else { continue };
        found.push(Attribute { name: attribute, version, value, at: state.at });
    }
    Ok(found)
}

/// Live records of a kind of a package whose items come after `after` and before `before`.
async fn page(
    database: &Database,
    feed_id: i64,
    name: &str,
    kind: KeyKind,
    after: &str,
    before: Option<&str>,
    limit: u64,
) -> Result<Vec<records::Model>> {
    let mut query = records::Entity::find()
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Name.eq(name))
        .filter(records::Column::Kind.eq(kind as i64))
        .filter(records::Column::Item.gt(after))
        .filter(records::Column::Live.eq(true));
    if let Some(before) = before {
        query = query.filter(records::Column::Item.lt(before));
    }
    let rows = query.order_by_asc(records::Column::Item).limit(limit).all(database.reader());
    Ok(rows.await?)
}
