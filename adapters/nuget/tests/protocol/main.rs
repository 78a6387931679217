//! The protocols of NuGet clients, asked of an adapter on a feed in memory.

#![allow(clippy::unwrap_used, missing_docs)]

mod bad_packages;
mod catalog;
mod check_version;
mod flat;
mod listing;
mod push;
mod real_packages;
mod registration;
mod routing;
mod search;
mod service_index;
mod sites;
mod support;
mod symbols;
mod v2;

#[test]
fn no_test_file_is_forgotten() {
    let listed = include_str!("main.rs");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol");
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = file.strip_suffix(".rs") else { continue };
        assert!(module == "main" || listed.contains(&format!("mod {module};")), "{file}");
    }
}
