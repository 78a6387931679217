use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::json;

use crate::support::{assert_refused, feed, packument, publish};

fn feed_of_two() -> MemoryFeed {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    publish(&feed, "@acme/pad", "2.0.0", &["next"]);
    feed
}

fn set(feed: &MemoryFeed, method: &str, tag: &str, body: &str) -> Answer {
    feed.request(method, &format!("/-/package/@acme%2fpad/dist-tags/{tag}"))
        .header("content-type", "application/json")
        .by("alice")
        .body(body.to_owned())
        .send()
}

fn remove(feed: &MemoryFeed, tag: &str) -> Answer {
    feed.request("DELETE", &format!("/-/package/@acme/pad/dist-tags/{tag}")).by("alice").send()
}

#[test]
fn tags_are_listed_with_an_entity_tag() {
    let feed = feed_of_two();
    for path in ["/-/package/@acme%2fpad/dist-tags", "/-/package/@acme/pad/dist-tags"] {
        let answer = feed.request("GET", path).send();
        assert_eq!(answer.json(), json!({"latest": "1.0.0", "next": "2.0.0"}));
        assert!(answer.header("etag").is_some());
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
    let answer = feed.request("GET", "/-/package/left-pad/dist-tags").send();
    assert_refused(&answer, 404, "`left-pad` not found");
}

#[test]
fn tags_are_set_and_moved() {
    let feed = feed_of_two();
    assert_eq!(set(&feed, "PUT", "stable", "\"1.0.0\"").json(), json!({"ok": "package tagged"}));
    assert_eq!(set(&feed, "POST", "latest", "\"2.0.0\"").status, 201);
    assert_eq!(set(&feed, "PUT", "a%2fb", " \"2.0.0\"\n").status, 201);
    let tags = json!({"a/b": "2.0.0", "latest": "2.0.0", "next": "2.0.0", "stable": "1.0.0"});
    assert_eq!(packument(&feed, "@acme/pad")["dist-tags"], tags);
}

#[test]
fn tags_point_to_versions_that_are_there() {
    let feed = feed_of_two();
    assert_refused(&set(&feed, "PUT", "stable", "\"9.9.9\""), 404, "9.9.9");
    for body in ["", "1.0.0", "{}", "null", "\"latest\"", "\"^1.0.0\""] {
        assert_refused(&set(&feed, "PUT", "stable", body), 400, "");
    }
    assert_refused(&set(&feed, "PUT", "stable", &format!("\"{}\"", "1".repeat(5000))), 413, "");
}

#[test]
fn tags_are_told_from_versions() {
    let feed = feed_of_two();
    for tag in ["1.0", "v2", "%5E1", "*", "__proto__", "a%20b"] {
        assert_refused(&set(&feed, "PUT", tag, "\"1.0.0\""), 400, "dist-tag");
        assert_refused(&remove(&feed, tag), 400, "dist-tag");
    }
}

#[test]
fn tags_are_removed_but_never_latest() {
    let feed = feed_of_two();
    assert_eq!(remove(&feed, "next").json(), json!({"ok": "tag removed"}));
    assert_eq!(remove(&feed, "next").status, 200);
    assert_refused(&remove(&feed, "latest"), 403, "`latest` cannot be removed");
    assert_eq!(packument(&feed, "@acme/pad")["dist-tags"], json!({"latest": "1.0.0"}));
}
