//! `$filter`, `$orderby`, `$select`, `$inlinecount` and `semVerLevel`.

use proptest::prelude::*;

use super::{ask, found, full_feed, rows};
use crate::support::assert_refused;

/// The versions of `Acme.Lib` that a filter leaves.
fn left(filter: &str) -> Vec<String> {
    let options = [("id", "'Acme.Lib'"), ("semVerLevel", "2.0.0"), ("$filter", filter)];
    let found = found(&full_feed(), "FindPackagesById()", &options);
    found.iter().map(|one| one.strip_prefix("Acme.Lib ").unwrap().to_owned()).collect()
}

#[test]
fn a_filter_leaves_the_rows_for_which_it_is_true() {
    for (filter, expected) in [
        ("IsLatestVersion", vec!["1.10.0"]),
        ("IsLatestVersion eq true", vec!["1.10.0"]),
        ("IsAbsoluteLatestVersion", vec!["2.0.0-rc.1"]),
        ("not IsPrerelease and not (Version eq '1.0')", vec!["1.2.0", "1.10.0"]),
        ("IsPrerelease eq false and Id eq 'acme.lib'", vec!["1.0.0", "1.2.0", "1.10.0"]),
        ("Version eq '1.0.0' or Version eq '2.0.0-BETA'", vec!["1.0.0", "2.0.0-beta"]),
        ("Title ne null", vec![]),
        ("Title eq null and Version eq '1.2'", vec!["1.2.0"]),
        ("DownloadCount gt 0", vec![]),
        ("PackageSize gt 1L and Version eq '1.2'", vec!["1.2.0"]),
        ("Published lt datetime'2001-01-01T00:00:00'", vec![]),
        ("Published gt datetime'2001-01-01T00:00:00Z' and Version eq '1.2'", vec!["1.2.0"]),
        ("substringof('LIB', tolower(Id)) eq true and Version eq '1.2'", vec!["1.2.0"]),
        ("startswith(Id, 'acme') and endswith(Id,'.lib') and IsLatestVersion", vec!["1.10.0"]),
        ("substringof('PSModule', Tags)", vec![]),
        ("concat(Id, 'x') eq 'acme.libx' and IsLatestVersion", vec!["1.10.0"]),
    ] {
        assert_eq!(left(filter), expected, "{filter}");
    }
}

#[test]
fn versions_compare_as_versions() {
    let left_between = left("NormalizedVersion ge '1.2' and NormalizedVersion lt '2.0.0'");
    assert_eq!(left_between, ["1.2.0", "1.10.0", "2.0.0-beta", "2.0.0-rc.1"]);
    assert_eq!(left("Version gt '2.0.0-beta' and Version le '2.0'"), ["2.0.0-rc.1"]);
}

#[test]
fn a_filter_that_cannot_be_read_is_refused_with_the_reason() {
    let feed = full_feed();
    let deep = format!("{}true{}", "(".repeat(80), ")".repeat(80));
    let long = format!("Id eq '{}'", "x".repeat(10_000));
    for (filter, reason) in [
        ("Nothing eq 1", "no property `Nothing`"),
        ("soundex(Id) eq 'a'", "no function `soundex`"),
        ("Id eq", "ends too early"),
        ("Id eq 'a", "no `'` at its end"),
        ("Id eq 'a' 'b'", "where it cannot be"),
        ("Id", "not true or false"),
        ("Id eq 1", "does not compare"),
        ("IsLatestVersion gt false", "does not compare"),
        ("Version eq 'newest'", "newest"),
        ("tolower(Id, Id) eq 'a'", "needs one argument"),
        ("Id add 1", "where it cannot be"),
        ("Id eq 'a' & true", "cannot have `&`"),
        (&deep, "nested"),
        (&long, "longer than"),
        ("DownloadCount gt 99999999999999999999", "no whole number"),
        ("Published gt datetime'soon'", "no date"),
    ] {
        for set in ["FindPackagesById()", "Packages()", "Search()"] {
            let answer = ask(&feed, set, &[("id", "'Acme.Lib'"), ("$filter", filter)]);
            assert_refused(&answer, 400, reason);
        }
    }
}

#[test]
fn rows_are_in_the_order_that_is_asked_for() {
    let feed = full_feed();
    let ordered = |by: &str| {
        let options = [("id", "'Acme.Lib'"), ("$orderby", by), ("$top", "2")];
        found(&feed, "FindPackagesById()", &options)
    };
    assert_eq!(ordered("Version desc"), ["Acme.Lib 2.0.0-beta", "Acme.Lib 1.10.0"]);
    assert_eq!(ordered("IsPrerelease desc,Version"), ["Acme.Lib 2.0.0-beta", "Acme.Lib 1.0.0"]);
    let everything = |by: &str| {
        let options = [("$filter", "IsAbsoluteLatestVersion"), ("$orderby", by)];
        found(&feed, "Packages()", &options)
    };
    let by_id = ["Acme.Lib 2.0.0-beta", "AzTool 3.0.0", "Early 0.1.0-alpha"];
    assert_eq!(everything("Id"), by_id);
    assert_eq!(everything("Id desc"), by_id.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(everything("DownloadCount desc,Id"), by_id);
    // As Visual Studio orders by name.
    assert_eq!(everything("concat(Title,Id) desc")[0], "AzTool 3.0.0");
    let answer = ask(&feed, "Packages()", &[("$orderby", "Id sideways")]);
    assert_refused(&answer, 400, "where it cannot be");
}

#[test]
fn only_what_is_selected_is_answered() {
    let feed = full_feed();
    let options = [("id", "'AzTool'"), ("$select", "Version,IsLatestVersion, Title")];
    let mut row = rows(&feed, "FindPackagesById()", &options)["results"][0].clone();
    row.as_object_mut().unwrap().remove("__metadata");
    let expected = serde_json::json!({
        "Version": "3.0.0", "IsLatestVersion": true, "Title": "The tool",
    });
    assert_eq!(row, expected);
    let answer = ask(&feed, "Packages()", &[("$select", "Everything")]);
    assert_refused(&answer, 400, "no property `Everything`");
}

#[test]
fn clients_from_before_semver2_are_not_shown_it() {
    let feed = full_feed();
    let all = found(&feed, "FindPackagesById()", &[("id", "'Acme.Lib'")]);
    assert_eq!(all.last().map(String::as_str), Some("Acme.Lib 2.0.0-beta"));
    let options = [("id", "'Acme.Lib'"), ("$filter", "IsAbsoluteLatestVersion")];
    assert_eq!(found(&feed, "FindPackagesById()", &options), ["Acme.Lib 2.0.0-beta"]);
    let options = [("id", "'Acme.Lib'"), ("semVerLevel", "2.0.0")];
    let all = found(&feed, "FindPackagesById()", &options);
    assert_eq!(all.last().map(String::as_str), Some("Acme.Lib 2.0.0-rc.1"));
}

/// Words that filters are made of, in any order.
fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "Id",
            "Version",
            "Title",
            "IsPrerelease",
            "DownloadCount",
            "Published",
            "eq",
            "ne",
            "gt",
            "le",
            "and",
            "or",
            "not",
            "(",
            ")",
            ",",
            "tolower(",
            "substringof(",
            "'1.0'",
            "'it''s'",
            "'",
            "true",
            "null",
            "7",
            "-",
            "datetime'2026-01-01T00:00:00'",
            "desc",
            "=",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn whatever_is_asked_is_answered_or_refused(text in words()) {
        let feed = crate::support::feed();
        crate::support::pushed(&feed, &crate::support::package("Acme.Lib", "1.0.0"));
        for option in ["$filter", "$orderby", "$select", "$top", "searchTerm", "id"] {
            for set in ["Packages()", "Search()", "FindPackagesById()"] {
                let status = ask(&feed, set, &[(option, &text)]).status;
                prop_assert!(status == 200 || status == 400, "{set} {option} {text}: {status}");
            }
        }
    }
}
