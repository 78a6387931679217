//! The log of a feed's versions, for adapters that tell clients of it.

use pakhus_core::replication::{KeyKind, RecordKey, State};
use pakhus_core::{
    LogStretch, PackageName, PackageVersion, SortKey, Timestamp, VersionChange, VersionChanges,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, SimpleExpr};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};

use crate::entity::records;
use crate::write::{state_of, states_of};
use crate::{Database, Error, Result};

/// The records that are told of: versions and attributes of versions, of packages that people are
/// shown. The item of an attribute of a package ends in a slash.
fn is_told() -> SimpleExpr {
    let kinds = [KeyKind::Version as i64, KeyKind::Attribute as i64];
    records::Column::Kind
        .is_in(kinds)
        .and(records::Column::Name.not_like(".%"))
        .and(records::Column::Item.not_like("%/"))
}

/// At most `limit` of the last changes of versions behind number `after`: see
/// [`pakhus_core::Host::changes`].
///
/// # Errors
/// When the database fails.
pub async fn after(
    database: &Database,
    feed_id: i64,
    after: u64,
    limit: u64,
) -> Result<VersionChanges> {
    let after = after.cast_signed();
    let before: Option<Option<i64>> = records::Entity::find()
        .select_only()
        .column_as(Expr::col(records::Column::ArrivedAt).max(), "latest")
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Seq.lte(after))
        .filter(is_told())
        .into_tuple()
        .one(database.reader())
        .await?;
    let rows = records::Entity::find()
        .filter(records::Column::FeedId.eq(feed_id))
        .filter(records::Column::Seq.gt(after))
        .filter(is_told())
        .order_by_asc(records::Column::Seq)
        .limit(limit)
        .all(database.reader())
        .await?;
    let keys = rows.iter().map(records::Model::key).collect::<Result<Vec<_>>>()?;
    let versions: Vec<_> = keys.iter().filter_map(version_of).collect();
    let others: Vec<_> = versions.iter().filter(|key| !keys.contains(key)).cloned().collect();
    let mut states = states_of(database.reader(), feed_id, &others).await?;
    for (row, key) in rows.iter().zip(&keys) {
        states.insert(key.clone(), state_of(row)?);
    }
    let mut changes = Vec::with_capacity(rows.len());
    for (row, key) in rows.iter().zip(&keys) {
        let Some(key) = version_of(key) else { continue };
        changes.push(change(row, &key, states.get(&key))?);
    }
    let before = Timestamp::from_millis(before.flatten().unwrap_or_default());
    Ok(VersionChanges { before, changes })
}

/// The version that a record is, or hangs on.
fn version_of(key: &RecordKey) -> Option<RecordKey> {
    match key {
        RecordKey::Version { .. } => Some(key.clone()),
        RecordKey::Attribute { name, version, .. } => {
            Some(RecordKey::Version { name: name.clone(), version: version.clone()? })
        }
        RecordKey::Tag { .. } | RecordKey::Downloads { .. } => None,
    }
}

fn change(
    row: &records::Model,
    version: &RecordKey,
    state: Option<&State>,
) -> Result<VersionChange> {
    let (name, item) = (version.name(), version.item());
    let content = state.and_then(State::content);
    let shown = content.map_or((name, item.as_str()), |it| (&it.name, &it.version));
    Ok(VersionChange {
        sequence: row.seq.cast_unsigned(),
        at: Timestamp::from_millis(row.arrived_at),
        name: PackageName::new(name, shown.0).map_err(Error::broken)?,
        version: PackageVersion::new(&item, shown.1, SortKey::from_bytes(Vec::new()))
            .map_err(Error::broken)?,
        is_there: content.is_some(),
    })
}

/// The stretches of the log: see [`pakhus_core::Host::stretches`].
///
/// # Errors
/// When the database fails.
pub async fn stretches(database: &Database, feed_id: i64, length: u64) -> Result<Vec<LogStretch>> {
    let length = Ord::max(length, 1).cast_signed();
    let (version, attribute) = (KeyKind::Version as i64, KeyKind::Attribute as i64);
    let sql = format!(
        "SELECT (seq - 1) / {length}, count(*), max(seq), max(arrived_at) FROM records \
         WHERE feed_id = {feed_id} AND kind IN ({version}, {attribute}) AND name NOT LIKE '.%' \
         AND item NOT LIKE '%/' \
         GROUP BY 1 ORDER BY 1"
    );
    let statement = Statement::from_string(database.backend(), sql);
    let mut latest = 0;
    let mut stretches = Vec::new();
    for row in database.reader().query_all_raw(statement).await? {
        let number = |place| row.try_get_by_index::<i64>(place);
        latest = Ord::max(latest, number(3)?);
        stretches.push(LogStretch {
            number: number(0)?.cast_unsigned(),
            count: number(1)?.cast_unsigned(),
            last: number(2)?.cast_unsigned(),
            latest: Timestamp::from_millis(latest),
        });
    }
    Ok(stretches)
}
