use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::{Value, json};

use crate::support::{
    assert_refused, escaped, feed, packument, packument_to_write, publish, publish_with,
};

fn put_rev(feed: &MemoryFeed, name: &str, rev: &str, document: &Value) -> Answer {
    feed.request("PUT", &format!("/{}/-rev/{rev}", escaped(name)))
        .by("alice")
        .body(document.to_string())
        .send()
}

fn delete(feed: &MemoryFeed, target: &str) -> Answer {
    feed.request("DELETE", target).by("alice").send()
}

fn feed_of_three() -> MemoryFeed {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    publish(&feed, "@acme/pad", "1.1.0", &["latest", "stable"]);
    publish(&feed, "@acme/pad", "2.0.0-beta.1", &["beta"]);
    feed
}

/// What npm sends back to unpublish 1.1.0: without the version and the tags that point to it, and
/// with the highest version for `latest`, pre-releases included.
fn without_1_1_0(feed: &MemoryFeed) -> (Value, String) {
    let (mut document, rev) = packument_to_write(feed, "@acme/pad");
    document["versions"].as_object_mut().unwrap().remove("1.1.0");
    document["dist-tags"] = json!({"beta": "2.0.0-beta.1", "latest": "2.0.0-beta.1"});
    (document, rev)
}

#[test]
fn one_version_goes_as_npm_does_it() {
    let feed = feed_of_three();
    let (document, rev) = without_1_1_0(&feed);
    let answer = put_rev(&feed, "@acme/pad", &rev, &document);
    assert_eq!(answer.json(), json!({"ok": "package changed", "success": true}));
    let commit = answer.transcript.iter().find(|line| line.starts_with("? commit")).unwrap();
    assert_eq!(
        commit,
        "? commit if @acme/pad is unchanged; delete @acme/pad 1.1.0; tag latest = 2.0.0-beta.1; remove tag stable"
    );
    let (after, rev) = packument_to_write(&feed, "@acme/pad");
    assert_eq!(after["dist-tags"], json!({"beta": "2.0.0-beta.1", "latest": "2.0.0-beta.1"}));
    assert!(after["versions"].get("1.1.0").is_none());

    let tarball = "/@acme/pad/-/pad-1.1.0.tgz";
    assert_refused(&feed.request("GET", tarball).send(), 404, "not found");
    for _ in 0..2 {
        let answer = delete(&feed, &format!("{tarball}/-rev/{rev}"));
        assert_eq!(answer.json()["ok"], "tarball removed");
    }
    assert_eq!(packument(&feed, "@acme/pad")["_rev"], rev);
}

#[test]
fn a_version_published_in_the_meantime_is_not_unpublished() {
    let feed = feed_of_three();
    let (document, rev) = without_1_1_0(&feed);
    publish(&feed, "@acme/pad", "3.0.0", &["latest"]);
    assert_refused(&put_rev(&feed, "@acme/pad", &rev, &document), 409, "somebody else");
    assert_refused(&delete(&feed, &format!("/@acme%2fpad/-rev/{rev}")), 409, "somebody else");
    assert_eq!(packument(&feed, "@acme/pad")["versions"].as_object().unwrap().len(), 4);
}

#[test]
fn an_unpublish_adds_and_empties_nothing() {
    let feed = feed_of_three();
    let (mut document, rev) = without_1_1_0(&feed);
    document["versions"]["9.9.9"] = json!({});
    assert_refused(&put_rev(&feed, "@acme/pad", &rev, &document), 400, "9.9.9");
    document["versions"] = json!({});
    assert_refused(&put_rev(&feed, "@acme/pad", &rev, &document), 400, "whole package");
    let document = json!({"_id": "@acme/pad", "_rev": rev});
    assert_refused(&put_rev(&feed, "@acme/pad", &rev, &document), 400, "neither versions");
}

#[test]
fn tags_of_the_document_point_to_what_stays() {
    let feed = feed_of_three();
    let (mut document, rev) = without_1_1_0(&feed);
    document["dist-tags"] = json!({"latest": "1.1.0"});
    assert_refused(&put_rev(&feed, "@acme/pad", &rev, &document), 400, "points to 1.1.0");
    document["dist-tags"] = json!({"1.x": "1.0.0"});
    assert_refused(&put_rev(&feed, "@acme/pad", &rev, &document), 400, "range");
}

#[test]
fn a_missing_latest_is_shown_as_the_highest_release() {
    let feed = feed_of_three();
    let (mut document, rev) = without_1_1_0(&feed);
    document["dist-tags"] = json!({});
    assert_eq!(put_rev(&feed, "@acme/pad", &rev, &document).status, 200);
    assert_eq!(packument(&feed, "@acme/pad")["dist-tags"], json!({"latest": "1.0.0"}));

    let (mut document, rev) = packument_to_write(&feed, "@acme/pad");
    document["versions"].as_object_mut().unwrap().remove("1.0.0");
    document["dist-tags"] = json!({});
    assert_eq!(put_rev(&feed, "@acme/pad", &rev, &document).status, 200);
    assert_eq!(packument(&feed, "@acme/pad")["dist-tags"], json!({"latest": "2.0.0-beta.1"}));
}

#[test]
fn latest_stays_while_its_version_does() {
    let feed = feed_of_three();
    let (mut document, rev) = packument_to_write(&feed, "@acme/pad");
    document["dist-tags"] = json!({});
    assert_eq!(put_rev(&feed, "@acme/pad", &rev, &document).status, 200);
    assert_eq!(packument(&feed, "@acme/pad")["dist-tags"], json!({"latest": "1.1.0"}));
}

#[test]
fn a_whole_package_goes() {
    let feed = feed_of_three();
    let (_, rev) = packument_to_write(&feed, "@acme/pad");
    let answer = delete(&feed, &format!("/@acme%2fpad/-rev/{rev}"));
    assert_eq!(answer.json(), json!({"ok": "package removed", "success": true}));
    assert_refused(&feed.request("GET", "/@acme%2fpad").send(), 404, "not found");
    assert_refused(&delete(&feed, &format!("/@acme%2fpad/-rev/{rev}")), 404, "not found");
    let tarball = format!("/@acme/pad/-/pad-1.0.0.tgz/-rev/{rev}");
    assert_eq!(delete(&feed, &tarball).status, 200);
}

#[test]
fn a_tarball_goes_only_with_its_version() {
    let feed = feed_of_three();
    let (_, rev) = packument_to_write(&feed, "@acme/pad");
    let answer = delete(&feed, &format!("/@acme/pad/-/pad-1.0.0.tgz/-rev/{rev}"));
    assert_refused(&answer, 409, "still published");
}

#[test]
fn a_version_that_is_published_again_starts_afresh() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| manifest["deprecated"] = json!("old"));
    let (_, rev) = packument_to_write(&feed, "left-pad");
    assert_eq!(delete(&feed, &format!("/left-pad/-rev/{rev}")).status, 200);
    publish_with(&feed, "1.0.0", |manifest| manifest["description"] = json!("new"));
    let manifest = packument(&feed, "left-pad")["versions"]["1.0.0"].clone();
    assert_eq!(manifest["description"], "new");
    assert!(manifest.get("deprecated").is_none());
    assert_ne!(packument_to_write(&feed, "left-pad").1, rev);
}
