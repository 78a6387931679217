//! What an execution could not move, record by record.

use async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0005_failures"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let failures = Table::create()
            .table("execution_failures")
            .col(number("execution_id"))
            .col(number("number"))
            .col(number("at"))
            .col(text("package"))
            .col(ColumnDef::new("version").text())
            .col(text("item"))
            .col(text("reason"))
            .primary_key(Index::create().col("execution_id").col("number"))
            .take();
        manager.create_table(failures).await
    }
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}
