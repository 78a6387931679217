//! `Packages()`, `Search()`, `FindPackagesById()`, `GetUpdates()` and completion.

use serde_json::json;

use super::{ask, found, full_feed, rows};
use crate::support::assert_refused;

#[test]
fn packages_are_found_by_their_id_in_any_case() {
    let feed = full_feed();
    for id in ["'AzTool'", "'aztool'", "AZTOOL"] {
        assert_eq!(found(&feed, "FindPackagesById()", &[("id", id)]), ["AzTool 3.0.0"]);
    }
    assert_refused(&ask(&feed, "FindPackagesById()", &[]), 400, "needs an `id`");
}

#[test]
fn of_an_id_that_is_not_there_or_cannot_be_there_is_nothing() {
    let feed = full_feed();
    for id in ["'Nothing'", "'f4fb6a3c!'", "''"] {
        assert_eq!(found(&feed, "FindPackagesById()", &[("id", id)]), [""; 0]);
    }
}

#[test]
fn a_search_finds_listed_versions_by_words() {
    let feed = full_feed();
    let search = |term: &str, prerelease: &str| {
        let options = [("searchTerm", term), ("includePrerelease", prerelease), ("$orderby", "Id")];
        found(&feed, "Search()", &options)
    };
    assert_eq!(search("'az'", "false"), ["AzTool 3.0.0"]);
    assert_eq!(search("'az*'", "false"), ["AzTool 3.0.0"]);
    assert_eq!(search("'tags:psmodule'", "false"), ["AzTool 3.0.0"]);
    assert_eq!(search("''", "false").len(), 4);
    assert_eq!(search("'early'", "false"), [""; 0]);
    assert_eq!(search("'early'", "true"), ["Early 0.1.0-alpha"]);
    assert_eq!(feed.request("DELETE", "/v2/AzTool/3.0.0").send().status, 204);
    assert_eq!(search("'az'", "true"), [""; 0]);
}

#[test]
fn what_is_the_latest_follows_from_what_is_listed() {
    let feed = full_feed();
    let latest = |flag: &str| {
        let options = [("$filter", flag), ("includePrerelease", "true")];
        found(&feed, "Search()", &options)
    };
    assert_eq!(latest("IsLatestVersion"), ["Acme.Lib 1.10.0", "AzTool 3.0.0"]);
    assert_eq!(feed.request("DELETE", "/v2/Acme.Lib/1.10.0").send().status, 204);
    assert_eq!(latest("IsLatestVersion"), ["Acme.Lib 1.2.0", "AzTool 3.0.0"]);
    let all = ["Acme.Lib 2.0.0-beta", "AzTool 3.0.0", "Early 0.1.0-alpha"];
    assert_eq!(latest("IsAbsoluteLatestVersion"), all);
}

#[test]
fn what_is_not_listed_is_found_by_its_id_alone_and_says_so_by_its_date() {
    let feed = full_feed();
    assert_eq!(feed.request("DELETE", "/v2/package/AzTool/3.0.0").send().status, 204);
    assert_eq!(found(&feed, "Packages()", &[("$filter", "startswith(Id,'Az')")]), [""; 0]);
    let by_id = [("$filter", "tolower(Id) eq 'aztool'")];
    let row = rows(&feed, "Packages()", &by_id)["results"][0].clone();
    assert_eq!(row["Published"], "/Date(-2208988800000)/");
    assert_eq!(row["IsLatestVersion"], false);
    assert_eq!(feed.request("POST", "/v2/package/AzTool/3.0.0").send().status, 200);
    assert_eq!(found(&feed, "Packages()", &[("$filter", "startswith(Id,'Az')")]).len(), 1);
}

#[test]
fn updates_are_newer_versions_within_what_is_wanted() {
    let feed = full_feed();
    let updates = |more: &[(&str, &str)]| {
        let options = [
            ("packageIds", "'acme.lib|AzTool|Nothing|no id'"),
            ("versions", "'1.0.0|3.0|1.0|1.0'"),
            ("semVerLevel", "2.0.0"),
        ];
        found(&feed, "GetUpdates()", &[&options[..], more].concat())
    };
    assert_eq!(updates(&[]), ["Acme.Lib 1.10.0"]);
    assert_eq!(updates(&[("includePrerelease", "true")]), ["Acme.Lib 2.0.0-rc.1"]);
    let all = ["Acme.Lib 1.2.0", "Acme.Lib 1.10.0"];
    assert_eq!(updates(&[("includeAllVersions", "true")]), all);
    assert_eq!(updates(&[("versionConstraints", "'[1.0,1.5)|||'")]), ["Acme.Lib 1.2.0"]);
    let options = [("packageIds", "'a|b'"), ("versions", "'1.0'")];
    assert_refused(&ask(&feed, "GetUpdates()", &options), 400, "not equally many");
    let options = [("packageIds", "'a'"), ("versions", "'newest'")];
    assert_refused(&ask(&feed, "GetUpdates()", &options), 400, "newest");
}

#[test]
fn ids_and_versions_are_completed() {
    let feed = full_feed();
    let ids = ask(&feed, "package-ids", &[("partialId", "ac")]);
    assert_eq!(ids.json(), json!(["Acme.Lib"]));
    let ids = ask(&feed, "package-ids", &[("includePrerelease", "true")]);
    assert_eq!(ids.json(), json!(["Acme.Lib", "AzTool", "Early"]));
    let versions = ask(&feed, "package-versions/acme.lib", &[]);
    assert_eq!(versions.json(), json!(["1.0.0", "1.2.0", "1.10.0"]));
}
