//! Reading changes in pages.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use pakhus_core::Digest;
use pakhus_core::replication::engine::Page;
use pakhus_core::replication::{Position, Record, RecordKey};
use pakhus_db::changes;

use crate::bench::{Bench, Site};
use crate::vocabulary::{delete, publish, publish_with, tag, tag_key, version_key};

on_both_backends!(
    a_key_that_changed_often_is_read_once_as_it_is_now,
    pages_cover_everything_once_in_the_order_of_the_log,
    a_page_ends_where_it_has_enough_bytes,
    there_is_more_exactly_when_the_end_is_not_reached,
    pages_miss_nothing_while_commits_go_on,
    the_log_went_through_what_it_showed_and_nothing_else,
    the_moment_of_a_change_is_known,
    a_feed_that_is_not_there_has_no_changes,
);

async fn page(site: &Site, since: u64, limit: u64, max_bytes: usize) -> Page {
    changes::page(&site.database, site.feed.id, since, limit, max_bytes).await.expect("no failure")
}

fn keys(page: &Page) -> Vec<RecordKey> {
    page.records.iter().map(|record| record.key.clone()).collect()
}

async fn a_key_that_changed_often_is_read_once_as_it_is_now(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("published");
    for number in ["1.0.0", "2.0.0", "1.0.0"] {
        site.commit([tag("a", "latest", number)]).await.expect("tagged");
    }
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");

    let all = page(&site, 0, 100, usize::MAX).await;
    let expected = [version_key("a", "2.0.0"), tag_key("a", "latest"), version_key("a", "1.0.0")];
    assert_eq!(keys(&all), expected);
    assert_eq!(all.records[1].state.counter(), 3);
    assert!(!all.records[2].state.is_live());
    assert_eq!((all.end.through, all.end.head, all.end.more), (6, site.end().await, false));
    // From within the log: what changed since, though it was there before.
    assert_eq!(keys(&page(&site, 4, 100, usize::MAX).await), expected[1..]);
    assert_eq!(keys(&page(&site, 6, 100, usize::MAX).await), []);
}

async fn pages_cover_everything_once_in_the_order_of_the_log(bench: &Bench) {
    let site = bench.site("la").await;
    let edits: Vec<_> = (0..230).map(|number| publish("a", &format!("{number}.0.0"))).collect();
    site.commit(edits).await.expect("published");
    site.commit([delete("a", "7.0.0"), delete("a", "0.0.0")]).await.expect("deleted");
    let all = keys(&page(&site, 0, u64::MAX, usize::MAX).await);
    assert_eq!(all.len(), 230);
    assert_eq!(all[228..], [version_key("a", "7.0.0"), version_key("a", "0.0.0")]);
    for limit in [1, 2, 99, 100, 101, 230, 1000] {
        let (mut since, mut seen, mut more) = (0, Vec::new(), true);
        while more {
            let page = page(&site, since, limit, usize::MAX).await;
            assert!(page.records.len() as u64 <= limit);
            seen.extend(keys(&page));
            (since, more) = (page.end.through, page.end.more);
        }
        assert_eq!(seen, all, "in pages of {limit}");
        assert_eq!(since, 232);
    }
}

async fn a_page_ends_where_it_has_enough_bytes(bench: &Bench) {
    let site = bench.site("la").await;
    let large = "x".repeat(10_000);
    let edits: Vec<_> =
        (0..5).map(|number| publish_with("a", &format!("{number}.0.0"), &large, vec![])).collect();
    site.commit(edits).await.expect("published");
    for (max_bytes, records) in [(0, 1), (1, 1), (10_000, 1), (15_000, 2), (45_000, 5)] {
        let page = page(&site, 0, 100, max_bytes).await;
        assert_eq!(page.records.len(), records, "of {max_bytes} bytes");
        assert_eq!(page.end.through, records as u64);
        assert_eq!(page.end.more, records < 5);
    }
}

async fn there_is_more_exactly_when_the_end_is_not_reached(bench: &Bench) {
    let site = bench.site("la").await;
    let empty = page(&site, 0, 10, usize::MAX).await;
    assert_eq!((empty.end.through, empty.end.head, empty.end.more), (0, Position::START, false));
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("published");
    for (since, limit, through, more) in
        [(0, 1, 1, true), (0, 2, 2, false), (0, 3, 2, false), (1, 1, 2, false), (2, 1, 2, false)]
    {
        let page = page(&site, since, limit, usize::MAX).await;
        assert_eq!((page.end.through, page.end.more), (through, more), "{limit} since {since}");
    }
    // What the log's last lines are of moved on to its end.
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    let page = page(&site, 1, 1, usize::MAX).await;
    assert_eq!((page.end.through, page.end.more), (2, true));
}

async fn pages_miss_nothing_while_commits_go_on(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit((0..10).map(|number| publish("a", &format!("{number}.0.0")))).await.expect("made");
    let done = AtomicBool::new(false);
    let writer = async {
        for round in 0..60_u64 {
            let number = format!("{}.0.0", round % 10);
            let edit = match round % 3 {
                0 => publish(&format!("p{round}"), "1.0.0"),
                1 => tag("a", "latest", &number),
                _ => tag("a", &format!("t{}", round % 4), &number),
            };
            site.commit([edit]).await.expect("committed");
        }
        done.store(true, Ordering::Release);
    };
    let reader = async {
        let mut copy = HashMap::new();
        let mut since = 0;
        loop {
            let done = done.load(Ordering::Acquire);
            let page = page(&site, since, 3, usize::MAX).await;
            for Record { key, state } in page.records {
                let former = copy.insert(key, state.clone());
                assert_ne!(former, Some(state), "a state was read twice");
            }
            assert!(since <= page.end.through);
            since = page.end.through;
            if done && !page.end.more {
                return copy;
            }
        }
    };
    let ((), copy) = tokio::join!(writer, reader);
    let all = site.all_records().await.into_iter();
    let all: HashMap<_, _> = all.map(|record| (record.key, record.state)).collect();
    assert_eq!(copy, all);
}

async fn the_log_went_through_what_it_showed_and_nothing_else(bench: &Bench) {
    let site = bench.site("la").await;
    let other = bench.site("tokyo").await;
    let went_through = async |witness| {
        changes::went_through(&site.database, site.feed.id, witness).await.expect("no failure")
    };
    let mut shown = vec![site.end().await];
    for number in ["1.0.0", "2.0.0", "3.0.0"] {
        site.commit([publish("a", number)]).await.expect("published");
        shown.push(site.end().await);
    }
    for witness in &shown {
        assert!(went_through(*witness).await, "{witness:?}");
    }
    other.commit([publish("a", "1.0.0")]).await.expect("published");
    let foreign = [
        other.end().await,
        Position { seq: 4, chain: shown[3].chain },
        Position { seq: 2, chain: shown[3].chain },
        Position { seq: 0, chain: shown[3].chain },
        Position { seq: 3, chain: Digest::ZERO },
        Position { seq: u64::MAX, chain: shown[3].chain },
    ];
    for witness in foreign {
        assert!(!went_through(witness).await, "{witness:?}");
    }
}

async fn the_moment_of_a_change_is_known(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let changed_at = async |seq| {
        changes::changed_at(&site.database, site.feed.id, seq).await.expect("no failure")
    };
    let published_at = site.contents("a").await.expect("a version").versions[0].published_at;
    assert_eq!(changed_at(1).await, Some(published_at));
    assert_eq!(changed_at(0).await, None);
    assert_eq!(changed_at(2).await, None);
}

async fn a_feed_that_is_not_there_has_no_changes(bench: &Bench) {
    let site = bench.site("la").await;
    let outcome = changes::page(&site.database, site.feed.id + 1, 0, 1, 1).await;
    assert!(matches!(outcome, Err(pakhus_db::Error::NoSuchFeed)), "{outcome:?}");
}
