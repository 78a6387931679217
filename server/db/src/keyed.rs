//! Tables with a row for each of some record keys: the key in the columns `name`, `kind` and `item`.

use pakhus_core::replication::RecordKey;
use sea_orm::sea_query::Expr;
use sea_orm::{EntityTrait, ExprTrait, QueryFilter, QuerySelect, Select};

use crate::entity::{records, shadows};
use crate::{Error, Result};

/// A table with a row for each of some record keys.
pub(crate) trait Keyed: EntityTrait {
    /// Its columns `name`, `kind` and `item`.
    const KEY: [Self::Column; 3];
}

impl Keyed for records::Entity {
    const KEY: [Self::Column; 3] =
        [records::Column::Name, records::Column::Kind, records::Column::Item];
}

impl Keyed for shadows::Entity {
    const KEY: [Self::Column; 3] =
        [shadows::Column::Name, shadows::Column::Kind, shadows::Column::Item];
}

/// Narrows `query` to the rows under `keys`: at least one, and none twice.
///
/// By a join with the list of keys: for `(name, kind, item) IN (…)` SQLite reads all versions of each
/// package, and PostgreSQL takes ten times as long to plan.
pub(crate) fn under<E: Keyed>(mut query: Select<E>, keys: &[RecordKey]) -> Select<E> {
    let rows = keys.iter().map(|key| (key.name(), key.kind() as i64, key.item()));
    QuerySelect::query(&mut query).from_values(rows, "keys");
    E::KEY.into_iter().zip(["column1", "column2", "column3"]).fold(query, |query, (own, listed)| {
        query.filter(Expr::col((E::default(), own)).equals(("keys", listed)))
    })
}

impl records::Model {
    pub(crate) fn key(&self) -> Result<RecordKey> {
        key(self.kind, &self.name, &self.item)
    }
}

impl shadows::Model {
    pub(crate) fn key(&self) -> Result<RecordKey> {
        key(self.kind, &self.name, &self.item)
    }
}

pub(crate) fn key(kind: i64, name: &str, item: &str) -> Result<RecordKey> {
    u8::try_from(kind)
        .ok()
        .and_then(|kind| RecordKey::from_parts(kind, name, item))
        .ok_or_else(|| Error::broken(format!("a key of kind {kind}")))
}
