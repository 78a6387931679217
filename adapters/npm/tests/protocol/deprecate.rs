use serde_json::{Value, json};

use pakhus_plugin_api::testing::MemoryFeed;

use crate::support::{
    abbreviated, assert_refused, feed, packument, packument_to_write, publish, put,
};

fn feed_of_two() -> MemoryFeed {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    publish(&feed, "@acme/pad", "1.1.0", &["latest"]);
    feed
}

fn deprecate(feed: &MemoryFeed, version: &str, message: &Value) -> u16 {
    let (mut document, _) = packument_to_write(feed, "@acme/pad");
    document["versions"][version]["deprecated"] = message.clone();
    put(feed, "@acme/pad", &document).status
}

#[test]
fn a_message_comes_and_goes() {
    let feed = feed_of_two();
    assert_eq!(deprecate(&feed, "1.0.0", &json!("use 1.1.0")), 200);
    for packument in [packument(&feed, "@acme/pad"), abbreviated(&feed, "@acme/pad")] {
        assert_eq!(packument["versions"]["1.0.0"]["deprecated"], "use 1.1.0");
        assert!(packument["versions"]["1.1.0"].get("deprecated").is_none());
    }
    let manifest = feed.request("GET", "/@acme%2fpad/1.0.0").send();
    assert_eq!(manifest.json()["deprecated"], "use 1.1.0");

    assert_eq!(deprecate(&feed, "1.0.0", &json!("")), 200);
    assert!(packument(&feed, "@acme/pad")["versions"]["1.0.0"].get("deprecated").is_none());
}

#[test]
fn one_change_says_what_changed() {
    let feed = feed_of_two();
    assert_eq!(deprecate(&feed, "1.0.0", &json!("old")), 200);
    let (mut document, _) = packument_to_write(&feed, "@acme/pad");
    document["versions"]["1.0.0"].as_object_mut().unwrap().remove("deprecated");
    document["versions"]["1.1.0"]["deprecated"] = json!("new");
    let answer = put(&feed, "@acme/pad", &document);
    let commit = answer.transcript.iter().find(|line| line.starts_with("? commit")).unwrap();
    assert_eq!(
        commit,
        "? commit if @acme/pad is unchanged; deprecated of 1.0.0 = nothing; deprecated of 1.1.0 = \"new\""
    );
    let (document, _) = packument_to_write(&feed, "@acme/pad");
    let answer = put(&feed, "@acme/pad", &document);
    assert_eq!(answer.status, 200);
    assert!(!answer.transcript.iter().any(|line| line.starts_with("? commit")));
}

#[test]
fn nothing_else_of_the_document_is_taken() {
    let feed = feed_of_two();
    let before = packument(&feed, "@acme/pad");
    let (mut document, _) = packument_to_write(&feed, "@acme/pad");
    document["versions"].as_object_mut().unwrap().remove("1.1.0");
    document["versions"]["9.9.9"] = json!({"name": "@acme/pad", "deprecated": "x"});
    document["versions"]["1.0.0"]["dist"]["tarball"] = json!("https://evil.test/x.tgz");
    document["versions"]["1.0.0"]["dependencies"] = json!({"evil": "*"});
    document["dist-tags"] = json!({"latest": "1.0.0"});
    assert_eq!(put(&feed, "@acme/pad", &document).status, 200);
    assert_eq!(packument(&feed, "@acme/pad"), before);
}

#[test]
fn a_document_that_was_read_before_a_change_is_refused() {
    let feed = feed_of_two();
    let (mut document, _) = packument_to_write(&feed, "@acme/pad");
    publish(&feed, "@acme/pad", "1.2.0", &["latest"]);
    document["versions"]["1.0.0"]["deprecated"] = json!("old");
    assert_refused(&put(&feed, "@acme/pad", &document), 409, "changed by somebody else");
    document.as_object_mut().unwrap().remove("_rev");
    assert_refused(&put(&feed, "@acme/pad", &document), 400, "no `_rev`");
}

#[test]
fn messages_are_texts_of_bounded_length() {
    let feed = feed_of_two();
    for message in [json!(true), json!(1), json!({"a": 1}), json!("x".repeat(5000))] {
        assert_eq!(deprecate(&feed, "1.0.0", &message), 400, "{message}");
    }
    for message in [json!(null), json!(false)] {
        assert_eq!(deprecate(&feed, "1.0.0", &message), 200, "{message}");
    }
}

#[test]
fn a_package_that_is_not_there_cannot_be_deprecated() {
    let document = json!({
        "_id": "left-pad", "name": "left-pad", "_rev": "1-a",
        "versions": {"1.0.0": {"deprecated": "x"}},
    });
    assert_refused(&put(&feed(), "left-pad", &document), 404, "`left-pad` not found");
}
