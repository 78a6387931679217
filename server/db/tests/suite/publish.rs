//! Publishing versions.

use pakhus_core::RefusalKind;
use pakhus_core::replication::State;
use pakhus_db::records;

use crate::bench::{Bench, refusal};
use crate::vocabulary::{blob, delete, json, publish, publish_with, tag};

on_both_backends!(
    a_published_version_reads_back_as_it_was_published,
    versions_are_listed_in_the_order_of_their_sort_keys,
    names_and_versions_are_told_apart_by_their_bytes,
    a_version_of_no_blobs_and_one_of_a_blob_named_twice_can_be_published,
    publishing_what_is_there_is_refused_and_changes_nothing,
    a_change_happens_whole_or_not_at_all,
    a_later_edit_of_a_change_sees_what_an_earlier_one_did,
    a_change_of_many_edits_is_one_change,
    a_publish_after_a_delete_is_the_next_incarnation,
    a_feed_that_is_not_there_takes_no_changes,
);

async fn a_published_version_reads_back_as_it_was_published(bench: &Bench) {
    let site = bench.site("la").await;
    let blobs = vec![blob("one"), blob("two")];
    let committed =
        site.commit([publish_with("@a/b", "1.2.3-rc.1", "é \u{1f980}\n", blobs.clone())]).await;
    assert_eq!(committed.expect("published").sequence, 1);

    let feed = site.feed.id;
    let record = records::version(&site.database, feed, "@a/b", "1.2.3-rc.1").await;
    let record = record.expect("no failure").expect("it was published");
    assert_eq!((record.name.key(), record.version.key()), ("@a/b", "1.2.3-rc.1"));
    assert_eq!(record.metadata, json("é \u{1f980}\n"));
    assert_eq!(record.blobs, blobs);

    let contents = site.contents("@a/b").await.expect("it has a version");
    assert_eq!(contents.versions, std::slice::from_ref(&record));
    assert_eq!(contents.modified_at, record.published_at);
    assert_eq!(contents.package.revision, 1);
    let package = records::package(&site.database, feed, "@a/b").await.expect("no failure");
    assert_eq!(package, Some(contents.package));

    for (name, version) in [("@a/b", "1.2.3"), ("b", "1.2.3-rc.1")] {
        let other = records::version(&site.database, feed, name, version).await;
        assert_eq!(other.expect("no failure"), None);
    }
    assert!(site.contents("b").await.is_none());
}

async fn versions_are_listed_in_the_order_of_their_sort_keys(bench: &Bench) {
    let site = bench.site("la").await;
    let numbers =
        ["10.0.0", "1.10.0", "1.9.0", "1.0.0", "1.0.0-rc.1", "1.0.0-beta.11", "1.0.0-beta.2"];
    site.commit(numbers.map(|number| publish("a", number))).await.expect("published");
    let mut in_order = numbers;
    in_order.reverse();
    assert_eq!(site.versions("a").await, in_order);
}

async fn names_and_versions_are_told_apart_by_their_bytes(bench: &Bench) {
    let site = bench.site("la").await;
    // Collations of a locale take some of these for equal.
    let names = ["a", "A", "á", "a\u{301}", "a_", "a-"];
    site.commit(names.map(|name| publish(name, "1.0.0"))).await.expect("published");
    site.commit([publish("a", "1.0.0-RC"), publish("a", "1.0.0-rc")]).await.expect("published");
    assert_eq!(site.versions("a").await, ["1.0.0-RC", "1.0.0-rc", "1.0.0"]);
    for name in &names[1..] {
        assert_eq!(site.versions(name).await, ["1.0.0"], "{name}");
    }
}

async fn a_version_of_no_blobs_and_one_of_a_blob_named_twice_can_be_published(bench: &Bench) {
    let site = bench.site("la").await;
    let twice = vec![blob("layer"), blob("layer")];
    let edits =
        [publish_with("a", "1.0.0", "", Vec::new()), publish_with("a", "2.0.0", "", twice.clone())];
    site.commit(edits).await.expect("published");
    let contents = site.contents("a").await.expect("two versions");
    assert_eq!(contents.versions[0].blobs, []);
    assert_eq!(contents.versions[1].blobs, twice);
}

async fn publishing_what_is_there_is_refused_and_changes_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let (end, contents) = (site.end().await, site.contents("a").await.expect("a version"));

    let again = publish_with("a", "1.0.0", "other", vec![blob("other")]);
    let refusal = refusal(site.commit([again]).await);
    assert_eq!(refusal.kind, RefusalKind::Conflict);
    assert_eq!(refusal.message, "version 1.0.0 of a is published already");

    assert_eq!(site.end().await, end);
    let now = site.contents("a").await.expect("still there");
    assert_eq!((now.fingerprint, now.versions), (contents.fingerprint, contents.versions));
}

async fn a_change_happens_whole_or_not_at_all(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let end = site.end().await;
    let edits = [
        publish("a", "2.0.0"),
        tag("a", "latest", "2.0.0"),
        publish("b", "1.0.0"),
        delete("a", "1.0.0"),
        publish("a", "2.0.0"),
    ];
    assert_eq!(refusal(site.commit(edits).await).kind, RefusalKind::Conflict);
    assert_eq!(site.end().await, end);
    assert_eq!(site.versions("a").await, ["1.0.0"]);
    assert!(site.contents("b").await.is_none());
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM records").await, 1);
}

async fn a_later_edit_of_a_change_sees_what_an_earlier_one_did(bench: &Bench) {
    let site = bench.site("la").await;
    let edits = [
        publish_with("a", "1.0.0", "first", vec![blob("first")]),
        tag("a", "latest", "1.0.0"),
        delete("a", "1.0.0"),
        publish_with("a", "1.0.0", "second", vec![blob("second")]),
    ];
    // One line for the version and one for the tag: only where a key ends up is a change.
    assert_eq!(site.commit(edits).await.expect("committed").sequence, 2);
    let contents = site.contents("a").await.expect("a version");
    assert_eq!(contents.versions[0].metadata, json("second"));
    assert_eq!(contents.tags[0].version, "1.0.0");
    let records = site.all_records().await;
    assert_eq!(records.iter().map(|record| record.state.counter()).collect::<Vec<_>>(), [2, 1]);
}

async fn a_change_of_many_edits_is_one_change(bench: &Bench) {
    let site = bench.site("la").await;
    // More rows than one INSERT takes.
    let edits =
        (0..250).map(|number| publish(&format!("p{}", number % 7), &format!("{number}.0.0")));
    assert_eq!(site.commit(edits).await.expect("published").sequence, 250);
    let deletes =
        (0..250).map(|number| delete(&format!("p{}", number % 7), &format!("{number}.0.0")));
    assert_eq!(site.commit(deletes).await.expect("deleted").sequence, 500);
    assert!(site.contents("p0").await.is_none());
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM record_blobs").await, 0);
}

async fn a_publish_after_a_delete_is_the_next_incarnation(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    site.commit([publish_with("a", "1.0.0", "again", vec![])]).await.expect("published again");
    let records = site.all_records().await;
    let [record] = records.as_slice() else { panic!("one key: {records:?}") };
    let State::Version(state) = &record.state else { panic!("a version: {record:?}") };
    assert_eq!(state.incarnation, 2);
    assert_eq!(record.state.content().expect("it is there").metadata, json("again"));
    let raw = site.raw().await;
    assert_eq!(raw.number("SELECT live_versions FROM packages").await, 1);
    assert_eq!(raw.number("SELECT revision FROM packages").await, 3);
}

async fn a_feed_that_is_not_there_takes_no_changes(bench: &Bench) {
    let mut site = bench.site("la").await;
    site.feed.id += 1;
    let outcome = site.commit([publish("a", "1.0.0")]).await;
    assert!(matches!(outcome, Err(pakhus_db::Error::NoSuchFeed)), "{outcome:?}");
}
