//! `GET /{pkg}/{version, tag or range}`.

use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::json;

use crate::support::{assert_refused, feed, packument_to_write, publish, put};

fn get(feed: &MemoryFeed, wanted: &str) -> Answer {
    let wanted = wanted.replace(' ', "%20").replace('^', "%5e");
    feed.request("GET", &format!("/left-pad/{wanted}")).send()
}

#[track_caller]
fn version(feed: &MemoryFeed, wanted: &str) -> String {
    let answer = get(feed, wanted);
    assert_eq!(answer.status, 200, "{wanted}: {}", answer.text());
    answer.json()["version"].as_str().unwrap().to_owned()
}

fn full_feed() -> MemoryFeed {
    let feed = feed();
    for (version, tag) in [
        ("1.0.0", "old"),
        ("1.2.0", "latest"),
        ("1.3.0", "x1"),
        ("2.0.0", "current"),
        ("2.1.0-beta.1", "beta"),
    ] {
        publish(&feed, "left-pad", version, &[tag]);
    }
    let answer = feed.request("PUT", "/-/package/left-pad/dist-tags/latest").by("alice");
    assert_eq!(answer.body("\"1.2.0\"").send().status, 201);
    feed
}

#[test]
fn a_range_is_the_version_that_npm_would_pick() {
    let feed = full_feed();
    for (wanted, expected) in [
        // That of `latest`, wherever it fits.
        ("^1.0.0", "1.2.0"),
        ("*", "1.2.0"),
        ("1.x || 2.x", "1.2.0"),
        (">=1.3.0 <2.0.0", "1.3.0"),
        ("2", "2.0.0"),
        ("1.0.0 - 1.1.0", "1.0.0"),
        (">1.2.0", "2.0.0"),
        ("v1.3.0", "1.3.0"),
        ("~2.1.0-beta", "2.1.0-beta.1"),
        ("2.1.0-beta.1+build", "2.1.0-beta.1"),
        ("beta", "2.1.0-beta.1"),
        ("x1", "1.3.0"),
    ] {
        assert_eq!(version(&feed, wanted), expected, "{wanted}");
    }
    for wanted in ["^3.0.0", "<1", "2.1.x", "nothing", "1.0.1", ">=1 <1"] {
        assert_refused(&get(&feed, wanted), 404, "not found");
    }
}

#[test]
fn what_is_deprecated_is_picked_last() {
    let feed = full_feed();
    let deprecate = |versions: &[&str]| {
        let (mut document, _) = packument_to_write(&feed, "left-pad");
        for version in versions {
            document["versions"][version]["deprecated"] = json!("no");
        }
        assert_eq!(put(&feed, "left-pad", &document).status, 200);
    };
    deprecate(&["1.2.0"]);
    assert_eq!(version(&feed, "<2"), "1.3.0");
    deprecate(&["1.0.0", "1.3.0"]);
    assert_eq!(version(&feed, "<2"), "1.3.0");
    assert_eq!(version(&feed, "*"), "2.0.0");
}

#[test]
fn made_up_ranges_keep_no_documents() {
    let feed = full_feed();
    let mut kept = Vec::new();
    for wanted in
        ["1.3.0", "^1.3.0", ">=1.3.0 <2", "1.3", "1.3.0+a", "1.3.0+b", "=1.3.0", "<=1.3.0 >1.2"]
    {
        let answer = get(&feed, wanted);
        assert_eq!(answer.json()["version"], "1.3.0", "{wanted}");
        kept.extend(answer.transcript.into_iter().filter(|line| line.contains("keep_document")));
    }
    assert_eq!(kept.len(), 1, "{kept:?}");
}
