//! The log of a feed.

use pakhus_core::Digest;
use pakhus_core::replication::{MergePolicy, Position, RecordKey, chain};

use crate::bench::{Bench, Site};
use crate::vocabulary::{content, delete, publish, remove_tag, tag, tombstone};

on_both_backends!(
    the_log_is_gapless_and_its_chain_leads_to_the_end_of_the_feed,
    the_logs_of_two_feeds_are_apart,
    whoever_waits_for_the_end_is_told_of_it,
);

/// Reads the whole log and checks it: numbers without gaps, a chain that is what `chain` makes of its
/// lines, the feed's end at its end, and each record at the number of its last line.
pub(crate) async fn check(site: &Site) {
    let raw = site.raw().await;
    let feed = site.feed.id;
    let lines = raw
        .rows(&format!(
            "SELECT seq, kind, name, item, state_digest, chain FROM feed_log WHERE feed_id = {feed} ORDER BY seq"
        ))
        .await;
    let mut end = Position::START;
    let mut last = std::collections::BTreeMap::new();
    for line in lines {
        let kind: i64 = line.try_get_by_index(1).expect("a kind");
        let name: String = line.try_get_by_index(2).expect("a name");
        let item: String = line.try_get_by_index(3).expect("an item");
        let state: Vec<u8> = line.try_get_by_index(4).expect("a digest");
        let kind = u8::try_from(kind).expect("a small number");
        let key = RecordKey::from_parts(kind, &name, &item).expect("the parts of a key");
        let state = Digest::from_slice(&state).expect("a digest");
        end = Position { seq: end.seq + 1, chain: chain(end.chain, &key, state) };
        let seq: i64 = line.try_get_by_index(0).expect("a number");
        assert_eq!(seq.cast_unsigned(), end.seq, "the log has a gap");
        let kept: Vec<u8> = line.try_get_by_index(5).expect("a chain");
        assert_eq!(Digest::from_slice(&kept), Ok(end.chain), "the chain breaks at {seq}");
        last.insert((kind, name, item), (seq, state));
    }
    assert_eq!(site.end().await, end);

    let rows = raw
        .rows(&format!(
            "SELECT kind, name, item, seq, state_digest FROM records WHERE feed_id = {feed}"
        ))
        .await;
    assert_eq!(rows.len(), last.len());
    for row in rows {
        let kind: i64 = row.try_get_by_index(0).expect("a kind");
        let key = (
            u8::try_from(kind).expect("a small number"),
            row.try_get_by_index(1).expect("a name"),
            row.try_get_by_index(2).expect("an item"),
        );
        let state: Vec<u8> = row.try_get_by_index(4).expect("a digest");
        let seq: i64 = row.try_get_by_index(3).expect("a number");
        assert_eq!(last[&key], (seq, Digest::from_slice(&state).expect("a digest")), "{key:?}");
    }
    raw.close().await;
}

async fn the_log_is_gapless_and_its_chain_leads_to_the_end_of_the_feed(bench: &Bench) {
    let site = bench.site("la").await;
    check(&site).await;
    site.commit([publish("a", "1.0.0"), tag("a", "latest", "1.0.0")]).await.expect("committed");
    check(&site).await;
    site.commit([publish("a", "1.0.0")]).await.expect_err("it is there");
    site.commit([delete("a", "1.0.0"), remove_tag("a", "latest")]).await.expect("committed");
    let page = vec![tombstone("a", "1.0.0", 2, 1), content("b", "1.0.0", 1, 1, "", vec![])];
    site.apply(page, MergePolicy::Converge).await;
    assert_eq!(site.end().await.seq, 6);
    check(&site).await;
}

async fn the_logs_of_two_feeds_are_apart(bench: &Bench) {
    let site = bench.site("la").await;
    let mut other = site.other_node().await;
    let settings = crate::bench::feed_settings("other");
    let made = pakhus_db::feeds::create(&site.database, &settings, site.clock.now()).await;
    other.feed = made.expect("no failure").expect("a new name");
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    other.commit([publish("a", "1.0.0")]).await.expect("published there too");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    check(&site).await;
    check(&other).await;
    assert_eq!(other.versions("a").await, ["1.0.0"]);
    assert_eq!(site.versions("a").await, [""; 0]);
    let lineage = async |site: &Site| {
        pakhus_db::changes::end(&site.database, site.feed.id).await.expect("no failure").lineage
    };
    assert_ne!(lineage(&site).await, lineage(&other).await);
}

async fn whoever_waits_for_the_end_is_told_of_it(bench: &Bench) {
    let site = bench.site("la").await;
    let mut head = site.database.watch_head(site.feed.id);
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let seen = tokio::time::timeout(std::time::Duration::from_secs(10), head.changed()).await;
    seen.expect("told at once").expect("the database is open");
    assert_eq!(*head.borrow_and_update(), 1);
    site.apply(vec![content("b", "1.0.0", 1, 1, "", vec![])], MergePolicy::Converge).await;
    assert_eq!(*head.borrow_and_update(), 2);
    site.commit([publish("a", "1.0.0")]).await.expect_err("it is there");
    assert!(!head.has_changed().expect("the database is open"));
}
