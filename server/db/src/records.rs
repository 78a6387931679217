//! Reading what a feed holds of a package.

use std::collections::HashMap;

use pakhus_core::replication::{KeyKind, RecordKey, State};
use pakhus_core::{
    Attribute, Digest, Package, PackageContents, PackageName, PackageVersion, SortKey, Tag,
    Timestamp, VersionRecord,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::entity::{packages, records};
use crate::write::{ROWS, state_of, states_of};
use crate::{Database, Error, Result};

/// The package and its revision; `None` when it has no versions.
///
/// # Errors
/// When the database fails.
pub async fn package(database: &Database, feed_id: i64, name: &str) -> Result<Option<Package>> {
    let row = packages::Entity::find_by_id((feed_id, name.to_owned()))
        .one(database.reader())
        .await?
        .filter(|row| row.live_versions > 0);
    row.map(package_of).transpose()
}

fn package_of(row: packages::Model) -> Result<Package> {
    let name = PackageName::new(row.name, row.display).map_err(Error::broken)?;
    Ok(Package { name, revision: row.revision.cast_unsigned() })
}

/// One version; `None` when it is not there, or no longer.
///
/// # Errors
/// When the database fails.
pub async fn version(
    database: &Database,
    feed_id: i64,
    name: &str,
    version: &str,
) -> Result<Option<VersionRecord>> {
    let id = (feed_id, name.to_owned(), KeyKind::Version as i64, version.to_owned());
    let row = records::Entity::find_by_id(id).one(database.reader()).await?;
    row.filter(|row| row.live).map(|row| version_record(&row)).transpose()
}

/// Those of these versions that are there.
///
/// # Errors
/// When the database fails.
pub async fn versions(
    database: &Database,
    feed_id: i64,
    name: &str,
    versions: &[&str],
) -> Result<Vec<VersionRecord>> {
    let mut found = Vec::with_capacity(versions.len());
    for versions in versions.chunks(ROWS) {
        let rows = records::Entity::find()
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Name.eq(name))
            .filter(records::Column::Kind.eq(KeyKind::Version as i64))
            .filter(records::Column::Item.is_in(versions.iter().copied()))
            .all(database.reader())
            .await?;
        for row in rows.iter().filter(|row| row.live) {
            found.push(version_record(row)?);
        }
    }
    Ok(found)
}

/// The number of a version's last change in the feed's log; `None` when it is not there.
///
/// # Errors
/// When the database fails.
pub async fn version_seq(
    database: &Database,
    feed_id: i64,
    name: &str,
    version: &str,
) -> Result<Option<u64>> {
    let id = (feed_id, name.to_owned(), KeyKind::Version as i64, version.to_owned());
    let row = records::Entity::find_by_id(id).one(database.reader()).await?;
    Ok(row.filter(|row| row.live).map(|row| row.seq.cast_unsigned()))
}

/// The states of those of `keys` that have one.
///
/// # Errors
/// When the database fails.
pub async fn states(
    database: &Database,
    feed_id: i64,
    keys: &[RecordKey],
) -> Result<HashMap<RecordKey, State>> {
    states_of(database.reader(), feed_id, keys).await
}

/// All that the feed holds of a package; `None` when it has no versions.
///
/// # Errors
/// When the database fails.
pub async fn contents(
    database: &Database,
    feed_id: i64,
    name: &str,
) -> Result<Option<PackageContents>> {
    Ok(contents_of(database, feed_id, &[name]).await?.pop())
}

/// All that the feed holds of those of the packages that have versions, in the order of their names. No
/// name may be there twice.
///
/// # Errors
/// When the database fails.
pub async fn contents_of(
    database: &Database,
    feed_id: i64,
    names: &[&str],
) -> Result<Vec<PackageContents>> {
    let mut all = Vec::with_capacity(names.len());
    for names in names.chunks(ROWS) {
        // The revisions are read first: should a change come in between, the document rendered from the
        // newer records is kept under the older revision, and nobody asks for that again.
        let packages = packages::Entity::find()
            .filter(packages::Column::FeedId.eq(feed_id))
            .filter(packages::Column::Name.is_in(names.iter().copied()))
            .filter(packages::Column::LiveVersions.gt(0))
            .order_by_asc(packages::Column::Name)
            .all(database.reader())
            .await?;
        if packages.is_empty() {
            continue;
        }
        let rows = records::Entity::find()
            .filter(records::Column::FeedId.eq(feed_id))
            .filter(records::Column::Name.is_in(packages.iter().map(|row| row.name.as_str())))
            .order_by_asc(records::Column::Name)
            .order_by_asc(records::Column::Kind)
            .order_by_asc(records::Column::SortKey)
            .order_by_asc(records::Column::Item)
            .all(database.reader())
            .await?;
        let mut rows = rows.chunk_by(|row, next| row.name == next.name).peekable();
        for row in packages {
            let rows = rows.next_if(|rows| rows[0].name == row.name).unwrap_or_default();
            all.extend(contents_in(package_of(row)?, rows)?);
        }
    }
    Ok(all)
}

/// What the records of a package come to; `None` when they have no version.
fn contents_in(package: Package, rows: &[records::Model]) -> Result<Option<PackageContents>> {
    let fingerprint = fingerprint_of(
        rows.iter().map(|row| (row.kind, row.item.as_str(), row.state_digest.as_slice())),
    );
    let mut contents = PackageContents {
        package,
        versions: Vec::new(),
        tags: Vec::new(),
        attributes: Vec::new(),
        fingerprint,
        modified_at: Timestamp::EPOCH,
    };
    for row in rows {
        let key = row.key()?;
        let state = state_of(row)?;
        contents.modified_at = contents.modified_at.max(state.at());
        if let (RecordKey::Version { .. }, true) = (&key, row.live) {
            contents.versions.push(version_record_of(row, &state)?);
        }
        let State::Register(state) = state else { continue };
        let Some(value) = state.value else { continue };
        match key {
            RecordKey::Tag { tag, .. } => contents.tags.push(Tag {
                name: tag,
                version: value.parse().map_err(Error::broken)?,
                at: state.at,
            }),
            RecordKey::Attribute { version, attribute, .. } => {
                contents.attributes.push(Attribute {
                    name: attribute,
                    version,
                    value,
                    at: state.at,
                });
            }
            RecordKey::Version { .. } | RecordKey::Downloads { .. } => {}
        }
    }
    Ok((!contents.versions.is_empty()).then_some(contents))
}

/// The fingerprint of one package: see [`PackageContents::fingerprint`].
pub(crate) async fn fingerprint(
    connection: &impl ConnectionTrait,
    feed_id: i64,
    name: &str,
) -> Result<String> {
    let rows: Vec<(i64, String, Vec<u8>)> = records::Entity::find()
        .select_only()
        .columns([records::Column::Kind, records::Column::Item, records::Column::StateDigest])
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Name.eq(name))
        .into_tuple()
        .all(connection)
        .await?;
    Ok(fingerprint_of(
        rows.iter().map(|(kind, item, digest)| (*kind, item.as_str(), digest.as_slice())),
    ))
}

fn fingerprint_of<'a>(rows: impl Iterator<Item = (i64, &'a str, &'a [u8])>) -> String {
    // Downloads are left out: counting one must not make an edit in progress stale.
    let downloads = KeyKind::Downloads as i64;
    let mut rows: Vec<_> = rows.filter(|(kind, ..)| *kind != downloads).collect();
    rows.sort_unstable();
    let kinds: Vec<_> = rows.iter().map(|(kind, ..)| kind.to_be_bytes()).collect();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(3 * rows.len());
    for ((_, item, digest), kind) in rows.iter().zip(&kinds) {
        parts.extend([kind.as_slice(), item.as_bytes(), digest]);
    }
    Digest::of_parts(&parts).hex()
}

fn version_record(row: &records::Model) -> Result<VersionRecord> {
    version_record_of(row, &state_of(row)?)
}

fn version_record_of(row: &records::Model, state: &State) -> Result<VersionRecord> {
    let content = state.content().ok_or_else(|| Error::broken("a live version without content"))?;
    let sort_key = SortKey::from_bytes(row.sort_key.clone().unwrap_or_default());
    Ok(VersionRecord {
        name: PackageName::new(&row.name, &content.name).map_err(Error::broken)?,
        version: PackageVersion::new(&row.item, &content.version, sort_key)
            .map_err(Error::broken)?,
        metadata: content.metadata.clone(),
        blobs: content.blobs.clone(),
        published_at: content
            .published_at
            .unwrap_or_else(|| Timestamp::from_millis(row.arrived_at)),
    })
}
