//! `GET /-/v1/search`.

use pakhus_plugin_api::testing::MemoryFeed;
use serde_json::{Value, json};

use crate::support::{assert_refused, feed, publish_document, put};

/// A feed with some packages.
fn site() -> MemoryFeed {
    let feed = feed();
    for (name, version, keywords) in [
        ("@acme/router", "1.0.0", json!(["http", "router"])),
        ("parser", "0.9.0", json!("yaml, toml")),
        ("old", "1.0.0", json!([7, "legacy"])),
    ] {
        let mut document = publish_document(name, version, &["latest"]);
        let manifest = &mut document["versions"][version];
        manifest["keywords"] = keywords;
        manifest["description"] = json!(format!("This is {name}"));
        manifest["author"] = json!("Alice Arnold <alice@example.org>");
        manifest["repository"] = json!({ "type": "git", "url": "git+https://example.org/x.git" });
        manifest["license"] = json!("MIT");
        assert_eq!(put(&feed, name, &document).status, 201);
    }
    feed
}

fn search(feed: &MemoryFeed, query: &str) -> Value {
    let answer = feed.request("GET", &format!("/-/v1/search?{query}")).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn names(feed: &MemoryFeed, text: &str) -> Vec<String> {
    let found = search(feed, &format!("text={text}"));
    let objects = found["objects"].as_array().expect("a list").iter();
    objects.map(|object| object["package"]["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_found_package_is_described_as_the_public_registry_does() {
    let found = search(&site(), "text=rout");
    let object = &found["objects"][0];
    let package = &object["package"];
    assert_eq!(package["name"], "@acme/router");
    assert_eq!(package["version"], "1.0.0");
    assert_eq!(package["scope"], "acme");
    assert_eq!(package["keywords"], json!(["http", "router"]));
    assert_eq!(package["author"], json!({ "name": "Alice Arnold" }));
    assert_eq!(package["links"]["repository"], "git+https://example.org/x.git");
    assert_eq!(package["license"], "MIT");
    assert!(package["maintainers"].is_array());
    assert!(package["date"].as_str().is_some_and(|date| date.ends_with('Z')));
    assert_eq!(object["downloads"], json!({ "weekly": 0, "monthly": 0 }));
    for score in [&object["score"]["final"], &object["score"]["detail"]["popularity"]] {
        assert!(score.is_number());
    }
    assert_eq!(found["total"], 1);
    assert!(found["time"].as_str().is_some_and(|time| time.ends_with('Z')));
}

#[test]
fn words_and_qualifiers_narrow_a_search_down() {
    let feed = site();
    assert_eq!(names(&feed, ""), ["@acme/router", "old", "parser"]);
    assert_eq!(names(&feed, "this+pars"), ["parser"]);
    assert_eq!(names(&feed, "keywords:http"), ["@acme/router"]);
    assert_eq!(names(&feed, "keywords:toml,legacy"), ["old", "parser"]);
    assert_eq!(names(&feed, "scope:acme"), ["@acme/router"]);
    assert_eq!(names(&feed, "scope:unscoped+is"), ["old", "parser"]);
    assert_eq!(names(&feed, "not:unstable"), ["@acme/router", "old"]);
    assert_eq!(names(&feed, "is:unstable"), ["parser"]);
    assert_eq!(names(&feed, "%22nothing%22"), [""; 0]);
}

#[test]
fn pages_go_on_where_the_one_before_ended() {
    let feed = site();
    let first = search(&feed, "text=&size=2");
    let second = search(&feed, "text=&size=2&from=2");
    assert_eq!((first["total"].clone(), second["total"].clone()), (json!(3), json!(3)));
    assert_eq!(first["objects"].as_array().expect("a list").len(), 2);
    assert_eq!(second["objects"][0]["package"]["name"], "parser");
    assert_eq!(search(&feed, "text=&size=1000000")["total"], 3);
}

#[test]
fn what_is_no_search_is_refused() {
    let feed = site();
    let answer = feed.request("GET", "/-/v1/search").send();
    assert_eq!((answer.status, answer.json()["code"].clone()), (400, json!("ERR_TEXT_MISSING")));
    for query in ["text=a&size=x", "text=a&from=-1"] {
        let answer = feed.request("GET", &format!("/-/v1/search?{query}")).send();
        assert_refused(&answer, 400, "is no number");
    }
}

#[test]
fn a_package_is_found_by_its_owners_and_shows_them() {
    let feed = feed();
    for name in ["tool", "other"] {
        let document = publish_document(name, "1.0.0", &["latest"]);
        let answer = feed.request("PUT", &format!("/{name}")).by("alice");
        assert_eq!(answer.body(document.to_string()).send().status, 201);
    }
    assert_eq!(names(&feed, "maintainer:alice"), ["other", "tool"]);
    let rev = feed.request("GET", "/tool").send().json()["_rev"].clone();
    let owners = json!({ "maintainers": [{ "name": "bob", "email": "bob@example.org" }] });
    let path = format!("/tool/-rev/{}", rev.as_str().expect("a text"));
    let answer = feed.request("PUT", &path).by("alice").body(owners.to_string()).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(names(&feed, "maintainer:alice"), ["other"]);
    let found = search(&feed, "text=maintainer:bob");
    assert_eq!(
        found["objects"][0]["package"]["maintainers"],
        json!([{ "username": "bob", "email": "bob@example.org" }])
    );
    for (user, packages) in [
        ("alice", json!({ "other": "write" })),
        ("bob", json!({ "tool": "write" })),
        ("eve", json!({})),
    ] {
        let answer = feed.request("GET", &format!("/-/user/{user}/package")).send();
        assert_eq!(answer.json(), packages);
    }
}
