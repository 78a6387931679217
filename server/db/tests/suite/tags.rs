//! Setting and removing tags.

use pakhus_core::RefusalKind;

use crate::bench::{Bench, Site, refusal};
use crate::vocabulary::{delete, publish, remove_tag, tag, tag_if_absent, tag_key};

on_both_backends!(
    a_tag_points_where_it_was_set_last,
    a_tag_to_a_version_that_is_not_there_is_refused,
    a_tag_set_only_if_absent_stays_where_it_points_to_what_is_there,
    setting_a_tag_to_where_it_points_changes_nothing,
    a_removed_tag_is_gone_and_its_counter_is_not,
);

async fn tags(site: &Site) -> Vec<(String, String)> {
    let contents = site.contents("a").await.expect("a version");
    contents.tags.into_iter().map(|tag| (tag.name, tag.version)).collect()
}

fn pairs(tags: &[(&str, &str)]) -> Vec<(String, String)> {
    tags.iter().map(|(tag, version)| ((*tag).to_owned(), (*version).to_owned())).collect()
}

async fn a_tag_points_where_it_was_set_last(bench: &Bench) {
    let site = bench.site("la").await;
    let edits = [publish("a", "1.0.0"), publish("a", "2.0.0"), tag("a", "next", "2.0.0")];
    site.commit(edits).await.expect("committed");
    site.commit([tag("a", "latest", "1.0.0")]).await.expect("committed");
    assert_eq!(tags(&site).await, pairs(&[("latest", "1.0.0"), ("next", "2.0.0")]));
    site.commit([tag("a", "latest", "2.0.0")]).await.expect("committed");
    assert_eq!(tags(&site).await, pairs(&[("latest", "2.0.0"), ("next", "2.0.0")]));
}

async fn a_tag_to_a_version_that_is_not_there_is_refused(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("published");
    site.commit([delete("a", "2.0.0")]).await.expect("deleted");
    let end = site.end().await;
    for edit in [tag("a", "latest", "2.0.0"), tag("a", "latest", "3.0.0"), tag("b", "x", "1.0.0")] {
        assert_eq!(refusal(site.commit([edit]).await).kind, RefusalKind::NotFound);
    }
    assert_eq!(site.end().await, end);
    assert_eq!(tags(&site).await, []);
}

async fn a_tag_set_only_if_absent_stays_where_it_points_to_what_is_there(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), tag_if_absent("a", "latest", "1.0.0")]).await.expect("set");
    site.commit([publish("a", "2.0.0"), tag_if_absent("a", "latest", "2.0.0")])
        .await
        .expect("kept");
    assert_eq!(tags(&site).await, pairs(&[("latest", "1.0.0")]));
    assert_eq!(site.end().await.seq, 3, "keeping a tag is no change");
    // Where the version is gone, the tag counts as absent.
    site.commit([delete("a", "1.0.0"), tag_if_absent("a", "latest", "2.0.0")])
        .await
        .expect("moved");
    assert_eq!(tags(&site).await, pairs(&[("latest", "2.0.0")]));
}

async fn setting_a_tag_to_where_it_points_changes_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), tag("a", "latest", "1.0.0")]).await.expect("set");
    let end = site.end().await;
    let committed = site.commit([tag("a", "latest", "1.0.0")]).await.expect("set again");
    assert_eq!(committed.sequence, end.seq);
    assert_eq!(site.end().await, end);
    assert_eq!(site.raw().await.number("SELECT COUNT(*) FROM feed_log").await, 2);
}

async fn a_removed_tag_is_gone_and_its_counter_is_not(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), tag("a", "latest", "1.0.0")]).await.expect("set");
    site.commit([remove_tag("a", "latest")]).await.expect("removed");
    assert_eq!(tags(&site).await, []);
    let end = site.end().await;
    site.commit([remove_tag("a", "latest"), remove_tag("a", "never")]).await.expect("no change");
    assert_eq!(site.end().await, end);

    site.commit([tag("a", "latest", "1.0.0")]).await.expect("set");
    let records = site.all_records().await;
    let tag = records.iter().find(|record| record.key == tag_key("a", "latest"));
    assert_eq!(tag.expect("a record").state.counter(), 3);
}
