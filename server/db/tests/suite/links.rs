//! What a feed knows of its source.

use pakhus_core::Digest;
use pakhus_core::replication::engine::Link;
use pakhus_db::links;

use crate::bench::{Bench, Site};
use crate::vocabulary::{link_with, save_link, tag_key, version_key};

on_both_backends!(
    progress_reads_back_as_it_was_saved,
    shadows_are_of_the_states_seen_last,
    a_forgotten_link_leaves_nothing,
    a_feed_that_is_gone_gets_no_link,
);

async fn link(site: &Site) -> Option<Link> {
    links::find(&site.database, site.feed.id).await.expect("no failure")
}

async fn progress_reads_back_as_it_was_saved(bench: &Bench) {
    let site = bench.site("la").await;
    assert_eq!(link(&site).await, None);
    for push_seq in [3, 4] {
        let progress = link_with(push_seq);
        let saved = save_link(&site.database, site.feed.id, &progress, std::iter::empty()).await;
        saved.expect("saved");
        assert_eq!(link(&site).await, Some(progress));
    }
}

async fn shadows_are_of_the_states_seen_last(bench: &Bench) {
    let site = bench.site("la").await;
    let feed = site.feed.id;
    let keys: Vec<_> = (0..250).map(|number| version_key("a", &format!("{number}.0.0"))).collect();
    for round in ["one", "two"] {
        let digest = Digest::of(round.as_bytes());
        let seen = keys.iter().map(|key| (key, digest));
        save_link(&site.database, feed, &link_with(1), seen).await.expect("saved");
        let shadows = links::shadows_of(&site.database, feed, &keys).await.expect("no failure");
        assert_eq!(shadows.len(), 250);
        assert!(shadows.values().all(|shadow| *shadow == digest));
    }
    let others = [tag_key("a", "0.0.0"), version_key("b", "0.0.0"), version_key("a", "250.0.0")];
    let shadows = links::shadows_of(&site.database, feed, &others).await.expect("no failure");
    assert!(shadows.is_empty());
    let shadows = links::shadows_of(&site.database, feed + 1, &keys).await.expect("no failure");
    assert!(shadows.is_empty());
    let shadows = links::shadows_of(&site.database, feed, &[]).await.expect("no failure");
    assert!(shadows.is_empty());
}

async fn a_forgotten_link_leaves_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    let key = version_key("a", "1.0.0");
    let seen = [(&key, Digest::ZERO)];
    save_link(&site.database, site.feed.id, &link_with(1), seen.into_iter()).await.expect("saved");
    links::forget(&site.database, site.feed.id).await.expect("forgotten");
    assert_eq!(link(&site).await, None);
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM shadows").await, 0);
}

async fn a_feed_that_is_gone_gets_no_link(bench: &Bench) {
    let site = bench.site("la").await;
    pakhus_db::feeds::delete(&site.database, site.feed.id).await.expect("deleted");
    let saved = save_link(&site.database, site.feed.id, &link_with(1), std::iter::empty()).await;
    assert!(matches!(saved, Err(pakhus_db::Error::NoSuchFeed)), "{saved:?}");
}
