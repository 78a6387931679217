//! Blobs that clients brought to a package, and other digests that versions call blobs by.

use async_trait::async_trait;
use sea_orm::DbBackend;
use sea_orm_migration::prelude::*;

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &'static str {
        "m0007_package_blobs"
    }
}

const SQLITE: &[&str] = &[
    "CREATE TABLE package_blobs (feed_id BIGINT NOT NULL, \
     name TEXT NOT NULL, called TEXT NOT NULL, digest BLOB NOT NULL, size BIGINT NOT NULL, \
     at BIGINT NOT NULL, PRIMARY KEY (feed_id, name, called)) WITHOUT ROWID",
    "ALTER TABLE record_blobs ADD COLUMN sha512 BLOB",
];

const POSTGRES: &[&str] = &[
    "CREATE TABLE package_blobs (feed_id BIGINT NOT NULL, \
     name TEXT COLLATE \"C\" NOT NULL, called TEXT COLLATE \"C\" NOT NULL, digest BYTEA NOT NULL, \
     size BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (feed_id, name, called))",
    "ALTER TABLE record_blobs ADD COLUMN sha512 BYTEA",
];

const BOTH: &[&str] = &[
    "CREATE INDEX package_blobs_digest ON package_blobs (digest)",
    "CREATE INDEX package_blobs_at ON package_blobs (at)",
    "CREATE INDEX record_blobs_sha512 ON record_blobs (feed_id, sha512) WHERE sha512 IS NOT NULL",
];

#[async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let own = match manager.get_database_backend() {
            DbBackend::Sqlite => SQLITE,
            _ => POSTGRES,
        };
        for statement in own.iter().chain(BOTH) {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
