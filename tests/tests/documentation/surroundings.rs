//! What the server takes from its environment, and what it gives to its metrics.

use std::collections::BTreeSet;

use crate::{files_below, read, root, says};

/// The first string literal after each of the places where `call` stands.
fn literals_after(text: &str, call: &str) -> Vec<String> {
    let after = text.match_indices(call).map(|(at, _)| text[at + call.len()..].trim_start());
    let literals = after.filter_map(|rest| rest.strip_prefix('"')?.split('"').next());
    literals.map(str::to_owned).collect()
}

#[test]
fn every_environment_variable_is_explained() {
    let mut found = BTreeSet::from(["RUST_LOG".to_owned()]);
    for path in files_below(&root().join("server/src"), ".rs") {
        let text = std::fs::read_to_string(&path).expect("a file of Rust is read");
        for call in ["env::var(", "env::var_os(", ", env = "] {
            found.extend(literals_after(&text, call));
        }
    }
    assert!(found.contains("PAKHUS_SERVER") && found.contains("PAKHUS_LOG"), "{found:?}");
    let page = "docs/reference/environment.md";
    let text = read(page);
    let left_out = found.into_iter().filter(|name| !text.contains(&format!("`{name}")));
    says(page, &left_out.collect::<Vec<_>>());
}

#[test]
fn every_metric_is_explained() {
    let text = read("server/src/metrics.rs");
    let mut found = literals_after(&text, ".register(");
    found.extend(literals_after(&text, ".register_with_unit("));
    assert!(!found.is_empty(), "the metrics are found");
    let page = "docs/reference/metrics.md";
    let text = read(page);
    let left_out = found.into_iter().filter(|name| !text.contains(&format!("`pakhus_{name}")));
    says(page, &left_out.collect::<Vec<_>>());
}
