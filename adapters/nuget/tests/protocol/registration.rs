use serde_json::{Value, json};

use crate::support::{feed, json, nuspec, package, package_of, pushed};

const BASE: &str = "https://pakhus.test/nuget/main/v3";

/// The versions of all pages, in order.
fn versions(index: &Value) -> Vec<String> {
    let pages = index["items"].as_array().unwrap().iter();
    let items = pages.flat_map(|page| page["items"].as_array().unwrap());
    items.map(|item| item["catalogEntry"]["version"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_package_says_what_its_nuspecs_say() {
    let feed = feed();
    let more = "<title>Acme</title><tags>a, b;c d</tags><license type=\"expression\">MIT</license>\
        <licenseUrl>https://licenses.example/MIT</licenseUrl><copyright>©</copyright>\
        <dependencies><group targetFramework=\"net8.0\"><dependency id=\"Other.Lib\" version=\"1.0\"/>\
        <dependency id=\"Any\"/></group><group targetFramework=\"net6.0\"/></dependencies>\
        <packageTypes><packageType name=\"DotnetTool\"/></packageTypes>";
    let text = nuspec("Acme.Lib", "1.0.01+Build.7", more);
    pushed(&feed, &package_of(text.replace("<metadata>", "<metadata minClientVersion=\"3.3\">")));
    let index = json(&feed, "/v3/registration-gz-semver2/acme.lib/index.json");
    let registration = format!("{BASE}/registration-gz-semver2/acme.lib/index.json");
    assert_eq!(index["@id"], registration);
    assert_eq!(index["count"], 1);
    let page = &index["items"][0];
    assert_eq!(
        (&page["lower"], &page["upper"], &page["count"]),
        (&json!("1.0.1"), &json!("1.0.1"), &json!(1))
    );
    assert_eq!(page["parent"], registration);
    let item = &page["items"][0];
    let content = format!("{BASE}/flat/acme.lib/1.0.1/acme.lib.1.0.1.nupkg");
    assert_eq!(
        (&item["packageContent"], &item["registration"]),
        (&json!(content), &json!(registration))
    );
    let entry = &item["catalogEntry"];
    for (member, expected) in [
        ("id", json!("Acme.Lib")),
        ("version", json!("1.0.1+Build.7")),
        ("verbatimVersion", json!("1.0.01+Build.7")),
        ("authors", json!("Zoë, Bob")),
        ("description", json!("does <things>")),
        ("title", json!("Acme")),
        ("tags", json!(["a", "b", "c", "d"])),
        ("licenseExpression", json!("MIT")),
        ("licenseUrl", json!("https://licenses.example/MIT")),
        ("minClientVersion", json!("3.3")),
        ("listed", json!(true)),
        ("packageTypes", json!([{ "name": "DotnetTool" }])),
        ("published", json!("2023-11-14T22:13:21.000Z")),
    ] {
        assert_eq!(entry[member], expected, "{member}");
    }
    let other = format!("{BASE}/registration-gz-semver2/other.lib/index.json");
    let any = format!("{BASE}/registration-gz-semver2/any/index.json");
    assert_eq!(
        entry["dependencyGroups"],
        json!([
            { "targetFramework": "net8.0", "dependencies": [
                { "id": "Other.Lib", "range": "[1.0.0, )", "registration": other },
                { "id": "Any", "range": "(, )", "registration": any },
            ] },
            { "targetFramework": "net6.0" },
        ])
    );
}

#[test]
fn old_clients_are_not_shown_what_they_cannot_read() {
    let feed = feed();
    for version in ["1.0.0", "1.1.0-rc1", "1.1.0-rc.2", "1.2.0+meta"] {
        pushed(&feed, &package("Acme.Lib", version));
    }
    let dependency = "<dependencies><dependency id=\"B\" version=\"1.0.0-a.1\"/></dependencies>";
    pushed(&feed, &package_of(nuspec("Acme.Lib", "1.3.0", dependency)));
    pushed(&feed, &package("New.Lib", "1.0.0+meta"));
    for hive in ["registration", "registration-gz"] {
        let index = json(&feed, &format!("/v3/{hive}/acme.lib/index.json"));
        assert_eq!(versions(&index), ["1.0.0", "1.1.0-rc1"]);
        let path = format!("/v3/{hive}/new.lib/index.json");
        assert_eq!(feed.request("GET", &path).send().status, 404);
        let path = format!("/v3/{hive}/acme.lib/1.2.0.json");
        assert_eq!(feed.request("GET", &path).send().status, 404);
    }
    let index = json(&feed, "/v3/registration-gz-semver2/acme.lib/index.json");
    assert_eq!(versions(&index), ["1.0.0", "1.1.0-rc.2", "1.1.0-rc1", "1.2.0+meta", "1.3.0"]);
}

#[test]
fn the_document_of_a_version_points_to_what_its_nuspec_says() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    let leaf = json(&feed, "/v3/registration/Acme.Lib/1.0.json");
    assert_eq!(leaf["@id"], format!("{BASE}/registration/acme.lib/1.0.0.json"));
    let entry = leaf["catalogEntry"].as_str().unwrap();
    let details = json(&feed, entry.strip_prefix("https://pakhus.test/nuget/main").unwrap());
    assert_eq!((&details["id"], &details["version"]), (&json!("Acme.Lib"), &json!("1.0.0")));
}

#[test]
fn a_package_of_many_versions_has_its_pages_apart() {
    let feed = feed();
    for number in 0..130 {
        pushed(&feed, &package("Acme.Lib", &format!("1.{number}.0")));
        let index = json(&feed, "/v3/registration/acme.lib/index.json");
        let pages = index["items"].as_array().unwrap();
        assert_eq!(pages.len(), (number + 1_usize).div_ceil(64));
        assert!(pages.iter().all(|page| page.get("items").is_some() == (number < 127)));
    }
    let index = json(&feed, "/v3/registration/acme.lib/index.json");
    let mut seen = Vec::new();
    for page in index["items"].as_array().unwrap() {
        let path = page["@id"].as_str().unwrap();
        let page = json(&feed, path.strip_prefix("https://pakhus.test/nuget/main").unwrap());
        assert_eq!(page["parent"], index["@id"]);
        let items = page["items"].as_array().unwrap();
        assert_eq!(page["count"], items.len());
        seen.extend(items.iter().map(|item| item["catalogEntry"]["version"].clone()));
    }
    let expected: Vec<_> = (0..130).map(|number| json!(format!("1.{number}.0"))).collect();
    assert_eq!(seen, expected);
    // A client that read of the last page before it got longer finds it still.
    let shorter = json(&feed, "/v3/registration/acme.lib/page/1.128.0/1.128.0.json");
    assert_eq!((&shorter["lower"], &shorter["upper"]), (&json!("1.128.0"), &json!("1.129.0")));
}

#[test]
fn a_read_again_asks_for_no_version() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    let path = "/v3/registration/acme.lib/index.json";
    let read = || feed.request("GET", path).send().transcript;
    assert!(read().iter().any(|line| line.starts_with("? contents")));
    assert!(!read().iter().any(|line| line.starts_with("? contents")));
}
