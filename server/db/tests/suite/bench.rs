//! Fresh databases to test on.

use std::ops::AsyncFnOnce;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use pakhus_core::replication::engine::{Batch, Outcome};
use pakhus_core::replication::{
    CheckedRecord, EditContext, MergePolicy, Position, Record, ServerMode,
};
use pakhus_core::{Change, Committed, Edit, FeedPolicy, PackageContents, Refusal, Timestamp};
use pakhus_db::feeds::{Anonymous, ClientSettings, Feed, FeedSettings, Origin, ReplicationLimits};
use pakhus_db::{Database, Error, apply, changes, commit, feeds, records};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement,
};

/// The databases that Pakhus runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// Runs a test on a bench of its own and clears that away afterwards.
pub(crate) async fn run(backend: Backend, test: impl AsyncFnOnce(&Bench)) {
    let bench = Bench {
        backend,
        folder: tempfile::tempdir().expect("a temporary folder"),
        made: Mutex::default(),
        clock: Clock(Arc::new(AtomicI64::new(1_700_000_000_000))),
    };
    let outcome = AssertUnwindSafe(test(&bench)).catch_unwind().await;
    bench.clear().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Makes databases of one backend.
pub(crate) struct Bench {
    pub(crate) backend: Backend,
    folder: tempfile::TempDir,
    made: Mutex<Vec<String>>,
    pub(crate) clock: Clock,
}

/// A clock that goes on by a millisecond each time somebody looks.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

impl Bench {
    /// The URL of a database in which there is nothing.
    pub(crate) async fn empty_database(&self) -> String {
        let name = format!("pakhus_test_{}", uuid::Uuid::new_v4().simple());
        match self.backend {
            Backend::Sqlite => {
                format!("sqlite:{}", self.folder.path().join(format!("{name}.db")).display())
            }
            Backend::Postgres => {
                let cluster = cluster();
                administer(&cluster, &format!("CREATE DATABASE {name}")).await;
                self.made.lock().expect("no panic holds it").push(name.clone());
                let (server, _) = cluster.rsplit_once('/').expect("a URL with a database");
                format!("{server}/{name}")
            }
        }
    }

    /// A site with a new database and one feed.
    pub(crate) async fn site(&self, origin: &str) -> Site {
        let url = self.empty_database().await;
        let database = Database::open(&url).await.expect("a database");
        let feed = feeds::create(&database, &feed_settings("libs"), self.clock.now())
            .await
            .expect("no failure")
            .expect("the first feed");
        Site { database, feed, url, origin: origin.to_owned(), clock: self.clock.clone() }
    }

    async fn clear(&self) {
        let made = std::mem::take(&mut *self.made.lock().expect("no panic holds it"));
        for name in made {
            administer(&cluster(), &format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

fn cluster() -> String {
    std::env::var("PAKHUS_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "PAKHUS_TEST_POSTGRES names no PostgreSQL to test on: use `tests/run`, which starts one"
        )
    })
}

async fn administer(cluster: &str, sql: &str) {
    let connection = sea_orm::Database::connect(cluster).await.expect("a PostgreSQL");
    connection.execute_unprepared(sql).await.expect("a superuser may do this");
    connection.close().await.expect("a connection that closes");
}

/// An instance, as far as its database goes.
pub(crate) struct Site {
    pub(crate) database: Database,
    pub(crate) feed: Feed,
    pub(crate) url: String,
    pub(crate) origin: String,
    pub(crate) clock: Clock,
}

impl Site {
    /// Makes a change.
    pub(crate) async fn commit(
        &self,
        edits: impl IntoIterator<Item = Edit>,
    ) -> Result<Committed, Error> {
        let change = Change { preconditions: Vec::new(), edits: edits.into_iter().collect() };
        self.change(&change).await
    }

    /// Makes a change with preconditions.
    pub(crate) async fn change(&self, change: &Change) -> Result<Committed, Error> {
        let context = EditContext {
            origin: self.origin.clone(),
            now: self.clock.now(),
            first_incarnation: 1,
            syncs_publish_date: true,
        };
        commit::commit(&self.database, self.feed.id, change, &context).await
    }

    /// Merges states that come from elsewhere, without a link.
    pub(crate) async fn apply(&self, writes: Vec<CheckedRecord>, policy: MergePolicy) -> Outcome {
        apply::apply(
            &self.database,
            self.feed.id,
            Batch { writes, ..Batch::new(policy) },
            None,
            self.clock.now(),
        )
        .await
        .expect("no failure")
    }

    /// Another handle on the same database, as another node has one.
    pub(crate) async fn other_node(&self) -> Self {
        Self {
            database: Database::open(&self.url).await.expect("the same database"),
            feed: self.feed.clone(),
            url: self.url.clone(),
            origin: self.origin.clone(),
            clock: self.clock.clone(),
        }
    }

    /// A connection that looks at the tables as they are.
    pub(crate) async fn raw(&self) -> Raw {
        Raw(sea_orm::Database::connect(&self.url).await.expect("the same database"))
    }

    /// One such connection, on which a transaction can be left open.
    pub(crate) async fn raw_single(&self) -> Raw {
        let mut options = ConnectOptions::new(&self.url);
        options.max_connections(1);
        Raw(sea_orm::Database::connect(options).await.expect("the same database"))
    }

    /// What the feed holds of a package.
    pub(crate) async fn contents(&self, name: &str) -> Option<PackageContents> {
        records::contents(&self.database, self.feed.id, name).await.expect("no failure")
    }

    /// The version texts of a package, in their order.
    pub(crate) async fn versions(&self, name: &str) -> Vec<String> {
        let contents = self.contents(name).await;
        let versions = contents.into_iter().flat_map(|contents| contents.versions);
        versions.map(|record| record.version.display().to_owned()).collect()
    }

    /// All records of the feed, tombstones included, in the order of their last change.
    pub(crate) async fn all_records(&self) -> Vec<Record> {
        let page = changes::page(&self.database, self.feed.id, 0, u64::MAX, usize::MAX).await;
        page.expect("no failure").records
    }

    /// The end of the feed's log.
    pub(crate) async fn end(&self) -> Position {
        changes::end(&self.database, self.feed.id).await.expect("no failure").position
    }
}

/// A connection that looks at the tables as they are.
pub(crate) struct Raw(DatabaseConnection);

impl Raw {
    /// The rows that `sql` gives.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<QueryResult> {
        self.query(Statement::from_string(self.0.get_database_backend(), sql)).await
    }

    /// The rows that a statement gives.
    pub(crate) async fn query(&self, statement: Statement) -> Vec<QueryResult> {
        self.0.query_all_raw(statement).await.expect("valid SQL")
    }

    /// The one number that `sql` gives.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let rows = self.rows(sql).await;
        rows[0].try_get_by_index(0).expect("a number")
    }

    /// The rows of a table, each as one text with its bytes in hexadecimal digits.
    pub(crate) async fn dump(&self, table: &str) -> Vec<String> {
        let sql = match self.0.get_database_backend() {
            DbBackend::Postgres => format!("SELECT CAST(t AS TEXT) FROM {table} AS t"),
            _ => {
                let columns = format!("SELECT name FROM pragma_table_info('{table}')");
                let columns = self.texts(&columns).await.join("), quote(");
                format!("SELECT lower(concat(quote({columns}))) FROM {table}")
            }
        };
        self.texts(&sql).await
    }

    /// The names of the tables that have a column of that name which is never empty.
    pub(crate) async fn tables_with(&self, column: &str) -> Vec<String> {
        let sql = match self.0.get_database_backend() {
            DbBackend::Postgres => format!(
                "SELECT CAST(table_name AS TEXT) FROM information_schema.columns \
                WHERE column_name = '{column}' AND is_nullable = 'NO'"
            ),
            _ => format!(
                "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c \
                WHERE m.type = 'table' AND c.name = '{column}' AND c.\"notnull\""
            ),
        };
        self.texts(&sql).await
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let rows = self.rows(sql).await;
        rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
    }

    /// Closes the connection.
    pub(crate) async fn close(self) {
        self.0.close().await.expect("it closes");
    }

    /// Runs `sql`.
    pub(crate) async fn execute(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.expect("valid SQL");
    }
}

/// Settings of a feed that replicates with nobody.
pub(crate) fn feed_settings(name: &str) -> FeedSettings {
    FeedSettings {
        name: name.parse().expect("a feed name"),
        package_type: "npm".to_owned(),
        anonymous: Anonymous::None,
        policy: FeedPolicy::default(),
        origin: Origin::Database,
        server_mode: ServerMode::Disabled,
        client: ClientSettings::default(),
        limits: ReplicationLimits::default(),
    }
}

/// The refusal that a call must have ended with.
#[track_caller]
pub(crate) fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Refusal {
    match outcome {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}
