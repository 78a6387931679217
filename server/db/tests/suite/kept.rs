//! What lost a conflict or was deleted from elsewhere.

use pakhus_core::Timestamp;
use pakhus_core::replication::{Kept, MergePolicy};
use pakhus_db::kept;

use crate::bench::{Bench, Site};
use crate::vocabulary::{blob, content, publish, sort_key, tombstone, version_key};

on_both_backends!(
    the_loser_of_a_conflict_is_listed_with_what_stands,
    a_restored_content_stands_above_all_that_stood,
    what_a_restore_replaces_goes_to_the_trash,
    a_deleted_version_comes_back_from_the_trash,
    what_is_dismissed_is_kept_no_longer,
    old_trash_is_emptied_and_conflicts_stay,
);

/// Another site's publish of `a` 1.0.0, which came earlier and wins.
async fn with_conflict(bench: &Bench) -> Site {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let earlier = content("a", "1.0.0", 1, 1, "theirs", vec![blob("theirs")]);
    assert_eq!(site.apply(vec![earlier], MergePolicy::Converge).await.conflicts, 1);
    site
}

async fn listed(site: &Site, reason: Kept) -> Vec<kept::KeptState> {
    kept::list(&site.database, site.feed.id, reason, None, 10).await.expect("no failure")
}

async fn restore(site: &Site, kept: &kept::KeptState) -> bool {
    let now = site.clock.now();
    kept::restore(&site.database, site.feed.id, kept, sort_key("1.0.0"), now)
        .await
        .expect("no failure")
}

async fn the_loser_of_a_conflict_is_listed_with_what_stands(bench: &Bench) {
    let site = with_conflict(bench).await;
    let [conflict] = &listed(&site, Kept::Conflict).await[..] else { panic!("one conflict") };
    assert_eq!(conflict.key, version_key("a", "1.0.0"));
    let origin = |state: &pakhus_core::replication::State| {
        state.content().expect("a content").metadata.as_json().to_owned()
    };
    let stands = conflict.stands.as_ref().expect("something stands");
    assert_ne!(origin(&conflict.state), origin(stands));
    assert!(listed(&site, Kept::Trash).await.is_empty());
    let found = kept::find(&site.database, site.feed.id, Kept::Conflict, conflict.id).await;
    assert_eq!(found.expect("no failure").as_ref(), Some(conflict));
    let count = kept::count(&site.database, site.feed.id, Kept::Conflict).await;
    assert_eq!(count.expect("no failure"), 1);
}

async fn a_restored_content_stands_above_all_that_stood(bench: &Bench) {
    let site = with_conflict(bench).await;
    let conflict = listed(&site, Kept::Conflict).await.remove(0);
    assert!(restore(&site, &conflict).await);
    let records = site.all_records().await;
    let state = &records[0].state;
    assert_eq!(state.counter(), 2);
    assert_eq!(state.content(), conflict.state.content());
    assert!(listed(&site, Kept::Conflict).await.is_empty());
    assert!(!restore(&site, &conflict).await, "it is kept no longer");
}

async fn what_a_restore_replaces_goes_to_the_trash(bench: &Bench) {
    let site = with_conflict(bench).await;
    let conflict = listed(&site, Kept::Conflict).await.remove(0);
    restore(&site, &conflict).await;
    let [trash] = &listed(&site, Kept::Trash).await[..] else { panic!("one content") };
    assert_eq!(Some(&trash.state), conflict.stands.as_ref());
}

async fn a_deleted_version_comes_back_from_the_trash(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    site.apply(vec![tombstone("a", "1.0.0", 1, 9)], MergePolicy::Converge).await;
    assert!(site.versions("a").await.is_empty());
    let trash = listed(&site, Kept::Trash).await.remove(0);
    assert!(restore(&site, &trash).await);
    assert_eq!(site.versions("a").await, ["1.0.0"]);
    assert!(listed(&site, Kept::Trash).await.is_empty());
}

async fn what_is_dismissed_is_kept_no_longer(bench: &Bench) {
    let site = with_conflict(bench).await;
    let conflict = listed(&site, Kept::Conflict).await.remove(0);
    let dismiss = async |reason| {
        kept::dismiss(&site.database, site.feed.id, reason, conflict.id).await.expect("no failure")
    };
    assert!(!dismiss(Kept::Trash).await, "it is no trash");
    assert!(dismiss(Kept::Conflict).await);
    assert!(!dismiss(Kept::Conflict).await);
    assert!(listed(&site, Kept::Conflict).await.is_empty());
}

async fn old_trash_is_emptied_and_conflicts_stay(bench: &Bench) {
    let site = with_conflict(bench).await;
    site.apply(vec![tombstone("a", "1.0.0", 1, 9)], MergePolicy::Converge).await;
    let empty = async |before| {
        kept::empty_trash(&site.database, site.feed.id, before).await.expect("no failure")
    };
    assert_eq!(empty(Timestamp::EPOCH).await, 0);
    assert_eq!(empty(site.clock.now()).await, 1);
    assert_eq!(listed(&site, Kept::Conflict).await.len(), 1);
}
