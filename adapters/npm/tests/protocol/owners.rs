use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::{Value, json};

use crate::support::{
    assert_refused, feed, packument, packument_to_write, publish, publish_document, put,
};

/// As `npm owner` does it.
fn set(feed: &MemoryFeed, rev: &str, owners: &Value) -> Answer {
    let body = json!({ "_id": "left-pad", "_rev": rev, "maintainers": owners });
    feed.request("PUT", &format!("/left-pad/-rev/{rev}")).by("alice").body(body.to_string()).send()
}

fn owners(feed: &MemoryFeed) -> Value {
    packument(feed, "left-pad")["maintainers"].clone()
}

#[test]
fn owners_are_the_publishers_until_somebody_sets_them() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    assert_eq!(owners(&feed), json!([{"name": "alice", "email": ""}]));
    let (_, rev) = packument_to_write(&feed, "left-pad");
    let both = json!([{"name": "alice", "email": "a@b.c"}, {"name": "bob", "email": ""}]);
    assert_eq!(set(&feed, &rev, &both).status, 200);
    assert_eq!(owners(&feed), both);
    let answer = feed.request("GET", "/-/package/left-pad/collaborators").send();
    assert_eq!(answer.json(), json!({"alice": "read-write", "bob": "read-write"}));
    // Publishing changes nothing of them.
    publish(&feed, "left-pad", "1.1.0", &["latest"]);
    assert_eq!(owners(&feed), both);
}

#[test]
fn a_stale_revision_is_a_conflict() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let (_, rev) = packument_to_write(&feed, "left-pad");
    publish(&feed, "left-pad", "1.1.0", &["latest"]);
    assert_refused(&set(&feed, &rev, &json!([{"name": "bob"}])), 409, "in the meantime");
    assert_eq!(owners(&feed), json!([{"name": "alice", "email": ""}]));
}

#[test]
fn owners_that_are_none_are_refused() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let (_, rev) = packument_to_write(&feed, "left-pad");
    let many: Vec<_> = (0..101).map(|number| json!({"name": number.to_string()})).collect();
    for owners in [
        json!([]),
        json!([{}]),
        json!({"name": "bob"}),
        json!([{"name": ""}]),
        json!([{"name": "a\nb"}]),
        json!([{"name": "__proto__"}]),
        json!([{"name": "x".repeat(255)}]),
        json!([{"name": "bob"}, {"name": "bob"}]),
        json!(many),
    ] {
        assert_refused(&set(&feed, &rev, &owners), 400, "maintainer");
    }
}

#[test]
fn pnpm_adds_one_owner() {
    let feed = feed();
    let add = |user: &str| {
        feed.request("PUT", "/-/package/left-pad/owners")
            .by("alice")
            .body(json!({ "user": user }).to_string())
            .send()
    };
    assert_refused(&add("bob"), 404, "not found");
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    for _ in 0..2 {
        assert_eq!(add("bob").status, 200);
        let both = json!([{"name": "alice", "email": ""}, {"name": "bob", "email": ""}]);
        assert_eq!(owners(&feed), both);
    }
    assert_refused(&add(""), 400, "name");
}

#[test]
fn owners_go_with_the_package() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let (_, rev) = packument_to_write(&feed, "left-pad");
    assert_eq!(set(&feed, &rev, &json!([{"name": "bob"}])).status, 200);
    let (_, rev) = packument_to_write(&feed, "left-pad");
    let answer = feed.request("DELETE", &format!("/left-pad/-rev/{rev}")).by("alice").send();
    assert_eq!(answer.status, 200);
    publish(&feed, "left-pad", "2.0.0", &["latest"]);
    assert_eq!(owners(&feed), json!([{"name": "alice", "email": ""}]));
}

#[test]
fn whoever_sends_owners_elsewhere_is_told_where() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let document = json!({"_id": "left-pad", "maintainers": [{"name": "bob"}]});
    assert_refused(&put(&feed, "left-pad", &document), 400, "npm owner");
    // In a publish they mean nothing.
    let mut document = publish_document("left-pad", "1.1.0", &["latest"]);
    document["maintainers"] = json!([{"name": "eve"}]);
    assert_eq!(put(&feed, "left-pad", &document).status, 201);
    assert_eq!(owners(&feed), json!([{"name": "alice", "email": ""}]));
}
