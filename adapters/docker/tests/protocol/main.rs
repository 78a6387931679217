//! The distribution API of OCI registries, asked of an adapter on a feed in memory.

#![allow(clippy::unwrap_used, missing_docs)]

mod check_version;
mod deleting;
mod listing;
mod manifests;
mod mounting;
mod pulling;
mod referrers;
mod refused_manifests;
mod routing;
mod sites;
mod support;
mod uploads;

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
