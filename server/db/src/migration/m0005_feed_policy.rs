//! What feeds let clients do to versions that are there.

use async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_feed_policy"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ColumnDef::new("deletes").text().not_null().default("unlist").take(),
            ColumnDef::new("overwrite").boolean().not_null().default(false).take(),
        ];
        // One by one: SQLite adds one column at a time.
        for column in columns {
            manager.alter_table(Table::alter().table("feeds").add_column(column).take()).await?;
        }
        Ok(())
    }
}
