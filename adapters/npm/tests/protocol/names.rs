use pakhus_npm::Npm;
use pakhus_plugin_api::PackageType;
use proptest::prelude::*;

use crate::support::{assert_refused, feed, publish_document, put};

#[test]
fn names_from_before_the_rules_are_known_as_they_are() {
    let npm = Npm::default();
    for name in
        ["left-pad", "JSONStream", "-x", "@x/_y", "@x/.y", "nul", "con", "aux", "constructor"]
    {
        let parsed = npm.parse_name(name).expect("a name that exists");
        assert_eq!((parsed.key(), parsed.display()), (name, name));
    }
    assert_ne!(npm.parse_name("JSONStream"), npm.parse_name("jsonstream"));
}

#[test]
fn what_can_name_no_package_is_refused() {
    let npm = Npm::default();
    for name in [
        "",
        "@x",
        "@x/",
        "@/y",
        "@x/y/z",
        "x/y",
        "x@y",
        "@x/y@1",
        "_x",
        ".x",
        ".",
        "..",
        "@x/..",
        "-",
        "a b",
        "a%2fb",
        "ä",
        "a\0",
        "a\\b",
        "node_modules",
        "favicon.ico",
        "__proto__",
    ] {
        assert!(npm.parse_name(name).is_err(), "{name}");
    }
}

#[test]
fn new_names_follow_the_rules_of_today() {
    let feed = feed();
    let long = format!("@acme/{}", "x".repeat(209));
    for name in [
        "JSONStream",
        "-x",
        "@x/.y",
        "a~b",
        "a!",
        "a'b",
        "(a)",
        "a*",
        "fs",
        "worker_threads",
        "@acme/Pad",
        "@Acme/pad",
        "@acme/a~b",
        long.as_str(),
    ] {
        let answer = put(&feed, name, &publish_document(name, "1.0.0", &["latest"]));
        assert_refused(&answer, 400, "invalid package name");
        assert_eq!(answer.transcript.len(), 2, "refused before the tarball is taken");
    }
    let longest = "x".repeat(214);
    for name in [
        "@acme/fs",
        "@acme/-x",
        "fs-extra",
        "@acme/node_modules",
        "0",
        "a.b_c-d",
        "@acme/_internal",
        "constructor",
        "nul",
        longest.as_str(),
    ] {
        let answer = put(&feed, name, &publish_document(name, "1.0.0", &["latest"]));
        assert_eq!(answer.status, 201, "{name}: {}", answer.text());
    }
}

proptest! {
    #[test]
    fn a_name_is_its_own_key(name in "(@[a-zA-Z._-]{1,4}/)?[a-zA-Z0-9._~-]{1,6}") {
        if let Ok(parsed) = Npm::default().parse_name(&name) {
            prop_assert_eq!(parsed.key(), &name);
            prop_assert_eq!(Npm::default().parse_name(parsed.key()), Ok(parsed));
        }
    }

    #[test]
    fn no_name_makes_it_panic(name in any::<String>()) {
        let _ = Npm::default().parse_name(&name);
    }
}
