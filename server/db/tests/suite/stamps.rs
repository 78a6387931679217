//! Stamps: what was read stays good until they differ.

use std::collections::HashMap;

use pakhus_core::Download;
use pakhus_core::replication::MergePolicy;
use pakhus_db::{downloads, feeds};

use crate::bench::{Backend, Bench, Site};
use crate::vocabulary::{content, delete, publish, tag};

on_both_backends!(
    every_way_of_changing_a_package_raises_its_stamp,
    what_is_refused_raises_no_stamp,
    a_download_raises_no_stamp,
);

fn stamp(site: &Site) -> Option<u64> {
    site.database.stamp(site.feed.id, "a")
}

async fn every_way_of_changing_a_package_raises_its_stamp(bench: &Bench) {
    let site = bench.site("la").await;
    if bench.backend == Backend::Postgres {
        // Other nodes change packages too.
        assert_eq!(stamp(&site), None);
        return;
    }
    let mut last = stamp(&site);
    let mut raised = |what: &str| {
        let now = stamp(&site);
        assert!(now > last, "{what}");
        last = now;
    };
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    raised("a publish");
    site.commit([tag("a", "latest", "1.0.0")]).await.expect("tagged");
    raised("a tag");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    raised("a delete");
    site.apply(vec![content("a", "2.0.0", 1, 1, "", vec![])], MergePolicy::Converge).await;
    raised("a record of another site");
    feeds::delete(&site.database, site.feed.id).await.expect("deleted");
    raised("the feed's end");
}

async fn what_is_refused_raises_no_stamp(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let before = stamp(&site);
    site.commit([publish("a", "1.0.0")]).await.expect_err("it is there");
    assert_eq!(stamp(&site), before);
}

/// What is read of a package does not say how often it was downloaded.
async fn a_download_raises_no_stamp(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let before = stamp(&site);
    let download = Download { name: "a".to_owned(), version: "1.0.0".to_owned() };
    let counts = HashMap::from([(download, 3)]);
    downloads::add(&site.database, site.feed.id, "la", &counts, site.clock.now())
        .await
        .expect("counted");
    assert_eq!(stamp(&site), before);
}
