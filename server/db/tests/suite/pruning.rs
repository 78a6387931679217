//! Forgetting what was deleted long ago.

use pakhus_core::replication::Position;
use pakhus_core::{Digest, Timestamp};
use pakhus_db::{changes, pruning, tree};

use crate::bench::{Bench, Site};
use crate::vocabulary::{delete, link_with, publish, save_link, version_key};

on_both_backends!(
    an_old_deletion_is_forgotten_and_the_floor_rises,
    a_version_published_anew_counts_from_above_what_was_forgotten,
    a_deletion_that_the_source_does_not_know_is_remembered,
    old_lines_of_the_log_go_but_not_the_checkpoints_and_the_last,
);

/// A feed with a version that is there and one that was deleted.
async fn with_deletion(bench: &Bench) -> Site {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("published");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    site
}

async fn forget(site: &Site, before: Timestamp) -> u64 {
    pruning::forget_deletions(&site.database, site.feed.id, before).await.expect("no failure")
}

async fn an_old_deletion_is_forgotten_and_the_floor_rises(bench: &Bench) {
    let site = with_deletion(bench).await;
    assert_eq!(forget(&site, Timestamp::EPOCH).await, 0);
    let before = site.end().await;
    assert_eq!(forget(&site, site.clock.now()).await, 1);
    assert_eq!(site.all_records().await.len(), 1);
    let end = changes::end(&site.database, site.feed.id).await.expect("no failure");
    assert_eq!((end.floor, end.position), (3, before));
    let sums = tree::sums(&site.database, site.feed.id, None).await.expect("no failure");
    assert!(sums.iter().all(|sum| sum.gone == Default::default()), "nothing is gone any more");
    assert_eq!(forget(&site, site.clock.now()).await, 0);
}

async fn a_version_published_anew_counts_from_above_what_was_forgotten(bench: &Bench) {
    let site = with_deletion(bench).await;
    forget(&site, site.clock.now()).await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let records = site.all_records().await;
    let anew = records.iter().find(|record| record.key == version_key("a", "1.0.0"));
    assert_eq!(anew.expect("it is there").state.counter(), 2);
}

async fn a_deletion_that_the_source_does_not_know_is_remembered(bench: &Bench) {
    let site = with_deletion(bench).await;
    save_link(&site.database, site.feed.id, &link_with(2), std::iter::empty())
        .await
        .expect("saved");
    assert_eq!(forget(&site, site.clock.now()).await, 0);
    let deleted = site.all_records().await.remove(1);
    let seen = [(&deleted.key, deleted.state.digest())];
    save_link(&site.database, site.feed.id, &link_with(2), seen.into_iter()).await.expect("saved");
    assert_eq!(forget(&site, site.clock.now()).await, 1);
}

async fn old_lines_of_the_log_go_but_not_the_checkpoints_and_the_last(bench: &Bench) {
    let site = bench.site("la").await;
    let versions: Vec<_> = (0..1_002).map(|number| format!("{number}.0.0")).collect();
    for versions in versions.chunks(400) {
        let edits = versions.iter().map(|version| publish("a", version));
        site.commit(edits).await.expect("published");
    }
    let end = site.end().await;
    let now = site.clock.now();
    pruning::prune_log(&site.database, site.feed.id, now).await.expect("no failure");
    let raw = site.raw().await;
    assert_eq!(raw.number("SELECT COUNT(*) FROM feed_log").await, 2);
    for (position, is_known) in [(end, true), (Position { seq: 7, chain: Digest::ZERO }, false)] {
        let known = changes::went_through(&site.database, site.feed.id, position).await;
        assert_eq!(known.expect("no failure"), is_known);
    }
    assert_eq!(raw.number("SELECT COUNT(*) FROM feed_log WHERE seq = 1000").await, 1);
}
