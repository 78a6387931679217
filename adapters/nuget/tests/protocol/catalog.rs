use pakhus_plugin_api::testing::MemoryFeed;
use pakhus_plugin_api::{Deletes, FeedPolicy, Timestamp};
use serde_json::{Value, json};

use crate::support::{feed, json as read, package, pushed};

/// The path of an address of the feed.
fn path(url: &Value) -> &str {
    url.as_str().unwrap().strip_prefix("https://pakhus.test/nuget/main").unwrap()
}

/// All items of all pages whose time is later than `cursor`, as a mirror reads them.
fn later_than(feed: &MemoryFeed, cursor: &str) -> Vec<Value> {
    let index = read(feed, "/v3/catalog/index.json");
    let pages = index["items"].as_array().unwrap();
    assert_eq!(index["count"], pages.len());
    let mut found = Vec::new();
    for listed in pages {
        let page = read(feed, path(&listed["@id"]));
        assert_eq!(page["parent"], index["@id"]);
        for member in ["commitId", "commitTimeStamp", "count"] {
            assert_eq!(page[member], listed[member]);
        }
        let items = page["items"].as_array().unwrap().clone();
        found.extend(items.into_iter().filter(|item| time(item) > cursor));
    }
    found
}

fn time(item: &Value) -> &str {
    item["commitTimeStamp"].as_str().unwrap()
}

fn said(items: &[Value]) -> Vec<(&str, &str, &str)> {
    items
        .iter()
        .map(|item| {
            let text = |member: &str| item[member].as_str().unwrap();
            (text("@type"), text("nuget:id"), text("nuget:version"))
        })
        .collect()
}

#[test]
fn a_mirror_that_reads_on_finds_what_changed_and_nothing_else() {
    let feed = feed().with_policy(FeedPolicy { deletes: Deletes::Remove, overwrite: false });
    pushed(&feed, &package("Acme.Lib", "1.0.0-Beta+b"));
    pushed(&feed, &package("Acme.Lib", "1.1.0"));
    let first = later_than(&feed, "");
    let details = "nuget:PackageDetails";
    let both = [(details, "Acme.Lib", "1.0.0-Beta+b"), (details, "Acme.Lib", "1.1.0")];
    assert_eq!(said(&first), both);
    let cursor = time(&first[1]).to_owned();
    assert!(later_than(&feed, &cursor).is_empty());
    assert_eq!(feed.request("DELETE", "/v3/package/acme.lib/1.0.0-beta").send().status, 204);
    let second = later_than(&feed, &cursor);
    assert_eq!(said(&second), [("nuget:PackageDelete", "acme.lib", "1.0.0-beta")]);
    let leaf = read(&feed, path(&second[0]["@id"]));
    assert_eq!(leaf["@type"], json!(["PackageDelete", "catalog:Permalink"]));
    assert_eq!(leaf["catalog:commitTimeStamp"], second[0]["commitTimeStamp"]);
}

#[test]
fn what_is_no_longer_listed_has_changed() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    let cursor = time(&later_than(&feed, "")[0]).to_owned();
    assert_eq!(feed.request("DELETE", "/v3/package/acme.lib/1.0.0").send().status, 204);
    let changed = later_than(&feed, &cursor);
    assert_eq!(said(&changed), [("nuget:PackageDetails", "Acme.Lib", "1.0.0")]);
    let leaf = read(&feed, path(&changed[0]["@id"]));
    assert_eq!((&leaf["listed"], &leaf["id"]), (&json!(false), &json!("Acme.Lib")));
    assert_eq!(leaf["@type"], json!(["PackageDetails", "catalog:Permalink"]));
}

#[test]
fn times_grow_though_the_clock_is_set_back() {
    let feed = feed();
    for number in 0..3 {
        feed.set_now(Timestamp::from_millis(1_700_000_000_000 - number * 1_000_000));
        pushed(&feed, &package("Acme.Lib", &format!("1.{number}.0")));
    }
    let items = later_than(&feed, "");
    assert!(items.is_sorted_by(|one, next| time(one) < time(next)), "{items:?}");
    assert_eq!(time(&items[0]), "2023-11-14T22:13:21.0000001Z");
}

#[test]
fn an_empty_feed_has_an_empty_catalog() {
    let feed = feed();
    assert!(later_than(&feed, "").is_empty());
    for page in ["page0.json", "page1.json", "pagex.json", "page99999999999999999999.json"] {
        let answer = feed.request("GET", &format!("/v3/catalog/{page}")).send();
        assert_eq!(answer.status, 404, "{page}");
    }
}
