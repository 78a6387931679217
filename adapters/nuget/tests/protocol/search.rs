use pakhus_plugin_api::testing::MemoryFeed;
use serde_json::{Value, json};

use crate::support::{feed, json, nuspec, package, package_of, pushed};

fn found(feed: &MemoryFeed, query: &str) -> Value {
    json(feed, &format!("/v3/search?{query}"))
}

/// The ids that are found, in the order of the feed in memory: by name.
fn ids(feed: &MemoryFeed, query: &str) -> Vec<String> {
    let found = found(feed, query);
    let data = found["data"].as_array().unwrap();
    data.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_answer_has_what_clients_show() {
    let feed = feed();
    let more = "<title>The Acme</title><tags>a b</tags><summary>short</summary>\
        <projectUrl>https://acme.example</projectUrl>";
    pushed(&feed, &package_of(nuspec("Acme.Lib", "1.0", more)));
    let found = found(&feed, "q=acme&skip=0&take=20&prerelease=false&semVerLevel=2.0.0");
    let base = "https://pakhus.test/nuget/main/v3/registration-gz-semver2";
    assert_eq!(found["totalHits"], 1);
    let registration = format!("{base}/acme.lib/index.json");
    assert_eq!(
        found["data"][0],
        json!({
            "version": "1.0.0",
            "title": "The Acme",
            "description": "does <things>",
            "summary": "short",
            "iconUrl": "",
            "licenseUrl": "",
            "projectUrl": "https://acme.example",
            "tags": ["a", "b"],
            "authors": ["Zoë", "Bob"],
            "owners": ["alice"],
            "packageTypes": [{ "name": "Dependency" }],
            "@id": registration,
            "@type": "Package",
            "registration": registration,
            "id": "Acme.Lib",
            "totalDownloads": 0,
            "verified": false,
            "versions": [
                { "@id": format!("{base}/acme.lib/1.0.0.json"), "version": "1.0.0", "downloads": 0 },
            ],
        })
    );
}

#[test]
fn the_latest_version_is_that_of_what_the_client_reads() {
    let feed = feed();
    for version in ["1.0.0", "1.1.0-rc1", "1.2.0+meta", "2.0.0-rc.1"] {
        pushed(&feed, &package("Acme.Lib", version));
    }
    for (query, latest, count) in [
        ("q=acme", "1.0.0", 1),
        ("q=acme&prerelease=true", "1.1.0-rc1", 2),
        ("q=acme&semVerLevel=2.0.0", "1.2.0+meta", 2),
        ("q=acme&prerelease=true&semVerLevel=2.0.0", "2.0.0-rc.1", 4),
        ("q=acme&prerelease=True&semVerLevel=1.0.0", "1.1.0-rc1", 2),
    ] {
        let found = found(&feed, query);
        let one = &found["data"][0];
        assert_eq!(one["version"], latest, "{query}");
        assert_eq!(one["versions"].as_array().unwrap().len(), count, "{query}");
    }
}

#[test]
fn packages_of_which_a_client_can_read_nothing_are_not_found() {
    let feed = feed();
    pushed(&feed, &package("Stable", "1.0.0"));
    pushed(&feed, &package("Early", "1.0.0-rc1"));
    pushed(&feed, &package("New", "1.0.0+meta"));
    assert_eq!(ids(&feed, ""), ["Stable"]);
    assert_eq!(ids(&feed, "prerelease=true"), ["Early", "Stable"]);
    assert_eq!(ids(&feed, "semVerLevel=2.0.0"), ["New", "Stable"]);
    assert_eq!(ids(&feed, "semVerLevel=2.0.0&prerelease=true"), ["Early", "New", "Stable"]);
}

#[test]
fn an_empty_text_finds_all_page_by_page() {
    let feed = feed();
    for number in 0..5 {
        pushed(&feed, &package(&format!("P{number}"), "1.0.0"));
    }
    assert_eq!(ids(&feed, "q=&skip=1&take=2"), ["P1", "P2"]);
    assert_eq!(found(&feed, "q=&skip=1&take=2")["totalHits"], 5);
    assert_eq!(ids(&feed, "q=nothing"), [""; 0]);
    assert_eq!(feed.request("GET", "/v3/search?take=many").send().status, 400);
}

#[test]
fn package_types_narrow_down_in_any_case() {
    let feed = feed();
    let types = "<packageTypes><packageType name=\"DotnetTool\"/></packageTypes>";
    pushed(&feed, &package_of(nuspec("Tool", "1.0.0", types)));
    pushed(&feed, &package("Lib", "1.0.0"));
    for name in ["packageType", "packageTypeFilter"] {
        assert_eq!(ids(&feed, &format!("{name}=dotnettool")), ["Tool"]);
        assert_eq!(ids(&feed, &format!("{name}=Dependency")), ["Lib"]);
        assert_eq!(ids(&feed, &format!("{name}=Nothing")), [""; 0]);
        assert_eq!(ids(&feed, &format!("{name}=")), ["Lib", "Tool"]);
    }
}

#[test]
fn fields_narrow_down() {
    let feed = feed();
    let tags = "<tags>Json fast</tags>";
    pushed(&feed, &package_of(nuspec("Acme.Json", "1.4.0-delta.4+git", tags)));
    pushed(&feed, &package("Acme", "1.0.0"));
    for (query, expected) in [
        ("packageid:acme", vec!["Acme"]),
        ("packageid:ACME.json", vec!["Acme.Json"]),
        ("id:json", vec!["Acme.Json"]),
        ("id:acme", vec!["Acme", "Acme.Json"]),
        ("tags:JSON", vec!["Acme.Json"]),
        ("author:bob", vec!["Acme", "Acme.Json"]),
        ("author:nobody", vec![]),
        ("owner:Alice%20id:json", vec!["Acme.Json"]),
        ("version:1.04.0.0-DELTA.4%2Bgit", vec!["Acme.Json"]),
        ("version:1.0", vec!["Acme"]),
        ("description:things%20acme", vec!["Acme", "Acme.Json"]),
    ] {
        let query = format!("q={query}&prerelease=true&semVerLevel=2.0.0");
        assert_eq!(ids(&feed, &query), expected, "{query}");
    }
}

#[test]
fn autocomplete_looks_at_ids_alone() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    pushed(&feed, &package_of(nuspec("Other", "1.0.0", "<tags>acme</tags>")));
    pushed(&feed, &package("Acme.Early", "1.0.0-rc1"));
    let asked = |query: &str| json(&feed, &format!("/v3/autocomplete?{query}"));
    assert_eq!(asked("q=acm"), json!({ "totalHits": 1, "data": ["Acme.Lib"] }));
    let all = json!({ "totalHits": 2, "data": ["Acme.Early", "Acme.Lib"] });
    assert_eq!(asked("q=acm&prerelease=true"), all);
}

#[test]
fn autocomplete_of_an_id_gives_its_listed_versions() {
    let feed = feed();
    for version in ["1.0.0", "1.1.0-rc1", "1.2.0+meta", "1.3.0"] {
        pushed(&feed, &package("Acme.Lib", version));
    }
    let answer = feed.request("DELETE", "/v3/package/Acme.Lib/1.3.0").send();
    assert_eq!(answer.status, 204);
    let asked =
        |query: &str| json(&feed, &format!("/v3/autocomplete?id=acme.lib{query}"))["data"].clone();
    assert_eq!(asked(""), json!(["1.0.0"]));
    assert_eq!(asked("&prerelease=true"), json!(["1.0.0", "1.1.0-rc1"]));
    assert_eq!(asked("&semVerLevel=2.0.0"), json!(["1.0.0", "1.2.0+meta"]));
    assert_eq!(json(&feed, "/v3/autocomplete?id=nothing")["data"], json!([]));
}
