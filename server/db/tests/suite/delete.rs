//! Deleting versions.

use pakhus_core::RefusalKind;
use pakhus_core::replication::{Standing, State};
use pakhus_db::records;

use crate::bench::{Bench, refusal};
use crate::vocabulary::{delete, publish, tag, version_key};

on_both_backends!(
    a_delete_leaves_a_tombstone_that_travels,
    deleting_what_is_not_there_is_refused,
    a_package_whose_last_version_is_deleted_is_gone_until_the_next_publish,
    a_tag_may_outlive_the_version_it_points_to,
);

async fn a_delete_leaves_a_tombstone_that_travels(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("published");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");

    assert_eq!(site.versions("a").await, ["2.0.0"]);
    let record = records::version(&site.database, site.feed.id, "a", "1.0.0").await;
    assert_eq!(record.expect("no failure"), None);

    let records = site.all_records().await;
    assert_eq!(records.len(), 2);
    assert_eq!(records[1].key, version_key("a", "1.0.0"));
    let State::Version(state) = &records[1].state else { panic!("a version: {records:?}") };
    assert_eq!(state.incarnation, 1);
    assert!(matches!(state.standing, Standing::Deleted { .. }));
    let contents = site.contents("a").await.expect("a version");
    assert_eq!(contents.modified_at, records[1].state.at(), "a delete modifies the package");
}

async fn deleting_what_is_not_there_is_refused(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    let end = site.end().await;
    for (package, version) in [("a", "1.0.0"), ("a", "2.0.0"), ("b", "1.0.0")] {
        let refusal = refusal(site.commit([delete(package, version)]).await);
        assert_eq!(refusal.kind, RefusalKind::NotFound);
        assert_eq!(refusal.message, format!("there is no version {version} of {package}"));
    }
    assert_eq!(site.end().await, end);
}

async fn a_package_whose_last_version_is_deleted_is_gone_until_the_next_publish(bench: &Bench) {
    let site = bench.site("la").await;
    let feed = site.feed.id;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    assert!(site.contents("a").await.is_none());
    assert_eq!(records::package(&site.database, feed, "a").await.expect("no failure"), None);
    site.commit([publish("a", "2.0.0")]).await.expect("published");
    let package = records::package(&site.database, feed, "a").await.expect("no failure");
    assert_eq!(package.expect("it is back").revision, 3, "revisions never go back");
    assert_eq!(site.versions("a").await, ["2.0.0"]);
}

async fn a_tag_may_outlive_the_version_it_points_to(bench: &Bench) {
    let site = bench.site("la").await;
    let edits = [publish("a", "1.0.0"), publish("a", "2.0.0"), tag("a", "next", "2.0.0")];
    site.commit(edits).await.expect("published");
    site.commit([delete("a", "2.0.0")]).await.expect("deleted");
    let contents = site.contents("a").await.expect("a version");
    assert_eq!(contents.tags[0].version, "2.0.0");
}
