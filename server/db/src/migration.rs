//! The schema, as a list of migrations that only grows: one that was released is never changed.

mod m0001_foundation;
mod m0002_replication;
mod m0003_accounts;
mod m0004_search;
mod m0005_failures;
mod m0006_feed_policy;
mod m0007_package_blobs;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::{Database, Result};

struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_foundation::Migration),
            Box::new(m0002_replication::Migration),
            Box::new(m0003_accounts::Migration),
            Box::new(m0004_search::Migration),
            Box::new(m0005_failures::Migration),
            Box::new(m0006_feed_policy::Migration),
            Box::new(m0007_package_blobs::Migration),
        ]
    }
}

/// The number of the lock that one migrating node holds on PostgreSQL.
const LOCK: i64 = 0x7061_6b68_7573;

/// Brings the schema up to date in one transaction that only one node can be in: on SQLite by the
/// write lock, on PostgreSQL by an advisory lock that ends with the transaction.
pub(crate) async fn run(database: &Database) -> Result<()> {
    let transaction = database.begin().await?;
    if database.backend() == DbBackend::Postgres {
        transaction.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    }
    Migrator::up(&transaction, None).await?;
    transaction.commit().await?;
    Ok(())
}
