//! Tests that what is done for every request finds its rows by an index, on both databases: they look
//! at the plans of the statements that the functions of this crate really send.

use std::sync::{Arc, Mutex};

use pakhus_core::replication::engine::Tree;
use pakhus_core::replication::{CheckedRecord, MergePolicy, Position};
use pakhus_core::{ContentDigest, Digest, Timestamp};
use sea_orm::{DbBackend, Statement};

use self::bench::{Backend, Bench, Raw, Site};
use self::vocabulary::{blob, content, delete, foreign_tag, publish, tag, tombstone};
use crate::feeds::Origin;
use crate::{
    api_keys, blobs, changes, garbage, links, package_blobs, packages, pruning, records, registers,
    sync_tokens, tree,
};

#[expect(dead_code, reason = "the test suite uses the rest of it")]
#[path = "../tests/suite/bench.rs"]
mod bench;
#[expect(dead_code, reason = "the test suite uses the rest of it")]
#[path = "../tests/suite/vocabulary.rs"]
mod vocabulary;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_finds_rows_by_an_index() {
    bench::run(Backend::Sqlite, rows_are_found_by_an_index).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_finds_rows_by_an_index() {
    bench::run(Backend::Postgres, rows_are_found_by_an_index).await;
}

async fn rows_are_found_by_an_index(bench: &Bench) {
    let mut site = bench.site("la").await;
    let page = page();
    site.apply(page.clone(), MergePolicy::Converge).await;
    let raw = site.raw().await;
    multiply(&raw, bench.backend).await;

    let statements = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&statements);
    site.database.watch_statements(move |statement| {
        seen.lock().expect("no panic holds it").push(statement.clone());
    });
    // As it is before PostgreSQL or SQLite has counted the rows, and afterwards.
    if bench.backend == Backend::Sqlite {
        read(&site, &page).await;
    }
    raw.execute("ANALYZE").await;
    read(&site, &page).await;
    write(&site, &page).await;

    let statements = std::mem::take(&mut *statements.lock().expect("no panic holds it"));
    assert!(statements.len() > 30, "only {} statements were seen", statements.len());
    for statement in statements {
        if !statement.sql.starts_with("INSERT") {
            check(&raw, &statement).await;
        }
    }
}

/// 100 versions and tags of 10 packages.
fn page() -> Vec<CheckedRecord> {
    let versions = (0..90).map(|number| {
        let (package, version) = (format!("p{}", number % 10), format!("{number}.0.0"));
        content(&package, &version, 1, 5, "x", vec![blob(&version)])
    });
    let tags = (0..10).map(|number| foreign_tag(&format!("p{number}"), "latest", Some("1.0.0"), 1));
    versions.chain(tags).collect()
}

/// Makes 50,000 records of the 100 there are, by SQL: the functions of this crate would take long.
async fn multiply(raw: &Raw, backend: Backend) {
    let digest = match backend {
        Backend::Sqlite => "randomblob(32)",
        Backend::Postgres => "sha256(convert_to(name || item || i, 'UTF8'))",
    };
    let copies =
        "WITH RECURSIVE copies(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM copies WHERE i < 499)";
    let name = "name || '-' || CAST(i AS TEXT)";
    let seq = "seq + 100 * i";
    for (table, columns, values) in [
        (
            "records",
            "feed_id, name, kind, item, seq, live, state_digest, state, sort_key, arrived_at, bucket",
            format!(
                "feed_id, {name}, kind, item, {seq}, live, state_digest, state, sort_key, arrived_at, (bucket + i * 131) % 65536"
            ),
        ),
        (
            "feed_log",
            "feed_id, seq, kind, name, item, state_digest, at, chain",
            format!("feed_id, {seq}, kind, {name}, item, state_digest, at, chain"),
        ),
        (
            "packages",
            "feed_id, name, display, revision, live_versions",
            format!("feed_id, {name}, display, revision, live_versions"),
        ),
        (
            "record_blobs",
            "feed_id, digest, name, item, size, sha512",
            format!("feed_id, {digest}, {name}, item, size, {digest}"),
        ),
    ] {
        raw.execute(&format!(
            "{copies} INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, copies"
        ))
        .await;
    }
    raw.execute("UPDATE feeds SET head = 50000").await;
    raw.execute(
        "INSERT INTO shadows SELECT feed_id, name, kind, item, state_digest, bucket FROM records",
    )
    .await;
    let cast = match backend {
        Backend::Sqlite => "hex(digest)",
        Backend::Postgres => "encode(digest, 'hex')",
    };
    raw.execute(&format!(
        "INSERT INTO package_blobs SELECT feed_id, name, 'sha256:' || lower({cast}), digest, size, 0 \
         FROM record_blobs WHERE true ON CONFLICT DO NOTHING"
    ))
    .await;
    raw.execute("INSERT INTO received_blobs SELECT feed_id, digest, 0 FROM record_blobs").await;
}

/// Everything that reads and is done often.
async fn read(site: &Site, page: &[CheckedRecord]) {
    let (database, feed) = (&site.database, site.feed.id);
    let digests: Vec<_> = page.iter().map(|write| write.state.digest()).collect();
    let keys: Vec<_> = page.iter().map(|write| write.key.clone()).collect();
    assert_eq!(
        changes::page(database, feed, 20_000, 250, usize::MAX).await.expect("read").records.len(),
        250
    );
    let witness = Position { seq: 20_000, chain: Digest::ZERO };
    changes::went_through(database, feed, witness).await.expect("read");
    records::package(database, feed, "p3-20").await.expect("read").expect("it is there");
    records::version(database, feed, "p3-20", "3.0.0").await.expect("read").expect("it is there");
    let contents = records::contents(database, feed, "p3-20").await.expect("read");
    assert_eq!(contents.expect("it is there").versions.len(), 9);
    blobs::named_size(database, feed, &blob("3.0.0").digest).await.expect("read").expect("named");
    blobs::unknown(database, feed, &digests).await.expect("read");
    records::states(database, feed, &keys).await.expect("read");
    records::states(database, feed, &keys[..1]).await.expect("read");
    tree::leaves(database, feed, Tree::Records, 7).await.expect("read");
    tree::leaves(database, feed, Tree::Shadows, 7).await.expect("read");
    tree::sums(database, feed, Some(7)).await.expect("read");
    assert_eq!(links::shadows_of(database, feed, &keys).await.expect("read").len(), 100);
    packages::list(database, feed, None, Some("p3-20"), 20).await.expect("read");
    packages::names(database, feed, Some("p3-20"), 20).await.expect("read");
    records::versions(database, feed, "p3-20", &["3.0.0", "13.0.0"]).await.expect("read");
    registers::tag(database, feed, "p3-20", "latest").await.expect("read").expect("it is there");
    registers::tags(database, feed, "p3-20", Some("a"), 20).await.expect("read");
    registers::attributes(database, feed, "p3-20", "about", Some("x"), 20).await.expect("read");
    let called = [digests[0].into(), ContentDigest::Sha512([7; 64])];
    for package in [Some("p3-20"), None] {
        package_blobs::find(database, feed, package, &called).await.expect("read");
    }
    garbage::unnamed(database, &digests, Timestamp::EPOCH).await.expect("read");
    api_keys::find(database, "secret", Timestamp::EPOCH).await.expect("read");
    sync_tokens::find(database, feed, "secret").await.expect("read");
    pruning::forget_deletions(database, feed, Timestamp::EPOCH).await.expect("nothing is old");
    pruning::prune_log(database, feed, Timestamp::EPOCH).await.expect("nothing is old");
}

/// Everything that writes and is done often.
async fn write(site: &Site, page: &[CheckedRecord]) {
    site.commit([publish("p3", "1000.0.0"), tag("p3", "latest", "1000.0.0")]).await.expect("made");
    site.commit([delete("p3", "1000.0.0")]).await.expect("deleted");
    let deletes = page[..90].iter().map(|write| {
        let (name, version) = (write.key.name(), write.key.item());
        tombstone(name, &version, 1, 6)
    });
    let outcome = site.apply(deletes.collect(), MergePolicy::Converge).await;
    assert_eq!(outcome.deleted, 90);
    let now = site.clock.now();
    let secrets = ["secret".to_owned()];
    sync_tokens::replace_file_tokens(&site.database, site.feed.id, &secrets, now)
        .await
        .expect("replaced");
    api_keys::create(&site.database, "ci", "secret", &[], Origin::File, now).await.expect("made");
}

/// The tables that have many rows here.
const LARGE: [&str; 6] =
    ["records", "feed_log", "packages", "record_blobs", "received_blobs", "shadows"];

async fn check(raw: &Raw, statement: &Statement) {
    let explain = match statement.db_backend {
        DbBackend::Sqlite => "EXPLAIN QUERY PLAN",
        _ => "EXPLAIN",
    };
    let mut explained = statement.clone();
    explained.sql = format!("{explain} {}", statement.sql);
    let column = usize::from(statement.db_backend == DbBackend::Sqlite) * 3;
    for row in raw.query(explained).await {
        let line: String = row.try_get_by_index(column).expect("a line of a plan");
        let line = line.trim();
        assert!(!reads_too_much(line, &statement.sql), "{line}\nfor {statement}");
    }
}

/// Whether this line of the plan for `sql` reads all rows of a large table, of a feed, or, where
/// single keys are asked for, of a package.
fn reads_too_much(line: &str, sql: &str) -> bool {
    let of_a_table = LARGE.iter().any(|table| {
        line.starts_with(&format!("SCAN {table}"))
            || line.contains(&format!("Seq Scan on {table} "))
            || line.starts_with(&format!("SEARCH {table} ")) && line.ends_with("(feed_id=?)")
    });
    let condition = line.strip_prefix("Index Cond: ").or_else(|| line.strip_prefix("SEARCH "));
    let of_a_feed = line.starts_with("Index Cond: (feed_id = ") && !line.contains(" AND ");
    let of_a_package = sql.contains("AS \"keys\"")
        && condition.is_some_and(|text| !text.contains("item = ") && !text.contains("item=?"));
    of_a_table || of_a_feed || of_a_package
}
