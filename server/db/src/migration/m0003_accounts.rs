//! Users, keys that belong to somebody, sign-ins that are under way.

use async_trait::async_trait;
use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0003_accounts"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(users(manager.get_database_backend())).await?;
        manager.create_table(logins()).await?;
        let columns = [
            ColumnDef::new("user_id").big_integer().take(),
            ColumnDef::new("parent_id").big_integer().take(),
            ColumnDef::new("read_only").boolean().not_null().default(false).take(),
            ColumnDef::new("networks").text().not_null().default("").take(),
            ColumnDef::new("beginning").text().not_null().default("").take(),
        ];
        // One by one: SQLite adds one column at a time.
        for column in columns {
            let alter = Table::alter().table("api_keys").add_column(column).take();
            manager.alter_table(alter).await?;
        }
        for (name, column) in [("api_keys_user", "user_id"), ("api_keys_parent", "parent_id")] {
            let index = Index::create().name(name).table("api_keys").col(column).take();
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn users(backend: DbBackend) -> TableCreateStatement {
    let mut name = text("name").unique_key().take();
    if backend == DbBackend::Postgres {
        // Ordered by its bytes, whatever the locale of the database.
        name.extra("COLLATE \"C\"");
    }
    Table::create()
        .table("users")
        .col(id())
        .col(name)
        .col(ColumnDef::new("email").text())
        .col(text("password"))
        .col(text("scopes"))
        .col(text("origin"))
        .col(number("created_at"))
        .col(number("updated_at"))
        .take()
}

fn logins() -> TableCreateStatement {
    Table::create()
        .table("logins")
        .col(id())
        .col(ColumnDef::new("page_hash").blob().not_null().unique_key())
        .col(ColumnDef::new("poll_hash").blob().not_null().unique_key())
        .col(text("label"))
        .col(text("package_type"))
        .col(text("feed"))
        .col(text("address"))
        .col(number("created_at"))
        .col(number("expires_at"))
        .col(ColumnDef::new("user_id").big_integer())
        .col(ColumnDef::new("parent_id").big_integer())
        .take()
}

fn id() -> ColumnDef {
    ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key().take()
}

fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}
