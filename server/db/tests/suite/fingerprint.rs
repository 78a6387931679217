//! Fingerprints of packages, and changes that hold only for one.

use pakhus_core::replication::CheckedRecord;
use pakhus_core::replication::{CountState, MergePolicy, RecordKey, State};
use pakhus_core::{Change, Edit, Precondition, RefusalKind};

use crate::bench::{Bench, Site, refusal};
use crate::vocabulary::{content, delete, foreign_tag, name, publish, tag, tombstone};

on_both_backends!(
    a_change_for_a_stale_fingerprint_is_refused,
    a_change_for_the_fingerprint_of_a_package_that_is_not_there_yet_is_made,
    equal_states_have_equal_fingerprints_however_they_were_reached,
    counting_downloads_leaves_the_fingerprint_as_it_is,
);

async fn fingerprint(site: &Site) -> String {
    site.contents("a").await.expect("a version").fingerprint
}

fn only_if(fingerprint: &str, edit: Edit) -> Change {
    let precondition =
        Precondition::Fingerprint { name: name("a"), fingerprint: fingerprint.to_owned() };
    Change { preconditions: vec![precondition], edits: vec![edit] }
}

async fn a_change_for_a_stale_fingerprint_is_refused(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let stale = fingerprint(&site).await;
    site.commit([publish("b", "1.0.0")]).await.expect("of another package");
    assert_eq!(fingerprint(&site).await, stale);
    site.change(only_if(&stale, tag("a", "latest", "1.0.0"))).await.expect("not stale yet");

    let fresh = fingerprint(&site).await;
    assert_ne!(fresh, stale);
    let end = site.end().await;
    let refusal = refusal(site.change(only_if(&stale, publish("a", "2.0.0"))).await);
    assert_eq!(refusal.kind, RefusalKind::Conflict);
    assert!(refusal.message.starts_with("a was changed by somebody else"), "{refusal}");
    assert_eq!(site.end().await, end);
    site.change(only_if(&fresh, publish("a", "2.0.0"))).await.expect("it is fresh");
    // A delete leaves a tombstone, which counts.
    site.commit([delete("a", "2.0.0")]).await.expect("deleted");
    assert_ne!(fingerprint(&site).await, fresh);
}

async fn a_change_for_the_fingerprint_of_a_package_that_is_not_there_yet_is_made(bench: &Bench) {
    let site = bench.site("la").await;
    let of_nothing = pakhus_core::Digest::of_parts(&[]).hex();
    site.change(only_if(&of_nothing, publish("a", "1.0.0"))).await.expect("nobody was first");
    let late = site.change(only_if(&of_nothing, publish("a", "2.0.0"))).await;
    assert_eq!(refusal(late).kind, RefusalKind::Conflict);
}

async fn equal_states_have_equal_fingerprints_however_they_were_reached(bench: &Bench) {
    let one = bench.site("la").await;
    let other = bench.site("tokyo").await;
    let states = [
        content("a", "1.0.0", 1, 5, "x", vec![]),
        content("a", "2.0.0", 1, 6, "y", vec![]),
        tombstone("a", "3.0.0", 1, 7),
        foreign_tag("a", "latest", Some("1.0.0"), 1),
    ];
    for state in &states {
        one.apply(vec![state.clone()], MergePolicy::Converge).await;
    }
    other.apply(vec![content("a", "3.0.0", 1, 4, "z", vec![])], MergePolicy::Converge).await;
    assert_ne!(fingerprint(&one).await, fingerprint(&other).await);
    other.apply(states.into_iter().rev().collect(), MergePolicy::Converge).await;
    assert_eq!(fingerprint(&one).await, fingerprint(&other).await);
}

async fn counting_downloads_leaves_the_fingerprint_as_it_is(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let before = fingerprint(&site).await;
    let key = RecordKey::Downloads {
        name: "a".to_owned(),
        version: "1.0.0".to_owned(),
        instance: "tokyo".to_owned(),
    };
    let count = CheckedRecord {
        key,
        state: State::Count(CountState { count: 9, ..CountState::default() }),
        sort_key: None,
    };
    site.apply(vec![count], MergePolicy::Converge).await;
    assert_eq!(site.end().await.seq, 2);
    assert_eq!(fingerprint(&site).await, before);
}
