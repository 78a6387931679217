//! Reading tags, attributes, versions and names by themselves.

use pakhus_core::Edit;
use pakhus_db::{packages, records, registers};

use crate::bench::{Bench, Site};
use crate::vocabulary::{delete, json, name, publish, remove_tag, tag, version};

on_both_backends!(
    a_tag_leads_to_its_version,
    tags_are_listed_in_the_order_of_their_bytes_without_those_that_lead_nowhere,
    attributes_of_one_name_are_listed_by_their_versions,
    versions_and_packages_are_found_that_are_there,
);

async fn tags(site: &Site, after: Option<&str>, limit: u64) -> Vec<String> {
    let tags = registers::tags(&site.database, site.feed.id, "a", after, limit).await;
    tags.expect("read").into_iter().map(|(tag, _)| tag).collect()
}

async fn a_tag_leads_to_its_version(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), tag("a", "latest", "1.0.0")]).await.expect("made");
    let found = async |text: &str| {
        registers::tag(&site.database, site.feed.id, "a", text).await.expect("read")
    };
    assert_eq!(found("latest").await.as_deref(), Some("1.0.0"));
    assert_eq!(found("other").await, None);
    site.commit([remove_tag("a", "latest")]).await.expect("removed");
    assert_eq!(found("latest").await, None);
}

async fn tags_are_listed_in_the_order_of_their_bytes_without_those_that_lead_nowhere(
    bench: &Bench,
) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("made");
    for text in ["b", "B", "_", "1.10", "1.9"] {
        site.commit([tag("a", text, "1.0.0")]).await.expect("tagged");
    }
    site.commit([tag("a", "gone", "2.0.0"), delete("a", "2.0.0")]).await.expect("made");
    assert_eq!(tags(&site, None, 10).await, ["1.10", "1.9", "B", "_", "b"]);
    assert_eq!(tags(&site, Some("1.9"), 2).await, ["B", "_"]);
    assert_eq!(tags(&site, Some("b"), 2).await, Vec::<String>::new());
    let many: Vec<_> = (0..250).map(|number| tag("a", &format!("t{number:03}"), "1.0.0")).collect();
    site.commit(many).await.expect("tagged");
    assert_eq!(tags(&site, Some("b"), 220).await.len(), 220);
    assert_eq!(tags(&site, Some("c"), 1_000).await.len(), 250);
}

async fn attributes_of_one_name_are_listed_by_their_versions(bench: &Bench) {
    let site = bench.site("la").await;
    let set = |attribute: &str, of: Option<&str>, value: Option<&str>| Edit::SetAttribute {
        name: name("a"),
        version: of.map(version),
        attribute: attribute.to_owned(),
        value: value.map(json),
    };
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("made");
    let edits = [
        set("about", Some("2.0.0"), Some("two")),
        set("about", Some("1.0.0"), Some("one")),
        set("about", None, Some("all")),
        set("about-it", Some("1.0.0"), Some("other")),
        set("abou", Some("1.0.0"), Some("other")),
    ];
    site.commit(edits).await.expect("set");
    let listed = async |after: Option<&str>, limit: u64| {
        let found = registers::attributes(&site.database, site.feed.id, "a", "about", after, limit);
        let found = found.await.expect("read").into_iter();
        found.map(|found| found.version.expect("of a version")).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 10).await, ["1.0.0", "2.0.0"]);
    assert_eq!(listed(None, 1).await, ["1.0.0"]);
    assert_eq!(listed(Some("1.0.0"), 10).await, ["2.0.0"]);
    site.commit([set("about", Some("1.0.0"), None)]).await.expect("removed");
    assert_eq!(listed(None, 10).await, ["2.0.0"]);
}

async fn versions_and_packages_are_found_that_are_there(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0"), publish("b", "1.0.0")])
        .await
        .expect("made");
    site.commit([delete("a", "2.0.0"), publish("c", "1.0.0"), delete("b", "1.0.0")])
        .await
        .expect("made");
    let asked = ["1.0.0", "2.0.0", "3.0.0"];
    let found = records::versions(&site.database, site.feed.id, "a", &asked).await.expect("read");
    let found: Vec<_> = found.iter().map(|record| record.version.key().to_owned()).collect();
    assert_eq!(found, ["1.0.0"]);
    let names = async |after: Option<&str>| {
        let found = packages::names(&site.database, site.feed.id, after, 10).await.expect("read");
        found.iter().map(|name| name.key().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(None).await, ["a", "c"]);
    assert_eq!(names(Some("a")).await, ["c"]);
}
