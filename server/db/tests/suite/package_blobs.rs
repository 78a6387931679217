//! The blobs of single packages, and which blobs nothing names.

use std::collections::BTreeSet;

use pakhus_core::{BlobRef, ContentDigest, Timestamp};
use pakhus_db::{garbage, package_blobs};

use crate::bench::{Bench, Site};
use crate::vocabulary::{blob, content, delete, publish_with, tombstone};

on_both_backends!(
    a_package_has_what_it_names_and_what_was_brought_to_it,
    a_blob_is_found_by_sha512_where_it_is_called_so,
    what_was_brought_can_be_forgotten,
    what_nothing_names_is_garbage_once_it_was_brought_long_ago,
    what_is_in_the_trash_is_no_garbage,
);

fn called(blob: &BlobRef) -> ContentDigest {
    blob.name()
}

async fn has(site: &Site, package: Option<&str>, digest: ContentDigest) -> bool {
    let found = package_blobs::find(&site.database, site.feed.id, package, &[digest]).await;
    let found = found.expect("read");
    assert!(found.values().all(|blob| blob.is_called(&digest)));
    found.contains_key(&digest)
}

async fn bring(site: &Site, package: &str, blob: &BlobRef, at: i64) {
    let (database, at) = (&site.database, Timestamp::from_millis(at));
    let (feed, name) = (site.feed.id, called(blob));
    package_blobs::bring(database, feed, package, &name, blob, at).await.expect("noted");
}

async fn garbage_of(site: &Site, blobs: &[&str], since: i64) -> BTreeSet<String> {
    let digests: Vec<_> = blobs.iter().map(|text| blob(text).digest).collect();
    let since = Timestamp::from_millis(since);
    let unnamed = garbage::unnamed(&site.database, &digests, since).await.expect("read");
    let is_unnamed = |text: &&&str| unnamed.contains(&blob(text).digest);
    blobs.iter().filter(is_unnamed).map(|text| (*text).to_owned()).collect()
}

async fn a_package_has_what_it_names_and_what_was_brought_to_it(bench: &Bench) {
    let site = bench.site("la").await;
    let edit = publish_with("a", "1.0.0", "", vec![blob("named")]);
    site.commit([edit]).await.expect("published");
    bring(&site, "a", &blob("brought"), 1).await;
    for text in ["named", "brought"] {
        let digest = called(&blob(text));
        assert!(has(&site, Some("a"), digest).await && has(&site, None, digest).await, "{text}");
        assert!(!has(&site, Some("b"), digest).await, "{text}");
    }
    assert!(!has(&site, None, called(&blob("other"))).await);
}

async fn a_blob_is_found_by_sha512_where_it_is_called_so(bench: &Bench) {
    let site = bench.site("la").await;
    let named = BlobRef { sha512: Some(ContentDigest::Sha512([1; 64])), ..blob("named") };
    let brought = BlobRef { sha512: Some(ContentDigest::Sha512([2; 64])), ..blob("brought") };
    site.commit([publish_with("a", "1.0.0", "", vec![named])]).await.expect("published");
    bring(&site, "a", &brought, 1).await;
    for number in [1, 2] {
        assert!(has(&site, Some("a"), ContentDigest::Sha512([number; 64])).await);
    }
    assert!(has(&site, Some("a"), blob("named").digest.into()).await);
    assert!(!has(&site, Some("a"), ContentDigest::Sha512([3; 64])).await);
}

async fn what_was_brought_can_be_forgotten(bench: &Bench) {
    let site = bench.site("la").await;
    let (feed, digest) = (site.feed.id, called(&blob("brought")));
    bring(&site, "a", &blob("brought"), 1).await;
    bring(&site, "a", &blob("brought"), 2).await;
    for expected in [true, false] {
        let forgotten = package_blobs::forget(&site.database, feed, "a", &digest).await;
        assert_eq!(forgotten.expect("done"), expected);
    }
    assert!(!has(&site, Some("a"), digest).await);
}

async fn what_nothing_names_is_garbage_once_it_was_brought_long_ago(bench: &Bench) {
    let site = bench.site("la").await;
    let edit = publish_with("a", "1.0.0", "", vec![blob("named")]);
    site.commit([edit]).await.expect("published");
    bring(&site, "a", &blob("old"), 1).await;
    bring(&site, "a", &blob("young"), 10).await;
    let all = ["named", "old", "young", "stray"];
    let set = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(garbage_of(&site, &all, 5).await, set(&["old", "stray"]));
    garbage::forget_brought(&site.database, Timestamp::from_millis(5)).await.expect("done");
    assert!(!has(&site, Some("a"), called(&blob("old"))).await);
    assert!(has(&site, Some("a"), called(&blob("young"))).await);
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    assert_eq!(garbage_of(&site, &all, 11).await, set(&all));
}

async fn what_is_in_the_trash_is_no_garbage(bench: &Bench) {
    use pakhus_core::replication::MergePolicy;

    let site = bench.site("la").await;
    let arrived = content("a", "1.0.0", 1, 5, "x", vec![blob("trashed")]);
    site.apply(vec![arrived], MergePolicy::Converge).await;
    site.apply(vec![tombstone("a", "1.0.0", 1, 6)], MergePolicy::Converge).await;
    assert!(garbage_of(&site, &["trashed"], 100).await.is_empty());
}
