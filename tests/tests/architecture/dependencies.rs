//! Who may import whom.

use crate::crates::{Crates, Member};
use crate::holds;
use crate::source::{Kind, sources};

/// Crates that do I/O, or are built for those that do.
const NOT_PURE: [&str; 10] = [
    "async-std",
    "axum",
    "hyper",
    "libloading",
    "mio",
    "object_store",
    "reqwest",
    "sea-orm",
    "sqlx",
    "tokio",
];

/// What an adapter, and the crate that adapters of others are written with, may be made of.
const PARSERS: [&str; 18] = [
    "async-trait",
    "base64",
    "bytes",
    "flate2",
    "http",
    "oci-spec",
    "pakhus-core",
    "percent-encoding",
    "quick-xml",
    "semver",
    "serde",
    "serde_json",
    "sha1",
    "sha2",
    "tar",
    "thiserror",
    "time",
    "url",
];

fn impure(of: impl Fn(&Member) -> bool) -> Vec<String> {
    let crates = Crates::read();
    let pure: Vec<_> = crates.members.iter().filter(|member| of(member)).collect();
    assert!(!pure.is_empty(), "there is nothing that the rule is about");
    let mut broken = Vec::new();
    for member in pure {
        let mut paths = crates.paths_from(member);
        broken.extend(NOT_PURE.iter().filter_map(|name| paths.remove(*name)));
    }
    broken
}

fn other_than_parsers(of: impl Fn(&Member) -> bool) -> Vec<String> {
    let crates = Crates::read();
    let mut broken = Vec::new();
    for member in crates.members.iter().filter(|member| of(member)) {
        let others = member.normal().filter(|name| !PARSERS.contains(name));
        broken.extend(others.map(|name| format!("{} -> {name}", member.name)));
    }
    broken
}

/// The members that name a crate of this family, other than `owner`.
fn named_by_others(owner: &str, is_it: impl Fn(&str) -> bool) -> Vec<String> {
    let crates = Crates::read();
    let naming = crates.naming(is_it);
    assert!(naming.iter().any(|(member, _)| member.name == owner), "{owner} does not name it");
    let others = naming.iter().filter(|(member, _)| member.name != owner);
    others.map(|(member, name)| format!("{} names {name}", member.name)).collect()
}

#[test]
fn core_does_no_io() {
    let broken = impure(|member| member.name == "pakhus-core");
    holds("pakhus-core is pure: nothing it is built with does I/O", &broken);
}

#[test]
fn core_imports_no_other_crate_of_the_workspace() {
    let crates = Crates::read();
    let core = crates.members.iter().find(|member| member.name == "pakhus-core").expect("core");
    let own = core.named.iter().filter(|(name, _)| name.starts_with("pakhus-"));
    let broken: Vec<_> = own.map(|(name, _)| format!("pakhus-core -> {name}")).collect();
    holds("pakhus-core imports no other crate of the workspace", &broken);
}

#[test]
fn adapters_do_no_io() {
    holds("adapters are pure: nothing they are built with does I/O", &impure(Member::is_adapter));
}

#[test]
fn adapters_import_core_and_parsers_only() {
    let broken = other_than_parsers(Member::is_adapter);
    holds("adapters import pakhus-core and parsers only, and never each other", &broken);
}

#[test]
fn plugin_api_does_no_io() {
    let broken = impure(|member| member.name == "pakhus-plugin-api");
    holds("pakhus-plugin-api is pure: nothing it is built with does I/O", &broken);
}

#[test]
fn plugin_api_imports_core_and_parsers_only() {
    let broken = other_than_parsers(|member| member.name == "pakhus-plugin-api");
    holds("pakhus-plugin-api imports pakhus-core and parsers only", &broken);
}

#[test]
fn the_database_library_is_named_by_one_crate() {
    let broken = named_by_others("pakhus-db", |name| {
        name.starts_with("sea-orm") || name.starts_with("sea-query") || name.starts_with("sqlx")
    });
    holds("only pakhus-db names SeaORM", &broken);
}

#[test]
fn the_object_store_library_is_named_by_one_crate() {
    let broken = named_by_others("pakhus-blobs", |name| name == "object_store");
    holds("only pakhus-blobs names object_store", &broken);
}

#[test]
fn the_web_framework_is_named_by_one_crate() {
    let broken = named_by_others("pakhus-server", |name| {
        name == "axum" || name.starts_with("axum-") || name.starts_with("tower")
    });
    holds("only pakhus-server names axum", &broken);
}

#[test]
fn adapters_are_imported_by_the_server_alone() {
    let crates = Crates::read();
    let adapters: Vec<_> = crates.members.iter().filter(|member| member.is_adapter()).collect();
    let adapters: Vec<_> = adapters.iter().map(|member| member.name.as_str()).collect();
    let broken = named_by_others("pakhus-server", |name| adapters.contains(&name));
    holds("nobody but pakhus-server depends on an adapter", &broken);
}

#[test]
fn one_file_of_the_server_names_adapters() {
    let crates = Crates::read();
    let adapters: Vec<_> = crates.members.iter().filter(|member| member.is_adapter()).collect();
    let mut broken = Vec::new();
    for source in sources() {
        if source.path == "server/src/package_types.rs" {
            continue;
        }
        for adapter in adapters.iter().filter(|adapter| !source.is_in(&adapter.folder)) {
            let name = adapter.name.replace('-', "_");
            let naming = source.tokens().into_iter();
            let naming = naming.filter(|token| token.kind == Kind::Word && token.text == name);
            broken.extend(naming.map(|token| source.at(token.line, &name)));
        }
    }
    holds("only server/src/package_types.rs names an adapter's crate", &broken);
}
