//! The tree of sums over what a feed holds.

use pakhus_core::replication::engine::Tree;
use pakhus_core::replication::{Fingerprint, bucket};
use pakhus_db::tree;

use crate::bench::{Bench, Site};
use crate::vocabulary::{delete, publish, remove_tag, tag};

on_both_backends!(the_sums_are_of_what_the_feed_holds, a_feed_that_is_emptied_has_no_live_sum,);

async fn total(site: &Site) -> Fingerprint {
    let mut total = Fingerprint::default();
    let sums = tree::sums(&site.database, site.feed.id, None).await.expect("no failure");
    assert_eq!(sums.len(), 256);
    for sum in &sums {
        total.add_part(sum);
    }
    total
}

async fn the_sums_are_of_what_the_feed_holds(bench: &Bench) {
    let site = bench.site("la").await;
    for number in 0..40 {
        let version = format!("{number}.0.0");
        site.commit([publish("a", &version), tag("a", "latest", &version)]).await.expect("made");
    }
    site.commit([delete("a", "7.0.0"), delete("a", "8.0.0")]).await.expect("deleted");
    site.commit([publish("a", "7.0.0")]).await.expect("published again");
    let mut expected = Fingerprint::default();
    for record in site.all_records().await {
        let (digest, live) = (record.state.digest(), record.state.is_live());
        expected.add(&record.key, digest, live);
        let number = bucket(&record.key);
        let leaves = tree::leaves(&site.database, site.feed.id, Tree::Records, number).await;
        let leaves = leaves.expect("no failure");
        assert!(leaves.iter().any(|leaf| leaf.key == record.key && leaf.digest == digest));
        let [branch, child] = number.to_be_bytes();
        let sums = tree::sums(&site.database, site.feed.id, Some(branch)).await.expect("read");
        let mut of_leaves = Fingerprint::default();
        for leaf in &leaves {
            of_leaves.add(&leaf.key, leaf.digest, leaf.live);
        }
        assert_eq!(sums[usize::from(child)], of_leaves);
    }
    assert_eq!(total(&site).await, expected);
}

async fn a_feed_that_is_emptied_has_no_live_sum(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), tag("a", "latest", "1.0.0")]).await.expect("published");
    site.commit([delete("a", "1.0.0"), remove_tag("a", "latest")]).await.expect("deleted");
    assert_eq!(total(&site).await.live, Fingerprint::default().live);
    assert_ne!(total(&site).await.gone, Fingerprint::default().gone);
}
