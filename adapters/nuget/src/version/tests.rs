//! The tables of `NuGet.Versioning`'s own tests, all rows.

use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn table(text: &str) -> Value {
    serde_json::from_str(text).expect("a table")
}

fn rows(table: &Value, name: &str) -> Vec<Value> {
    let rows = table[name].as_array().expect("rows").clone();
    assert!(rows.len() > 30, "{name}: the rows are there");
    rows
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap_or_default()
}

fn parsed(text: &str) -> NuGetVersion {
    NuGetVersion::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn versions_are_read_as_clients_read_them() {
    for row in rows(&table(include_str!("../../tests/data/nuget-parse.json")), "valid") {
        let version = parsed(text(&row, "input"));
        let stored = parse(text(&row, "input")).expect("a version");
        let found = json!({
            "version4": version.numbers.map(|number| number.to_string()).join("."),
            "release": version.release,
            "metadata": version.metadata,
            "normalized": version.normalized(),
            "full": version.to_string(),
            "normalized_lower": stored.key(),
            "is_semver2": version.is_semver2(),
        });
        // Not every row says everything.
        for (member, found) in found.as_object().expect("an object") {
            assert!(row.get(member).is_none_or(|expected| expected == found), "{row}: {found}");
        }
    }
}

#[test]
fn what_clients_take_for_no_version_is_refused() {
    for row in rows(&table(include_str!("../../tests/data/nuget-parse.json")), "invalid") {
        assert!(NuGetVersion::parse(text(&row, "input")).is_err(), "{row}");
    }
    for text in ["v1.0.0", "=1.0.0", "1.0.0-", "1.0.0+", "1.0.0-01", "1.0.0_a", "$version$", ""] {
        assert!(NuGetVersion::parse(text).is_err(), "{text}");
    }
    assert!(NuGetVersion::parse(&format!("1.0.0-{}", "a".repeat(58))).is_ok());
    assert!(NuGetVersion::parse(&format!("1.0.0-{}", "a".repeat(59))).is_err());
}

#[test]
fn versions_are_ordered_as_clients_order_them() {
    for row in rows(&table(include_str!("../../tests/data/nuget-compare.json")), "rows") {
        let (a, b) = (parsed(text(&row, "a")), parsed(text(&row, "b")));
        let expected = match text(&row, "expected") {
            "lt" => Ordering::Less,
            "gt" => Ordering::Greater,
            _ => Ordering::Equal,
        };
        assert_eq!(a.sort_key().cmp(&b.sort_key()), expected, "{row}");
    }
}

#[test]
fn other_ecosystems_order_some_versions_in_another_way() {
    let table = table(include_str!("../../tests/data/divergence.json"));
    for row in rows(&table, "rows") {
        let (a, b) = (NuGetVersion::parse(text(&row, "a")), NuGetVersion::parse(text(&row, "b")));
        let expected = &row["nuget"];
        assert_eq!(expected["a_valid"], a.is_ok(), "{row}");
        assert_eq!(expected["b_valid"], b.is_ok(), "{row}");
        let (Ok(a), Ok(b)) = (a, b) else { continue };
        let found = match a.sort_key().cmp(&b.sort_key()) {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        assert_eq!(expected["cmp"], found, "{row}");
        assert_eq!(expected["a_key"], a.normalized().to_ascii_lowercase(), "{row}");
    }
}

#[test]
fn what_strict_semver_takes_is_a_version() {
    let table = table(include_str!("../../tests/data/nuget-strict-semver.json"));
    for row in rows(&table, "rows") {
        // What is stricter there is for other uses: a feed takes what clients pack.
        if row["valid"] == true {
            assert!(NuGetVersion::parse(text(&row, "input")).is_ok(), "{row}");
        }
    }
}

proptest! {
    #[test]
    fn normalising_again_changes_nothing(
        raw in "[0-9]{1,3}(\\.[0-9]{1,4}){0,3}(-[A-Za-z-][0-9A-Za-z-]{0,3}(\\.[A-Za-z0-9-]{1,2})?)?(\\+[a-z0-9]{1,3})?",
    ) {
        if let Ok(version) = parse(&raw) {
            let again = parse(version.display()).expect("what is shown is a version");
            prop_assert_eq!(&again, &version);
            let by_key = parse(version.key()).expect("a key is a version");
            prop_assert_eq!(by_key.key(), version.key());
            prop_assert_eq!(by_key.sort_key(), version.sort_key());
        }
    }
}
