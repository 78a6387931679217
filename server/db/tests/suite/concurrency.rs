//! Writers at the same time, and writers that are cut off.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pakhus_core::{Edit, RefusalKind};
use pakhus_db::{Error, settings};

use crate::bench::{Backend, Bench, Site};
use crate::vocabulary::{publish, tag, version_key};

on_both_backends!(
    commits_at_the_same_time_lose_nothing,
    of_many_publishes_of_one_version_one_is_made,
    reads_go_on_while_somebody_writes,
    a_change_that_is_dropped_while_it_waits_leaves_nothing,
    changes_that_are_dropped_anywhere_are_whole_or_not_there,
    a_connection_that_breaks_leaves_nothing_and_is_replaced,
);

async fn commits_at_the_same_time_lose_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    let nodes = [Arc::new(site.other_node().await), Arc::new(site.other_node().await)];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let node = Arc::clone(&nodes[task % 2]);
        tasks.spawn(async move {
            for number in 0..8 {
                // Packages that several tasks write to, and one tag that all set.
                let version = format!("{task}.{number}.0");
                let package = format!("p{}", task % 3);
                let edits = [publish(&package, &version), tag(&package, "latest", &version)];
                node.commit(edits).await.expect("committed");
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(site.end().await.seq, 256);
    crate::log::check(&site).await;
    let mut versions = 0;
    for package in ["p0", "p1", "p2"] {
        let contents = site.contents(package).await.expect("a package");
        versions += contents.versions.len();
        let live = format!("SELECT live_versions FROM packages WHERE name = '{package}'");
        let live = site.raw().await.number(&live).await;
        assert_eq!(live, contents.versions.len().cast_signed() as i64);
    }
    assert_eq!(versions, 128);
}

async fn of_many_publishes_of_one_version_one_is_made(bench: &Bench) {
    let site = Arc::new(bench.site("la").await);
    let other = Arc::new(site.other_node().await);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..12 {
        let node = Arc::clone(if task % 2 == 0 { &site } else { &other });
        tasks.spawn(async move { node.commit([publish("a", "1.0.0")]).await });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes {
        if let Err(error) = outcome {
            assert!(
                matches!(&error, Error::Refused(refusal) if refusal.kind == RefusalKind::Conflict),
                "{error}"
            );
        }
    }
    assert_eq!(site.end().await.seq, 1);
}

/// Opens a transaction that nobody can write beside, on a connection of its own.
pub(crate) async fn hold_the_lock(site: &Site, backend: Backend) -> crate::bench::Raw {
    let raw = site.raw_single().await;
    match backend {
        Backend::Sqlite => raw.execute("BEGIN IMMEDIATE").await,
        Backend::Postgres => raw.execute("BEGIN; SELECT * FROM feeds FOR UPDATE").await,
    }
    raw
}

async fn reads_go_on_while_somebody_writes(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let lock = hold_the_lock(&site, bench.backend).await;
    let waiting = site.commit([publish("a", "2.0.0")]);
    let reads = async {
        for _ in 0..20 {
            assert_eq!(site.versions("a").await, ["1.0.0"]);
            assert_eq!(site.all_records().await[0].key, version_key("a", "1.0.0"));
        }
        lock.execute("ROLLBACK").await;
    };
    let (committed, ()) = tokio::join!(waiting, reads);
    committed.expect("committed once the lock was free");
    assert_eq!(site.versions("a").await, ["1.0.0", "2.0.0"]);
}

async fn a_change_that_is_dropped_while_it_waits_leaves_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    let lock = hold_the_lock(&site, bench.backend).await;
    let waiting = site.commit([publish("a", "1.0.0")]);
    tokio::time::timeout(Duration::from_millis(200), waiting).await.expect_err("it waits");
    lock.execute("ROLLBACK").await;
    site.commit([publish("b", "1.0.0")]).await.expect("nobody is in the way");
    assert!(site.contents("a").await.is_none());
    assert_eq!(site.end().await.seq, 1);
    crate::log::check(&site).await;
}

/// Drops `work` where it waits for the time after `waits` times, as a server drops the handler of a
/// request whose client went away.
async fn cut_off<T>(work: impl Future<Output = T>, mut waits: u64) -> Option<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        let poll = work.as_mut().poll(context).map(Some);
        if poll.is_pending() && waits == 0 {
            return Poll::Ready(None);
        }
        waits = waits.saturating_sub(1);
        poll
    })
    .await
}

async fn changes_that_are_dropped_anywhere_are_whole_or_not_there(bench: &Bench) {
    let site = bench.site("la").await;
    for round in 0..150_u64 {
        let version = format!("{round}.0.0");
        let edits: [Edit; 2] = [publish("a", &version), tag("a", "latest", &version)];
        cut_off(site.commit(edits), round % 50).await;
        // Writes that need no transaction must not end up in one that was left open.
        if round % 10 < 4 {
            settings::set(&site.database, "round", &version).await.expect("set");
            let raw = site.raw().await;
            let seen = format!("SELECT COUNT(*) FROM settings WHERE value = '{version}'");
            assert_eq!(raw.number(&seen).await, 1, "a setting is not durable");
            raw.close().await;
        }
    }
    site.commit([publish("b", "1.0.0")]).await.expect("nobody is in the way");
    crate::log::check(&site).await;
    let contents = site.contents("a").await.expect("some were made");
    assert_eq!(contents.versions.len().cast_signed() as i64 * 2 + 1, {
        let raw = site.raw().await;
        raw.number("SELECT COUNT(*) FROM feed_log").await
    });
    let last = contents.versions.last().expect("some were made");
    assert_eq!(contents.tags[0].version, last.version.key());
    if bench.backend == Backend::Postgres {
        let raw = site.raw().await;
        let idle = "SELECT COUNT(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND state = 'idle in transaction'";
        assert_eq!(raw.number(idle).await, 0, "a transaction was left open");
    }
}

async fn a_connection_that_breaks_leaves_nothing_and_is_replaced(bench: &Bench) {
    if bench.backend == Backend::Sqlite {
        // There is no connection that could break: the file is opened by this process.
        return;
    }
    let site = bench.site("la").await;
    let lock = hold_the_lock(&site, bench.backend).await;
    let waiting = site.commit([publish("a", "1.0.0")]);
    let breaking = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        lock.rows(others).await;
        lock.execute("ROLLBACK").await;
    };
    let (outcome, ()) = tokio::join!(waiting, breaking);
    assert!(matches!(outcome, Err(Error::Database(_))), "{outcome:?}");
    // A connection that was idle may be tried first and found broken.
    let mut outcome = site.commit([publish("a", "2.0.0")]).await;
    for _ in 0..5 {
        if outcome.is_ok() {
            break;
        }
        outcome = site.commit([publish("a", "2.0.0")]).await;
    }
    outcome.expect("a new connection");
    assert_eq!(site.versions("a").await, ["2.0.0"]);
    crate::log::check(&site).await;
}
