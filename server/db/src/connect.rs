//! Connections: one writer and several readers.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx::Connection as _;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectOptions, DatabaseConnection, DatabaseTransaction,
    DbBackend, DbErr, EntityTrait, IntoActiveModel, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{broadcast, watch};

use crate::commit::Queues;
use crate::stamps::Stamps;
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
    stamps: Arc<Stamps>,
    waiting: Arc<Queues>,
    changes: broadcast::Sender<PackagesChanged>,
}

/// Packages that a commit has changed.
#[derive(Debug, Clone)]
pub struct PackagesChanged {
    /// Their feed.
    pub feed_id: i64,
    /// The keys of their names; one may be there several times.
    pub names: Arc<[String]>,
}

/// How many commits are remembered for somebody who is slow to look at them.
const REMEMBERED: usize = 1_000;

/// How long a connection waits for a lock or a place in the pool.
const PATIENCE: Duration = Duration::from_secs(30);

/// In place of a feed's number; those count from one.
const NO_FEED: i64 = 0;

impl Database {
    /// Opens `url` (`sqlite:PATH`, percent-encoded, or `postgres://…`), creates what is missing and
    /// brings the schema up to date. Two nodes may do so at once.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated, or the URL is of another kind.
    pub async fn open(url: &str) -> Result<Self> {
        let database = if url.starts_with("sqlite:") {
            Self::connect_sqlite(url).await?
        } else {
            let mut options = ConnectOptions::new(url);
            options.max_connections(20).acquire_timeout(PATIENCE).sqlx_logging(false);
            options.record_stmt_in_spans(false);
            // PostgreSQL may have been restarted since, or a firewall may have cut the connection.
            options.test_before_acquire_if_idle_for(Duration::from_secs(10));
            let pool = sea_orm::Database::connect(options).await?;
            Self {
                writer: pool.clone(),
                reader: pool,
                heads: Arc::default(),
                stamps: Arc::default(),
                waiting: Arc::default(),
                changes: broadcast::channel(REMEMBERED).0,
            }
        };
        migration::run(&database).await?;
        Ok(database)
    }

    async fn connect_sqlite(url: &str) -> Result<Self> {
        let url: SqliteConnectOptions =
            url.parse().map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))?;
        let path = url.get_filename().to_owned();
        if let Some(folder) = path.parent() {
            tokio::fs::create_dir_all(folder).await.map_err(|error| {
                Error::Database(DbErr::Custom(format!(
                    "cannot create the folder {}: {error}",
                    folder.display()
                )))
            })?;
        }
        let options = |connections, map: fn(SqliteConnectOptions) -> SqliteConnectOptions| {
            let path = path.clone();
            let mut options = ConnectOptions::new("sqlite:");
            options.max_connections(connections).acquire_timeout(PATIENCE).sqlx_logging(false);
            options.test_before_acquire(false).record_stmt_in_spans(false);
            // SQLite itself ends a transaction in which the disk was full, and sqlx goes on to count
            // it as open: what came next by that connection would be a part of it, acknowledged and
            // never committed.
            options.map_sqlx_sqlite_before_acquire(|connection, _| {
                Box::pin(async move { Ok(!connection.is_in_transaction()) })
            });
            options.map_sqlx_sqlite_opts(move |options| {
                let options = options.filename(&path).busy_timeout(PATIENCE);
                map(options.pragma("cache_size", "-16384"))
            });
            options
        };
        // FULL: with WAL, NORMAL could lose the last commits when the power fails, and those were
        // acknowledged.
        let writer = options(1, |options| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .optimize_on_close(true, 400)
        });
        let reader = options(4, |options| options.read_only(true));
        // The writer first: it creates the file and sets the journal mode.
        let writer = connect_patiently(writer).await?;
        let reader = connect_patiently(reader).await?;
        Ok(Self {
            writer,
            reader,
            heads: Arc::default(),
            stamps: Arc::default(),
            waiting: Arc::default(),
            changes: broadcast::channel(REMEMBERED).0,
        })
    }

    /// For reads.
    pub(crate) const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For single writes that need no transaction and give nothing back: see [`Self::insert`].
    pub(crate) const fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once: a transaction
    /// that reads first and then writes would fail when another wrote in between.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction> {
        let writer = self.writer.clone();
        // In a task of its own, which goes on when the caller is dropped: sqlx puts a connection to
        // PostgreSQL whose BEGIN was cut off back into the pool with its transaction open, and what
        // others then write by that connection is never committed.
        let begin = tokio::spawn(async move {
            let options = TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            };
            writer.begin_with_options(options).await
        });
        Ok(begin.await.map_err(|error| DbErr::Custom(error.to_string()))??)
    }

    /// Inserts a row, and returns it as it is then. In a transaction: of an `INSERT … RETURNING` by
    /// itself SQLite gives back the row before it commits, and sqlx does not see when that fails, as on a
    /// full disk.
    pub(crate) async fn insert<A>(&self, row: A) -> Result<<A::Entity as EntityTrait>::Model>
    where
        A: ActiveModelTrait + ActiveModelBehavior + Send,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        let transaction = self.begin().await?;
        let row = row.insert(&transaction).await?;
        transaction.commit().await?;
        Ok(row)
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }

    /// Whether several nodes may have it open at once.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.backend() != DbBackend::Sqlite
    }

    /// A number that differs once the package has changed from what is read after this call. `None`
    /// where other nodes change packages too, which this one does not see.
    #[must_use]
    pub fn stamp(&self, feed_id: i64, name: &str) -> Option<u64> {
        (!self.is_shared()).then(|| self.stamps.of(feed_id, name))
    }

    /// The same of all API keys and users together.
    #[must_use]
    pub fn stamp_of_keys(&self) -> Option<u64> {
        self.stamp(NO_FEED, "")
    }

    /// Says that an API key or a user has ended or changed.
    pub(crate) fn raise_stamp_of_keys(&self) {
        self.stamps.raise(NO_FEED, "");
    }

    pub(crate) fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// Watches which packages this process changes, from now on. Who is slow misses some.
    #[must_use]
    pub fn watch_packages(&self) -> broadcast::Receiver<PackagesChanged> {
        self.changes.subscribe()
    }

    /// Says that packages have changed.
    pub(crate) fn announce_packages(&self, feed_id: i64, names: Vec<String>) {
        for name in &names {
            self.stamps.raise(feed_id, name);
        }
        // Fails when nobody watches.
        let _ = self.changes.send(PackagesChanged { feed_id, names: names.into() });
    }

    /// The changes that wait to be made.
    pub(crate) fn waiting(&self) -> &Queues {
        &self.waiting
    }

    /// Has all statements shown to `watch`.
    #[cfg(test)]
    pub(crate) fn watch_statements(
        &mut self,
        watch: impl Fn(&sea_orm::Statement) + Clone + Send + Sync + 'static,
    ) {
        let again = watch.clone();
        self.writer.set_metric_callback(move |info| watch(info.statement));
        self.reader.set_metric_callback(move |info| again(info.statement));
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

/// Connects to SQLite, again where somebody else who creates the same database is in the way: SQLite
/// does not wait for its turn to set the journal mode.
async fn connect_patiently(options: ConnectOptions) -> Result<DatabaseConnection> {
    let start = Instant::now();
    loop {
        match sea_orm::Database::connect(options.clone()).await {
            Err(error) if is_busy(&error) && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            outcome => return Ok(outcome?),
        }
    }
}

fn is_busy(error: &DbErr) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    // The upper bytes of a code tell what SQLite was at.
    code.is_some_and(|code| code & 0xff == SQLITE_BUSY)
}
