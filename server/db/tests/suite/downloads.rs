//! Counts of downloads.

use std::collections::HashMap;

use pakhus_core::Download;
use pakhus_core::replication::{CheckedRecord, MergePolicy, State};
use pakhus_db::{downloads, packages, records};

use crate::bench::{Bench, Site};
use crate::vocabulary::publish;

on_both_backends!(
    downloads_add_up_by_day,
    counts_of_other_sites_are_added_and_never_twice,
    a_download_does_not_make_a_rendered_package_stale,
);

fn download(version: &str) -> Download {
    Download { name: "a".to_owned(), version: version.to_owned() }
}

async fn add(site: &Site, version: &str, count: u64) {
    let counts = HashMap::from([(download(version), count)]);
    downloads::add(&site.database, site.feed.id, &site.origin, &counts, site.clock.now())
        .await
        .expect("counted");
}

async fn total(site: &Site, version: &str) -> u64 {
    let names = ["a".to_owned()];
    let totals = downloads::totals(&site.database, site.feed.id, &names).await;
    totals.expect("no failure").get(&download(version)).copied().unwrap_or_default()
}

async fn downloads_add_up_by_day(bench: &Bench) {
    let site = bench.site("la").await;
    add(&site, "1.0.0", 2).await;
    add(&site, "1.0.0", 3).await;
    add(&site, "2.0.0", 1).await;
    assert_eq!((total(&site, "1.0.0").await, total(&site, "2.0.0").await), (5, 1));
    let records = site.all_records().await;
    let State::Count(counts) = &records[0].state else { panic!("a count") };
    assert_eq!(counts.days.values().sum::<u64>(), 5);
}

async fn counts_of_other_sites_are_added_and_never_twice(bench: &Bench) {
    let (la, tokyo) = (bench.site("la").await, bench.site("tokyo").await);
    add(&la, "1.0.0", 2).await;
    add(&tokyo, "1.0.0", 5).await;
    for _ in 0..2 {
        let counts: Vec<_> = tokyo
            .all_records()
            .await
            .into_iter()
            .map(|record| CheckedRecord { key: record.key, state: record.state, sort_key: None })
            .collect();
        la.apply(counts, MergePolicy::Converge).await;
    }
    assert_eq!(total(&la, "1.0.0").await, 7);
}

async fn a_download_does_not_make_a_rendered_package_stale(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let package =
        async || records::package(&site.database, site.feed.id, "a").await.expect("no failure");
    let before = package().await;
    add(&site, "1.0.0", 1).await;
    assert_eq!(package().await, before);
    let listed = packages::list(&site.database, site.feed.id, None, None, 10).await;
    assert_eq!(listed.expect("no failure")[0].versions[0].downloads, 1);
}
