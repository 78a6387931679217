//! Attributes of packages and versions.

use crate::bench::{Bench, Site};
use crate::vocabulary::{attribute, json, publish};

on_both_backends!(
    attributes_hang_on_a_version_or_on_the_package,
    an_attribute_changes_only_when_its_value_does,
);

async fn attributes(site: &Site) -> Vec<(String, Option<String>, String)> {
    let contents = site.contents("a").await.expect("a version");
    let attributes = contents.attributes.into_iter();
    attributes
        .map(|attribute| {
            let value: String = attribute.value.parse().expect("a text");
            (attribute.name, attribute.version, value)
        })
        .collect()
}

async fn attributes_hang_on_a_version_or_on_the_package(bench: &Bench) {
    let site = bench.site("la").await;
    let edits = [
        publish("a", "1.0.0"),
        attribute("a", Some("1.0.0"), "deprecation", Some("use 2")),
        attribute("a", None, "deprecation", Some("use b")),
        attribute("b", None, "deprecation", Some("of another package")),
    ];
    site.commit(edits).await.expect("committed");
    let deprecation = "deprecation".to_owned();
    assert_eq!(
        attributes(&site).await,
        [
            (deprecation.clone(), None, "use b".to_owned()),
            (deprecation, Some("1.0.0".to_owned()), "use 2".to_owned()),
        ]
    );
}

async fn an_attribute_changes_only_when_its_value_does(bench: &Bench) {
    let site = bench.site("la").await;
    let set = |value| attribute("a", Some("1.0.0"), "deprecation", value);
    site.commit([publish("a", "1.0.0"), set(Some("old"))]).await.expect("set");
    site.commit([set(Some("old"))]).await.expect("no change");
    assert_eq!(site.end().await.seq, 2);
    site.commit([set(Some("older"))]).await.expect("set");
    let contents = site.contents("a").await.expect("a version");
    assert_eq!(contents.attributes[0].value, json("older"));
    assert_eq!(contents.attributes[0].at, contents.modified_at);
    site.commit([set(None)]).await.expect("removed");
    assert_eq!(attributes(&site).await, []);
    site.commit([set(None)]).await.expect("no change");
    assert_eq!(site.end().await.seq, 4);
}
