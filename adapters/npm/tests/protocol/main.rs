//! The registry protocol, asked of an adapter on a feed in memory.

#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod check_version;
mod deprecate;
mod dist_tags;
mod hostile;
mod names;
mod other_endpoints;
mod packuments;
mod publish;
mod publish_refusals;
mod routing;
mod sites;
mod support;
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
