//! The identity of this instance.

use pakhus_core::Timestamp;
use sea_orm::{EntityTrait, Set};

use crate::entity::instance;
use crate::{Database, Error, Result};

const ROW: i64 = 1;

/// The id of the instance, made on the first call ever and the same for all nodes and times.
///
/// # Errors
/// When the database fails.
pub async fn id(database: &Database, now: Timestamp) -> Result<String> {
    let row = instance::ActiveModel {
        id: Set(ROW),
        instance_id: Set(uuid::Uuid::new_v4().to_string()),
        created_at: Set(now.millis()),
    };
    instance::Entity::insert(row)
        .on_conflict_do_nothing_on([instance::Column::Id])
        .exec_without_returning(database.writer())
        .await?;
    let row = instance::Entity::find_by_id(ROW).one(database.writer()).await?;
    row.map(|row| row.instance_id).ok_or_else(|| Error::broken("the instance has no id"))
}
