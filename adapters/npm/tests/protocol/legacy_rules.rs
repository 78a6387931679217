//! The rules of the public registry's old document validation, as far as they are about packages:
//! `test/fixtures/vdu*` of npm/npm-registry-couchapp, commit 5a47400. What it refused for lack of
//! permission the server refuses, and users' documents are not these.

use serde_json::{Value, json};

use crate::support::{
    assert_refused, feed, packument, packument_to_write, publish, publish_document, put,
};

/// Rows 01, 04, 07 and 08: of a packument that comes back, only deprecations are taken. The old
/// registry refused the others; clients send them when tools changed what they read.
#[test]
fn what_was_published_does_not_change() {
    let feed = feed();
    publish(&feed, "@npm/blerg", "0.0.2", &["latest", "foo"]);
    let before = packument(&feed, "@npm/blerg");
    let edits: [fn(&mut Value); 5] = [
        |_| {},
        |document| document["versions"]["0.0.2"]["_npmUser"]["name"] = json!("eve"),
        |document| document["dist-tags"] = json!({}),
        |document| document["versions"]["0.0.2"]["dependencies"] = json!({"@npm/foo": "1.2.3"}),
        |document| document["versions"]["0.0.2"]["dist"]["tarball"] = json!("http://evil/x.tgz"),
    ];
    for edit in edits {
        let (mut document, _) = packument_to_write(&feed, "@npm/blerg");
        edit(&mut document);
        assert_eq!(put(&feed, "@npm/blerg", &document).status, 200);
        assert_eq!(packument(&feed, "@npm/blerg"), before);
    }
    let (mut document, _) = packument_to_write(&feed, "@npm/blerg");
    document["name"] = json!("blerg");
    assert_refused(&put(&feed, "@npm/blerg", &document), 400, "`blerg`");
}

/// Rows 02 and 06: the old way to unpublish, a document without versions. No client of today sends it.
#[test]
fn a_document_without_versions_unpublishes_nothing() {
    let feed = feed();
    publish(&feed, "flexpmd", "1.3.0", &["latest"]);
    let (_, rev) = packument_to_write(&feed, "flexpmd");
    let time = json!({"unpublished": {"name": "jamesmgreene"}});
    let document = json!({"_id": "flexpmd", "_rev": rev, "name": "flexpmd", "time": time});
    assert_refused(&put(&feed, "flexpmd", &document), 400, "neither versions nor attachments");
    assert_eq!(packument(&feed, "flexpmd")["versions"].as_object().unwrap().len(), 1);
}

/// Row 03: who publishes is who asks, whatever the document says.
#[test]
fn the_publisher_is_who_asks() {
    let feed = feed();
    let mut document = publish_document("blerg", "0.0.3", &["latest"]);
    document["versions"]["0.0.3"]["_npmUser"] = json!({"name": "other-user", "email": "x@y.z"});
    assert_eq!(put(&feed, "blerg", &document).status, 201);
    assert_eq!(packument(&feed, "blerg")["versions"]["0.0.3"]["_npmUser"]["name"], "alice");
}

/// Row 05: stars are refused, well-formed or not.
#[test]
fn stars_are_refused() {
    let feed = feed();
    publish(&feed, "package", "1.0.0", &["latest"]);
    for star in [json!(true), json!("not a boolean")] {
        let document = json!({"_id": "package", "users": {"third": star}});
        assert_refused(&put(&feed, "package", &document), 400, "no stars");
    }
}
