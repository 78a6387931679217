use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use pakhus_plugin_api::{Deletes, FeedPolicy};
use serde_json::json;

use crate::support::{assert_refused, feed, json, package, pushed};

fn change(feed: &MemoryFeed, method: &str, version: &str) -> Answer {
    feed.request(method, &format!("/v3/package/Acme.Lib/{version}")).by("alice").send()
}

#[test]
fn a_version_that_is_deleted_is_no_longer_listed_and_can_still_be_restored() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    pushed(&feed, &package("Acme.Lib", "1.1.0"));
    assert_eq!(change(&feed, "DELETE", "1.1").status, 204);
    let item = json(&feed, "/v3/registration/acme.lib/index.json");
    let entry = &item["items"][0]["items"][1]["catalogEntry"];
    assert_eq!(entry["listed"], false);
    assert_eq!(entry["published"], "1900-01-01T00:00:00+00:00");
    assert_eq!(json(&feed, "/v3/registration/acme.lib/1.1.0.json")["listed"], false);
    let versions = json(&feed, "/v3/flat/acme.lib/index.json");
    assert_eq!(versions, json!({ "versions": ["1.0.0", "1.1.0"] }));
    let found = json(&feed, "/v3/search?q=acme");
    assert_eq!(found["data"][0]["version"], "1.0.0");
    assert_eq!(found["data"][0]["versions"].as_array().unwrap().len(), 1);
}

#[test]
fn it_is_listed_again_when_that_is_asked_for() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    let before = json(&feed, "/v3/registration/acme.lib/index.json");
    for _ in 0..2 {
        assert_eq!(change(&feed, "DELETE", "1.0.0").status, 204);
    }
    assert_eq!(json(&feed, "/v3/search?q=acme")["totalHits"], 0);
    for _ in 0..2 {
        assert_eq!(change(&feed, "POST", "1.0.0").status, 200);
    }
    assert_eq!(json(&feed, "/v3/registration/acme.lib/index.json"), before);
    assert_eq!(json(&feed, "/v3/search?q=acme")["totalHits"], 1);
}

#[test]
fn a_feed_may_say_that_what_is_deleted_goes() {
    let feed = feed().with_policy(FeedPolicy { deletes: Deletes::Remove, overwrite: false });
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    pushed(&feed, &package("Acme.Lib", "1.1.0"));
    assert_eq!(change(&feed, "DELETE", "1.1.0").status, 204);
    let versions = json(&feed, "/v3/flat/acme.lib/index.json");
    assert_eq!(versions, json!({ "versions": ["1.0.0"] }));
    assert_refused(&change(&feed, "DELETE", "1.1.0"), 404, "no version 1.1.0");
    assert_eq!(change(&feed, "DELETE", "1.0.0").status, 204);
    assert_eq!(feed.request("GET", "/v3/flat/acme.lib/index.json").send().status, 404);
    pushed(&feed, &package("Acme.Lib", "1.1.0"));
}

#[test]
fn what_is_not_here_cannot_be_deleted_or_listed() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    for method in ["DELETE", "POST"] {
        assert_refused(&change(&feed, method, "2.0.0"), 404, "no version 2.0.0 of Acme.Lib");
        assert_refused(&change(&feed, method, "latest"), 400, "one to four numbers");
    }
}
