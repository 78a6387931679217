use pakhus_npm::Npm;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::json;

use crate::support::{assert_refused, feed, publish};

fn set(feed: &MemoryFeed, access: &str) -> Answer {
    feed.request("POST", "/-/package/left-pad/access")
        .by("alice")
        .body(json!({ "access": access }).to_string())
        .send()
}

#[test]
fn a_package_is_as_public_as_its_feed() {
    let private = MemoryFeed::new(Npm::default()).private();
    for (feed, is_public, same, other) in
        [(feed(), true, "public", "restricted"), (private, false, "restricted", "public")]
    {
        assert_refused(&set(&feed, same), 404, "not found");
        publish(&feed, "left-pad", "1.0.0", &["latest"]);
        let answer = feed.request("GET", "/-/package/left-pad/visibility").send();
        assert_eq!(answer.json(), json!({ "public": is_public }));
        assert_eq!(set(&feed, same).status, 200);
        assert_refused(&set(&feed, other), 403, "set on the feed");
    }
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    for body in [r#"{"publish_requires_tfa":true}"#, r#"{"access":null}"#] {
        let request = feed.request("POST", "/-/package/left-pad/access").by("alice");
        assert_refused(&request.body(body).send(), 403, "set on the feed");
    }
    let request = feed.request("POST", "/-/package/left-pad/access").by("alice");
    assert_refused(&request.body("[]").send(), 400, "no object");
    assert_eq!(feed.request("GET", "/-/package/none/visibility").send().status, 404);
}

#[test]
fn there_are_no_teams_and_no_stars() {
    let feed = feed();
    for (method, path) in [
        ("GET", "/-/org/acme/package"),
        ("PUT", "/-/org/acme/team"),
        ("GET", "/-/team/acme/developers/user"),
        ("PUT", "/-/team/acme/developers/package"),
        ("DELETE", "/-/team/acme/developers"),
    ] {
        let answer = feed.request(method, path).by("alice").send();
        assert_refused(&answer, 404, "permissions are set on the feed");
    }
    let answer = feed.request("GET", "/-/_view/starredByUser?key=%22alice%22").send();
    assert_refused(&answer, 404, "no stars");
}
