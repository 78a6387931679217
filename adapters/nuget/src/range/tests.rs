//! The tables of `NuGet.Versioning`'s own tests, as far as packages can have such ranges.

use serde_json::Value;

use super::*;

fn table() -> Value {
    serde_json::from_str(include_str!("../../tests/data/nuget-ranges.json")).expect("a table")
}

fn texts(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("rows").iter();
    rows.map(|row| row.as_str().expect("a text")).collect()
}

fn normalized(text: &str) -> String {
    VersionRange::parse(text).unwrap_or_else(|refusal| panic!("{refusal}")).normalized()
}

#[test]
fn what_clients_take_for_no_range_is_refused() {
    let table = table();
    for text in texts(&table["invalid"]) {
        assert!(VersionRange::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_package_cannot_depend_on_a_range_that_floats() {
    let table = table();
    let floating: Vec<_> =
        texts(&table["float_valid"]).into_iter().filter(|text| text.contains('*')).collect();
    assert!(floating.len() > 10);
    for text in floating {
        let refusal = VersionRange::parse(text).expect_err(text);
        assert!(refusal.message.contains("floats"), "{refusal}");
    }
}

#[test]
fn short_and_long_versions_are_the_same_range() {
    let table = table();
    for pair in table["equal_short_long"].as_array().expect("rows") {
        let pair = texts(pair);
        assert_eq!(normalized(pair[0]), normalized(pair[1]));
    }
}

#[test]
fn ranges_are_written_as_intervals() {
    for (text, interval) in [
        ("1.2.0", "[1.2.0, )"),
        ("1.2.3-beta.2.4.55.X+900", "[1.2.3-beta.2.4.55.X, )"),
        ("[1.0]", "[1.0.0, 1.0.0]"),
        ("(,1.0]", "(, 1.0.0]"),
        ("[1.0,2.0)", "[1.0.0, 2.0.0)"),
        ("(1.0.0.0, )", "(1.0.0, )"),
        ("(, )", "(, )"),
    ] {
        assert_eq!(normalized(text), interval, "{text}");
    }
    assert_eq!(VersionRange::default().normalized(), "(, )");
}
