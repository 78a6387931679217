//! The registry protocol, asked of an adapter on a feed in memory.

#![allow(clippy::unwrap_used, missing_docs)]

mod access;
mod accounts;
mod attestations;
mod check_version;
mod convergence;
mod deprecate;
mod dist_tags;
mod hostile;
mod legacy_rules;
mod manifests;
mod names;
mod other_endpoints;
mod owners;
mod packuments;
mod publish;
mod publish_refusals;
mod routing;
mod search;
mod sites;
mod support;
mod tarball_contents;
mod tarballs;
mod unpublish;
mod versions;

#[test]
fn no_test_file_is_forgotten() {
    let listed = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let module = file.strip_suffix(".rs").unwrap();
        assert!(module == "main" || listed.contains(&format!("mod {module};")), "{file}");
    }
}
