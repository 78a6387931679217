//! Merging what comes from other sites.

use pakhus_core::RefusalKind;
use pakhus_core::replication::engine::{Batch, Link};
use pakhus_core::replication::{CheckedRecord, CountState, Cursor, MergePolicy, Position, State};
use pakhus_db::{apply, links};

use crate::bench::{Bench, Site, refusal};
use crate::vocabulary::{
    batch, blob, content, delete, foreign_tag, json, publish_with, tag, tag_key, tombstone,
    version_key,
};

on_both_backends!(
    what_comes_from_elsewhere_is_there_and_comes_again_without_effect,
    the_greater_state_stands_wherever_it_came_from,
    of_two_contents_the_loser_is_kept_aside,
    a_replica_shows_what_its_source_shows,
    what_a_delete_from_elsewhere_removes_goes_to_the_trash,
    a_page_of_many_records_is_applied_whole,
    the_links_progress_and_its_shadows_are_saved_with_the_page,
    a_page_that_would_break_the_feed_is_refused_whole,
);

async fn kept(site: &Site) -> Vec<(String, State)> {
    let rows = site.raw().await.rows("SELECT reason, state FROM kept_states ORDER BY id").await;
    rows.iter()
        .map(|row| {
            let state: String = row.try_get_by_index(1).expect("a text");
            let state = serde_json::from_str(&state).expect("a state");
            (row.try_get_by_index(0).expect("a text"), state)
        })
        .collect()
}

async fn what_comes_from_elsewhere_is_there_and_comes_again_without_effect(bench: &Bench) {
    let site = bench.site("la").await;
    let page = vec![
        content("a", "1.0.0", 1, 5, "x", vec![blob("x")]),
        content("a", "0.9.0", 1, 4, "y", vec![]),
        foreign_tag("a", "latest", Some("1.0.0"), 3),
        tombstone("b", "1.0.0", 2, 5),
    ];
    let outcome = site.apply(page.clone(), MergePolicy::Converge).await;
    assert_eq!((outcome.applied, outcome.deleted, outcome.conflicts), (4, 0, 0));
    assert_eq!((outcome.start, outcome.end), (Some(Position::START), Some(site.end().await)));
    let contents = site.contents("a").await.expect("a package");
    assert_eq!(site.versions("a").await, ["0.9.0", "1.0.0"]);
    assert_eq!(contents.versions[1].published_at.millis(), 5);
    assert_eq!(contents.versions[1].blobs, [blob("x")]);
    assert_eq!(contents.tags[0].version, "1.0.0");
    assert!(site.contents("b").await.is_none());

    let again = site.apply(page, MergePolicy::Converge).await;
    assert_eq!(again.applied, 0);
    assert_eq!((again.start, again.end), (outcome.end, outcome.end));
    assert!(again.kept_local.is_empty());
    crate::log::check(&site).await;
}

async fn the_greater_state_stands_wherever_it_came_from(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish_with("a", "1.0.0", "here", vec![]), tag("a", "latest", "1.0.0")])
        .await
        .expect("published");
    site.commit([delete("a", "1.0.0")]).await.expect("deleted");
    site.commit([publish_with("a", "1.0.0", "again", vec![])]).await.expect("published again");

    // The delete of the first incarnation comes late, and so does an older tag.
    let late = vec![tombstone("a", "1.0.0", 1, 5), foreign_tag("a", "latest", None, 1)];
    let outcome = site.apply(late, MergePolicy::Converge).await;
    assert_eq!(outcome.applied, 0);
    let kept_local: Vec<_> = outcome.kept_local.iter().map(|(key, _)| key.clone()).collect();
    assert_eq!(kept_local, [version_key("a", "1.0.0"), tag_key("a", "latest")]);
    assert_eq!(outcome.kept_local[0].1.counter(), 2);
    assert_eq!(site.versions("a").await, ["1.0.0"]);

    // The one of the second does not, nor does a newer tag.
    let newer = vec![tombstone("a", "1.0.0", 2, 6), foreign_tag("a", "latest", None, 2)];
    assert_eq!(site.apply(newer, MergePolicy::Converge).await.applied, 2);
    assert!(site.contents("a").await.is_none());
    // And a site goes on from the counters that it has seen.
    site.commit([publish_with("a", "1.0.0", "third", vec![]), tag("a", "latest", "1.0.0")])
        .await
        .expect("published");
    let counters: Vec<_> =
        site.all_records().await.iter().map(|record| record.state.counter()).collect();
    assert_eq!(counters, [3, 3]);
}

async fn of_two_contents_the_loser_is_kept_aside(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish_with("a", "1.0.0", "late", vec![blob("late")])]).await.expect("published");
    let lost = site.all_records().await.remove(0).state;
    let page = vec![content("a", "1.0.0", 1, 5, "early", vec![blob("early")])];
    let outcome = site.apply(page, MergePolicy::Converge).await;
    assert_eq!((outcome.applied, outcome.deleted, outcome.conflicts), (1, 0, 1));
    assert_eq!(kept(&site).await, [("conflict".to_owned(), lost)]);
    let contents = site.contents("a").await.expect("a version");
    assert_eq!(contents.versions[0].metadata, json("early"));

    // The other way round the local content stands, and there is nothing to keep.
    let page = vec![content("a", "1.0.0", 1, 6, "later", vec![])];
    let outcome = site.apply(page, MergePolicy::Converge).await;
    assert_eq!((outcome.applied, outcome.kept_local.len()), (0, 1));
    assert_eq!(kept(&site).await.len(), 1);
}

async fn a_replica_shows_what_its_source_shows(bench: &Bench) {
    let site = bench.site("la").await;
    site.apply(vec![content("a", "1.0.0", 1, 5, "early", vec![])], MergePolicy::Converge).await;
    site.commit([publish_with("b", "1.0.0", "here alone", vec![])]).await.expect("published");
    let page = vec![content("a", "1.0.0", 1, 9, "the source's", vec![])];
    let outcome = site.apply(page, MergePolicy::SourceWins).await;
    assert_eq!((outcome.applied, outcome.conflicts), (1, 1));
    let contents = site.contents("a").await.expect("a version");
    assert_eq!(contents.versions[0].metadata, json("the source's"));
    assert_eq!(kept(&site).await[0].0, "conflict");
    assert_eq!(site.versions("b").await, ["1.0.0"]);
}

async fn what_a_delete_from_elsewhere_removes_goes_to_the_trash(bench: &Bench) {
    let site = bench.site("la").await;
    let page = vec![
        content("a", "1.0.0", 1, 5, "x", vec![]),
        content("a", "2.0.0", 1, 5, "y", vec![]),
        content("a", "3.0.0", 1, 5, "z", vec![]),
    ];
    site.apply(page.clone(), MergePolicy::Converge).await;
    let page = vec![
        tombstone("a", "1.0.0", 1, 6),
        // Deleted and published again there: it was replaced, not taken away.
        content("a", "2.0.0", 2, 6, "y2", vec![]),
        content("a", "3.0.0", 2, 6, "z", vec![]),
    ];
    let outcome = site.apply(page, MergePolicy::Converge).await;
    assert_eq!((outcome.applied, outcome.deleted, outcome.conflicts), (3, 1, 0));
    let first = content("a", "1.0.0", 1, 5, "x", vec![]).state;
    let second = content("a", "2.0.0", 1, 5, "y", vec![]).state;
    assert_eq!(kept(&site).await, [("trash".to_owned(), first), ("trash".to_owned(), second)]);
    assert_eq!(site.versions("a").await, ["2.0.0", "3.0.0"]);
    // What is deleted here is deleted on purpose.
    site.commit([delete("a", "2.0.0")]).await.expect("deleted");
    assert_eq!(kept(&site).await.len(), 2);
}

async fn a_page_of_many_records_is_applied_whole(bench: &Bench) {
    let site = bench.site("la").await;
    let page = |incarnation| {
        let writes = (0..250).map(move |number| {
            let (package, version) = (format!("p{}", number % 120), format!("{number}.0.0"));
            content(&package, &version, incarnation, 5, "x", vec![blob(&version), blob("shared")])
        });
        writes.collect::<Vec<_>>()
    };
    assert_eq!(site.apply(page(1), MergePolicy::Converge).await.applied, 250);
    assert_eq!(site.apply(page(2), MergePolicy::Converge).await.applied, 250);
    let raw = site.raw().await;
    assert_eq!(raw.number("SELECT COUNT(*) FROM record_blobs").await, 500);
    assert_eq!(raw.number("SELECT COUNT(*) FROM packages WHERE live_versions > 0").await, 120);
    assert_eq!(site.versions("p0").await, ["0.0.0", "120.0.0", "240.0.0"]);
    crate::log::check(&site).await;
}

fn progress(seq: u64) -> Link {
    let witness = Position { seq, chain: pakhus_core::Digest::of(b"there") };
    Link {
        source_url: "https://la.example/libs".to_owned(),
        source_instance: "la".to_owned(),
        cursor: Cursor { lineage: "l".to_owned(), seq, witness },
        push_seq: 0,
        sources: Vec::new(),
    }
}

async fn the_links_progress_and_its_shadows_are_saved_with_the_page(bench: &Bench) {
    let site = bench.site("tokyo").await;
    let feed = site.feed.id;
    site.commit([publish_with("a", "2.0.0", "here", vec![])]).await.expect("published");
    let apply = async |writes: Vec<CheckedRecord>, progress: &Link| {
        let policy = MergePolicy::Converge;
        let seen = writes.iter().map(|write| (write.key.clone(), Some(write.state.digest())));
        let seen = seen.collect();
        let batch = Batch { writes, seen, link: Some(progress.clone()), ..Batch::new(policy) };
        apply::apply(&site.database, feed, batch, None, bench.clock.now()).await
    };
    let writes = vec![
        content("a", "1.0.0", 1, 5, "x", vec![]),
        // Loses to what is here; the source has it all the same.
        content("a", "2.0.0", 1, i64::MAX, "there", vec![]),
    ];
    apply(writes.clone(), &progress(7)).await.expect("applied");
    let link = links::find(&site.database, feed).await.expect("no failure");
    assert_eq!(link, Some(progress(7)));
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    let shadows = links::shadows_of(&site.database, feed, &keys).await.expect("no failure");
    for write in &writes {
        assert_eq!(shadows[&write.key], write.state.digest());
    }

    // A page that fails saves neither.
    let twice = vec![writes[0].clone(), writes[0].clone()];
    apply(twice, &progress(9)).await.expect_err("a key is in it twice");
    let raw = site.raw().await;
    raw.execute("ALTER TABLE kept_states RENAME TO kept_elsewhere").await;
    apply(vec![tombstone("a", "1.0.0", 1, 6)], &progress(9)).await.expect_err("a table is missing");
    raw.execute("ALTER TABLE kept_elsewhere RENAME TO kept_states").await;
    let link = links::find(&site.database, feed).await.expect("no failure");
    assert_eq!(link, Some(progress(7)));
    assert_eq!(links::shadows_of(&site.database, feed, &keys).await.expect("no failure"), shadows);
    assert_eq!(site.versions("a").await, ["1.0.0", "2.0.0"]);
    crate::log::check(&site).await;
}

async fn a_page_that_would_break_the_feed_is_refused_whole(bench: &Bench) {
    let site = bench.site("la").await;
    let fine = content("a", "1.0.0", 1, 5, "x", vec![]);
    let count = State::Count(CountState { count: 1, ..CountState::default() });
    let pages = [
        vec![fine.clone(), fine.clone()],
        vec![fine, CheckedRecord { key: version_key("a", "2.0.0"), state: count, sort_key: None }],
    ];
    for page in pages {
        let now = bench.clock.now();
        let policy = MergePolicy::Converge;
        let outcome =
            apply::apply(&site.database, site.feed.id, batch(page, policy), None, now).await;
        assert_eq!(refusal(outcome).kind, RefusalKind::Invalid);
    }
    assert_eq!(site.end().await, Position::START);
}
