//! Connections: one writer and several readers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::watch;

use crate::{Error, Result, migration};

/// An open database.
///
/// On SQLite, writes go through one connection and reads through a read-only pool, so that readers
/// never wait for a writer; on PostgreSQL both are one pool.
#[derive(Debug, Clone)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    heads: Arc<Mutex<HashMap<i64, watch::Sender<u64>>>>,
}

/// How long a connection waits for a lock or a place in the pool.
const PATIENCE: Duration = Duration::from_secs(30);

impl Database {
    /// Opens `url` (`sqlite:PATH` or `postgres://…`), creates what is missing and brings the schema up
    /// to date. Two nodes may do so at once.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated, or the URL is of another kind.
    pub async fn open(url: &str) -> Result<Self> {
        let database = if url.starts_with("sqlite:") {
            Self::connect_sqlite(url).await?
        } else {
            let mut options = ConnectOptions::new(url);
            options.max_connections(20).acquire_timeout(PATIENCE).sqlx_logging(false);
            options.test_before_acquire(false).record_stmt_in_spans(false);
            let pool = sea_orm::Database::connect(options).await?;
            Self { writer: pool.clone(), reader: pool, heads: Arc::default() }
        };
        migration::run(&database).await?;
        Ok(database)
    }

    async fn connect_sqlite(url: &str) -> Result<Self> {
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        if let Some(folder) = Path::new(path).parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| {
                Error::Database(sea_orm::DbErr::Custom(format!(
                    "cannot create the folder {}: {error}",
                    folder.display()
                )))
            })?;
        }
        // FULL: with WAL, NORMAL could lose the last commits when the power fails, and those were
        // acknowledged.
        let pragmas = |options: SqliteConnectOptions| {
            options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(PATIENCE)
                .pragma("cache_size", "-16384")
                .optimize_on_close(true, 400)
        };
        let mut writer = ConnectOptions::new(format!("sqlite:{path}?mode=rwc"));
        writer.max_connections(1).acquire_timeout(PATIENCE).sqlx_logging(false);
        writer.test_before_acquire(false).record_stmt_in_spans(false);
        writer.map_sqlx_sqlite_opts(pragmas);
        let mut reader = ConnectOptions::new(format!("sqlite:{path}"));
        reader.max_connections(4).acquire_timeout(PATIENCE).sqlx_logging(false);
        reader.test_before_acquire(false).record_stmt_in_spans(false);
        reader.map_sqlx_sqlite_opts(move |options| pragmas(options).read_only(true));
        // The writer first: it creates the file and sets the journal mode.
        let writer = sea_orm::Database::connect(writer).await?;
        let reader = sea_orm::Database::connect(reader).await?;
        Ok(Self { writer, reader, heads: Arc::default() })
    }

    /// For reads.
    pub(crate) const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For single writes that need no transaction.
    pub(crate) const fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once: a transaction
    /// that reads first and then writes would fail when another wrote in between.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        self.reader.ping().await?;
        Ok(())
    }

    /// Closes all connections; SQLite writes its log back into the database file.
    pub async fn close(self) {
        let _ = self.reader.close_by_ref().await;
        let _ = self.writer.close_by_ref().await;
    }

    /// Watches the end of a feed's log, as far as this process writes it.
    #[must_use]
    pub fn watch_head(&self, feed_id: i64) -> watch::Receiver<u64> {
        self.head_sender(feed_id).subscribe()
    }

    /// Tells the watchers of a feed that its log has grown.
    pub(crate) fn announce_head(&self, feed_id: i64, head: u64) {
        self.head_sender(feed_id).send_if_modified(|known| {
            let grown = head > *known;
            *known = head.max(*known);
            grown
        });
    }

    fn head_sender(&self, feed_id: i64) -> watch::Sender<u64> {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.entry(feed_id).or_insert_with(|| watch::channel(0).0).clone()
    }
}
