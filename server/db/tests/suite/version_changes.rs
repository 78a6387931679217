//! The log of versions.

use pakhus_core::{Timestamp, VersionChange};
use pakhus_db::version_changes::{after, stretches};

use crate::bench::{Bench, Site};
use crate::vocabulary::{attribute, delete, publish, tag};

on_both_backends!(
    versions_are_told_of_in_the_order_of_their_last_changes,
    stretches_count_what_is_in_them,
);

async fn changes(site: &Site, sequence: u64, limit: u64) -> Vec<VersionChange> {
    after(&site.database, site.feed.id, sequence, limit).await.expect("no failure").changes
}

async fn versions_are_told_of_in_the_order_of_their_last_changes(bench: &Bench) {
    let site = bench.site("la").await;
    let edits = [
        publish("a", "1.0.0"),
        publish("b", "1.0.0"),
        publish(".symbols/a", "1.0.0"),
        tag("a", "latest", "1.0.0"),
        attribute("a", None, "owners", Some("x")),
    ];
    site.commit(edits).await.expect("published");
    site.commit([attribute("a", Some("1.0.0"), "listed", Some("no"))]).await.expect("set");
    site.commit([delete("b", "1.0.0")]).await.expect("deleted");
    let all = changes(&site, 0, 100).await;
    let told: Vec<_> = all
        .iter()
        .map(|change| (change.sequence, change.name.key(), change.version.key(), change.is_there))
        .collect();
    assert_eq!(told, [(1, "a", "1.0.0", true), (6, "a", "1.0.0", true), (7, "b", "1.0.0", false)]);
    assert_eq!(changes(&site, 1, 1).await, all[1..2]);
    let rest = after(&site.database, site.feed.id, 6, 100).await.expect("no failure");
    assert_eq!((rest.before, rest.changes.len()), (all[1].at, 1));
    let none = after(&site.database, site.feed.id, 0, 1).await.expect("no failure");
    assert_eq!(none.before, Timestamp::EPOCH);
}

async fn stretches_count_what_is_in_them(bench: &Bench) {
    let site = bench.site("la").await;
    assert!(stretches(&site.database, site.feed.id, 2).await.expect("no failure").is_empty());
    for name in ["a", "b", "c", ".d", ".e", "f"] {
        site.commit([publish(name, "1.0.0")]).await.expect("published");
    }
    let found = stretches(&site.database, site.feed.id, 2).await.expect("no failure");
    let told: Vec<_> = found.iter().map(|it| (it.number, it.count, it.last)).collect();
    assert_eq!(told, [(0, 2, 2), (1, 1, 3), (2, 1, 6)]);
    let all = changes(&site, 0, 100).await;
    assert_eq!(found[2].latest, all[3].at);
}
