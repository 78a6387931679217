//! Listing packages.

use pakhus_core::{Edit, LISTED, Metadata};
use pakhus_db::feeds;
use pakhus_db::packages::{self, PackageSummary};

use crate::bench::{Bench, Site};
use crate::vocabulary::{blob, delete, name, publish, publish_with, tag, version};

on_both_backends!(
    packages_are_listed_with_their_versions_in_order,
    pages_of_packages_go_on_after_the_last_key,
    a_search_finds_what_contains_the_text,
    a_version_that_is_not_listed_says_so,
    packages_that_belong_to_others_are_neither_listed_nor_counted,
);

async fn list(
    site: &Site,
    search: Option<&str>,
    after: Option<&str>,
    limit: u64,
) -> Vec<PackageSummary> {
    packages::list(&site.database, site.feed.id, search, after, limit).await.expect("no failure")
}

fn keys(packages: &[PackageSummary]) -> Vec<&str> {
    packages.iter().map(|package| package.key.as_str()).collect()
}

async fn packages_are_listed_with_their_versions_in_order(bench: &Bench) {
    let site = bench.site("la").await;
    let edits = [
        publish("b", "10.0.0"),
        publish_with("b", "9.0.0", "", vec![blob("12345"), blob("123")]),
        publish("a", "1.0.0"),
        publish("gone", "1.0.0"),
        tag("b", "latest", "9.0.0"),
    ];
    site.commit(edits).await.expect("published");
    site.commit([delete("gone", "1.0.0")]).await.expect("deleted");
    let packages = list(&site, None, None, 10).await;
    assert_eq!(keys(&packages), ["a", "b"]);
    assert_eq!(packages[1].name, "b");
    let versions: Vec<_> = packages[1]
        .versions
        .iter()
        .map(|version| (version.version.as_str(), version.size))
        .collect();
    assert_eq!(versions, [("9.0.0", 8), ("10.0.0", 8)]);
    let contents = site.contents("a").await.expect("a package");
    assert_eq!(packages[0].versions[0].published_at, contents.versions[0].published_at);
}

async fn pages_of_packages_go_on_after_the_last_key(bench: &Bench) {
    let site = bench.site("la").await;
    let names = ["@a/b", "B", "a", "a-b", "a.b", "a_b", "aa", "b", "é"];
    site.commit(names.map(|name| publish(name, "1.0.0"))).await.expect("published");
    let mut seen: Vec<String> = Vec::new();
    loop {
        let page = list(&site, None, seen.last().map(String::as_str), 2).await;
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|package| package.key));
    }
    assert_eq!(seen, names, "in the order of their bytes");
}

async fn a_version_that_is_not_listed_says_so(bench: &Bench) {
    let site = bench.site("la").await;
    let unlist = |value: Option<bool>| Edit::SetAttribute {
        name: name("a"),
        version: Some(version("1.0.0")),
        attribute: LISTED.to_owned(),
        value: value.map(|value| Metadata::from_value(&value).expect("JSON")),
    };
    site.commit([publish("a", "1.0.0"), publish("a", "2.0.0")]).await.expect("published");
    for (value, expected) in [(Some(false), [false, true]), (None, [true, true])] {
        site.commit([unlist(value)]).await.expect("set");
        let packages = list(&site, None, None, 10).await;
        let listed: Vec<_> = packages[0].versions.iter().map(|version| version.listed).collect();
        assert_eq!(listed, expected);
    }
}

async fn packages_that_belong_to_others_are_neither_listed_nor_counted(bench: &Bench) {
    let site = bench.site("la").await;
    let names = ["a", ".symbols/a", "a/.b"];
    site.commit(names.map(|name| publish(name, "1.0.0"))).await.expect("published");
    assert_eq!(keys(&list(&site, None, None, 10).await), ["a", "a/.b"]);
    assert!(list(&site, Some("symbols"), None, 10).await.is_empty());
    let counts = feeds::counts(&site.database).await.expect("no failure");
    assert_eq!((counts[&site.feed.id].packages, counts[&site.feed.id].versions), (2, 2));
    assert!(site.contents(".symbols/a").await.is_some());
}

async fn a_search_finds_what_contains_the_text(bench: &Bench) {
    let site = bench.site("la").await;
    let names = ["@a/left-pad", "Left-Pad", "a%b", "a\\b", "a_b", "axb", "É"];
    site.commit(names.map(|name| publish(name, "1.0.0"))).await.expect("published");
    for (search, found) in [
        ("left", &["@a/left-pad", "Left-Pad"][..]),
        ("PAD", &["@a/left-pad", "Left-Pad"]),
        ("t-p", &["@a/left-pad", "Left-Pad"]),
        ("a_b", &["a_b"]),
        ("%", &["a%b"]),
        ("\\", &["a\\b"]),
        ("É", &["É"]),
        ("é", &[]),
        ("nothing", &[]),
    ] {
        assert_eq!(keys(&list(&site, Some(search), None, 10).await), found, "{search}");
    }
    assert_eq!(keys(&list(&site, Some("pad"), Some("@a/left-pad"), 10).await), ["Left-Pad"]);
}
