use pakhus_npm::Npm;
use pakhus_plugin_api::{PackageType, PackageVersion};
use proptest::prelude::*;
use serde_json::Value;

fn fixtures(table: &str) -> Vec<Value> {
    let data: Value = serde_json::from_str(include_str!("../data/node-semver.json")).unwrap();
    let rows = data[table].as_array().unwrap().clone();
    assert!(!rows.is_empty());
    rows
}

fn parse(version: &Value) -> PackageVersion {
    let version = version.as_str().unwrap();
    Npm::default().parse_version(version).unwrap_or_else(|error| panic!("{version}: {error}"))
}

#[test]
fn versions_order_as_node_semver_orders_them() {
    for row in fixtures("greater") {
        assert!(parse(&row[0]) > parse(&row[1]), "{row}");
        assert!(parse(&row[0]).sort_key() > parse(&row[1]).sort_key(), "{row}");
    }
}

#[test]
fn build_metadata_tells_no_versions_apart() {
    for row in fixtures("equal") {
        assert_eq!(parse(&row[0]).key(), parse(&row[1]).key(), "{row}");
        assert_eq!(parse(&row[0]).sort_key(), parse(&row[1]).sort_key(), "{row}");
    }
    let version = parse(&"1.0.0-beta.1+build.5".into());
    assert_eq!((version.key(), version.display()), ("1.0.0-beta.1", "1.0.0-beta.1+build.5"));
}

#[test]
fn valid_versions_parse_and_others_do_not() {
    for version in fixtures("valid") {
        parse(&version);
    }
    for version in fixtures("invalid").iter().chain(&fixtures("loose")) {
        assert!(Npm::default().parse_version(version.as_str().unwrap()).is_err(), "{version}");
    }
}

#[test]
fn numbers_end_where_javascript_stops_counting() {
    let npm = Npm::default();
    assert!(npm.parse_version("9007199254740991.0.0").is_ok());
    assert!(npm.parse_version("9007199254740992.0.0").is_err());
    assert!(npm.parse_version("1.0.18446744073709551616").is_err());
    assert!(npm.parse_version(&format!("1.0.0-{}", "a".repeat(250))).is_ok());
    assert!(npm.parse_version(&format!("1.0.0-{}", "a".repeat(251))).is_err());
}

proptest! {
    #[test]
    fn a_key_parses_to_itself(version in "[0-9]{1,3}\\.[0-9]\\.[0-9](-[a-z0-9.-]{1,5})?(\\+[a-z0-9.]{1,3})?") {
        let npm = Npm::default();
        if let Ok(parsed) = npm.parse_version(&version) {
            let again = npm.parse_version(parsed.key()).expect("a key is a version");
            prop_assert_eq!(again.key(), parsed.key());
            prop_assert_eq!(again.sort_key(), parsed.sort_key());
        }
    }

    #[test]
    fn no_version_makes_it_panic(version in any::<String>()) {
        let _ = Npm::default().parse_version(&version);
    }
}
