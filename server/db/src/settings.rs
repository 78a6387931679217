//! Settings of the instance that operators change while it runs.

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};

use crate::entity::settings;
use crate::{Database, Result};

/// The value of a setting; `None` when it was never set.
///
/// # Errors
/// When the database fails.
pub async fn get(database: &Database, name: &str) -> Result<Option<String>> {
    let row = settings::Entity::find_by_id(name).one(database.reader()).await?;
    Ok(row.map(|row| row.value))
}

/// Sets a setting.
///
/// # Errors
/// When the database fails.
pub async fn set(database: &Database, name: &str, value: &str) -> Result<()> {
    let row = settings::ActiveModel { name: Set(name.to_owned()), value: Set(value.to_owned()) };
    settings::Entity::insert(row)
        .on_conflict(
            OnConflict::column(settings::Column::Name)
                .update_column(settings::Column::Value)
                .to_owned(),
        )
        .exec_without_returning(database.writer())
        .await?;
    Ok(())
}
