//! Feeds, records, the log, links, executions, diagnostics, keys.

use async_trait::async_trait;
use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0001_foundation"
    }
}

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in tables(manager.get_database_backend()) {
            manager.create_table(table).await?;
        }
        let indexes = [
            ("records_seq", "records", &["feed_id", "seq"][..], true),
            ("records_bucket", "records", &["feed_id", "bucket"], false),
            ("shadows_bucket", "shadows", &["feed_id", "bucket"], false),
            ("executions_feed", "executions", &["feed_id", "id"], false),
            ("kept_states_feed", "kept_states", &["feed_id", "id"], false),
            ("sync_tokens_feed", "sync_tokens", &["feed_id", "hash"], true),
        ];
        for (name, table, columns, unique) in indexes {
            let mut index = Index::create();
            index.name(name).table(table);
            for column in columns {
                index.col(*column);
            }
            if unique {
                index.unique();
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

/// A column of a text that is compared by its bytes: identities are, whatever the locale of the
/// database.
fn text(backend: DbBackend, name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text().not_null();
    if backend == DbBackend::Postgres {
        column.extra("COLLATE \"C\"");
    }
    column
}

fn optional_text(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.text();
    column
}

fn number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer().not_null();
    column
}

fn optional_number(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.big_integer();
    column
}

fn bytes(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.blob().not_null();
    column
}

fn flag(name: &'static str) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    column.boolean().not_null();
    column
}

fn id() -> ColumnDef {
    let mut column = ColumnDef::new("id");
    column.big_integer().not_null().auto_increment().primary_key();
    column
}

fn table(
    name: &'static str,
    columns: Vec<ColumnDef>,
    primary_key: &[&'static str],
) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    for column in columns {
        table.col(column);
    }
    if !primary_key.is_empty() {
        let mut key = Index::create();
        for column in primary_key {
            key.col(*column);
        }
        table.primary_key(&mut key);
    }
    table
}

fn tables(backend: DbBackend) -> Vec<TableCreateStatement> {
    let text = |name| text(backend, name);
    vec![
        table("instance", vec![number("id"), text("instance_id"), number("created_at")], &["id"]),
        table("settings", vec![text("name"), text("value")], &["name"]),
        table(
            "feeds",
            vec![
                id(),
                text("name").unique_key().take(),
                text("package_type"),
                text("anonymous"),
                text("origin"),
                text("lineage"),
                number("head"),
                bytes("chain"),
                number("floor"),
                number("first_incarnation"),
                text("server_mode"),
                text("client_mode"),
                optional_text("source_url"),
                optional_text("sync_token"),
                number("interval_ms"),
                number("created_at"),
            ],
            &[],
        ),
        table(
            "packages",
            vec![
                number("feed_id"),
                text("name"),
                text("display"),
                number("revision"),
                number("live_versions"),
            ],
            &["feed_id", "name"],
        ),
        table(
            "records",
            vec![
                number("feed_id"),
                text("name"),
                number("kind"),
                text("item"),
                number("seq"),
                flag("live"),
                bytes("state_digest"),
                text("state"),
                {
                    let mut column = ColumnDef::new("sort_key");
                    column.blob();
                    column
                },
                number("arrived_at"),
                number("bucket"),
            ],
            &["feed_id", "name", "kind", "item"],
        ),
        table(
            "record_blobs",
            vec![number("feed_id"), bytes("digest"), text("name"), text("item"), number("size")],
            &["feed_id", "digest", "name", "item"],
        ),
        table(
            "received_blobs",
            vec![number("feed_id"), bytes("digest"), number("at")],
            &["feed_id", "digest"],
        ),
        table(
            "feed_log",
            vec![
                number("feed_id"),
                number("seq"),
                number("kind"),
                text("name"),
                text("item"),
                bytes("state_digest"),
                number("at"),
                bytes("chain"),
            ],
            &["feed_id", "seq"],
        ),
        table(
            "kept_states",
            vec![
                id(),
                number("feed_id"),
                text("name"),
                number("kind"),
                text("item"),
                text("reason"),
                text("state"),
                number("at"),
            ],
            &[],
        ),
        table(
            "links",
            vec![
                number("feed_id"),
                text("source_url"),
                text("source_instance"),
                text("source_lineage"),
                number("pull_seq"),
                number("witness_seq"),
                bytes("witness_chain"),
                number("push_seq"),
                text("sources"),
            ],
            &["feed_id"],
        ),
        table(
            "shadows",
            vec![
                number("feed_id"),
                text("name"),
                number("kind"),
                text("item"),
                bytes("state_digest"),
                number("bucket"),
            ],
            &["feed_id", "name", "kind", "item"],
        ),
        table(
            "fingerprints",
            vec![number("feed_id"), number("bucket"), bytes("live"), bytes("gone")],
            &["feed_id", "bucket"],
        ),
        table(
            "asides",
            vec![
                number("feed_id"),
                number("reason"),
                text("name"),
                number("kind"),
                text("item"),
                optional_text("state"),
                text("error"),
                number("attempts"),
                number("next_at"),
            ],
            &["feed_id", "reason", "name", "kind", "item"],
        ),
        table(
            "executions",
            vec![
                id(),
                text("category"),
                optional_number("feed_id"),
                optional_text("feed"),
                text("trigger"),
                text("status"),
                number("started_at"),
                optional_number("finished_at"),
                text("summary"),
                flag("changed"),
            ],
            &[],
        ),
        table(
            "execution_log",
            vec![
                number("execution_id"),
                number("line"),
                number("at"),
                number("level"),
                text("text"),
            ],
            &["execution_id", "line"],
        ),
        table(
            "diagnostics",
            vec![id(), number("at"), text("category"), number("level"), text("text")],
            &[],
        ),
        table(
            "api_keys",
            vec![
                id(),
                text("name"),
                bytes("hash").unique_key().take(),
                text("scopes"),
                text("origin"),
                number("created_at"),
                optional_number("expires_at"),
                optional_number("last_used_at"),
            ],
            &[],
        ),
        table(
            "sync_tokens",
            vec![
                id(),
                number("feed_id"),
                bytes("hash"),
                text("origin"),
                number("created_at"),
                optional_number("last_used_at"),
            ],
            &[],
        ),
    ]
}
