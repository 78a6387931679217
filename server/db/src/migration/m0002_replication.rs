//! Limits and pauses of replication, leases of nodes, counts of downloads in the sums.

use async_trait::async_trait;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0002_replication"
    }
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ("feeds", ColumnDef::new("paused").boolean().not_null().default(false).take()),
            ("feeds", number("max_deletes", 10)),
            ("feeds", number("max_deletes_percent", 20)),
            ("feeds", ColumnDef::new("bandwidth").big_integer().take()),
            ("feeds", number("concurrency", 6)),
            ("feeds", number("keep_trash_ms", 30 * DAY_MS)),
            ("feeds", number("keep_deleted_ms", 730 * DAY_MS)),
            ("executions", ColumnDef::new("node").text().not_null().default("").take()),
            ("executions", ColumnDef::new("counts").text().not_null().default("{}").take()),
            (
                "fingerprints",
                ColumnDef::new("counts").blob().not_null().default(vec![0_u8; 32]).take(),
            ),
        ];
        // One by one: SQLite adds one column at a time.
        for (table, column) in columns {
            manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
        }
        // Few records are gone, and those are looked for among very many.
        let gone = "CREATE INDEX records_gone ON records (feed_id, arrived_at) WHERE NOT live";
        manager.get_connection().execute_unprepared(gone).await?;
        let leases = Table::create()
            .table("leases")
            .col(ColumnDef::new("name").text().not_null().primary_key())
            .col(ColumnDef::new("holder").text().not_null())
            .col(ColumnDef::new("fence").big_integer().not_null())
            .col(ColumnDef::new("expires_at").big_integer().not_null())
            .take();
        manager.create_table(leases).await
    }
}

fn number(name: &'static str, default: i64) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().default(default).take()
}
