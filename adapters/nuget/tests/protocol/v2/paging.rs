//! `$top`, `$skip`, counts, and links to the rest.

use pakhus_plugin_api::testing::MemoryFeed;
use serde_json::Value;

use super::{ask, found, full_feed, rows};
use crate::support::{assert_refused, feed, package, pushed};

/// All that is found by following links from the first page, and how many pages there were.
fn all(feed: &MemoryFeed, set: &str, options: &[(&str, &str)]) -> (Vec<String>, usize) {
    let mut page = rows(feed, set, options);
    let (mut found, mut pages) = (Vec::new(), 1);
    loop {
        let rows = page["results"].as_array().unwrap().iter();
        found.extend(rows.map(|row| format!("{} {}", row["Id"], row["Version"])));
        let Some(next) = page["__next"].as_str() else { return (found, pages) };
        let path = next.strip_prefix("https://pakhus.test/nuget/main").unwrap();
        page = feed.request("GET", path).send().json()["d"].clone();
        pages += 1;
    }
}

fn numbered(packages: usize, versions: usize) -> MemoryFeed {
    let feed = feed();
    for id in 0..packages {
        for version in 0..versions {
            pushed(&feed, &package(&format!("P{id:03}"), &format!("1.{version}.0")));
        }
    }
    feed
}

#[test]
fn a_page_has_a_hundred_rows_and_links_to_the_rest() {
    let feed = numbered(3, 70);
    for set in ["Search()", "Packages()"] {
        let (found, pages) = all(&feed, set, &[]);
        assert_eq!((found.len(), pages), (210, 3), "{set}");
        assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "{set}");
    }
}

#[test]
fn the_versions_of_one_package_are_paged() {
    let feed = numbered(1, 120);
    let (found, pages) = all(&feed, "FindPackagesById()", &[("id", "'P000'")]);
    assert_eq!((found.len(), pages), (120, 2));
}

#[test]
fn latest_versions_are_paged_by_the_index() {
    let feed = numbered(120, 1);
    let (found, pages) = all(&feed, "Search()", &[("$filter", "IsLatestVersion")]);
    assert_eq!((found.len(), pages), (120, 2));
}

#[test]
fn as_many_rows_as_are_asked_for_are_answered() {
    let feed = numbered(3, 70);
    let options = [("$top", "150"), ("$orderby", "Id")];
    let (found, pages) = all(&feed, "Search()", &options);
    assert_eq!((found.len(), pages), (150, 1));
    assert_eq!(all(&feed, "Search()", &[("$top", "0")]), (Vec::new(), 1));
}

#[test]
fn rows_are_left_out_from_the_first_on() {
    let feed = full_feed();
    let options = |skip| [("includePrerelease", "true"), ("$orderby", "Id"), ("$skip", skip)];
    let all = found(&feed, "Search()", &options("0"));
    assert_eq!(all.len(), 6);
    assert_eq!(found(&feed, "Search()", &options("4")), all[4..]);
    assert_eq!(found(&feed, "Search()", &options("9")), [""; 0]);
    assert_refused(&ask(&feed, "Search()", &options("some")), 400, "no whole number");
}

#[test]
fn rows_are_counted_where_that_is_asked() {
    let feed = full_feed();
    let counted = |options: &[(&str, &str)]| {
        let options = [options, &[("$inlinecount", "allpages"), ("$top", "1")]].concat();
        rows(&feed, "Search()", &options)["__count"].clone()
    };
    assert_eq!(counted(&[]), "4");
    assert_eq!(counted(&[("includePrerelease", "true")]), "6");
    assert_eq!(counted(&[("$filter", "IsLatestVersion")]), "2");
    assert_eq!(counted(&[("$filter", "IsLatestVersion"), ("$skip", "9")]), "2");
    assert_eq!(counted(&[("$filter", "startswith(Id,'Az') and IsLatestVersion")]), "1");
    assert_eq!(rows(&feed, "Search()", &[])["__count"], Value::Null);
    for (set, total) in [("Packages()/$count", "6"), ("FindPackagesById()/$count", "4")] {
        let answer = ask(&feed, set, &[("id", "'Acme.Lib'")]);
        assert_eq!(answer.text(), total, "{set}");
        assert_eq!(answer.header("content-type"), Some("text/plain;charset=utf-8"));
    }
    assert_refused(&ask(&feed, "Search()", &[("$inlinecount", "some")]), 400, "`allpages`");
}
