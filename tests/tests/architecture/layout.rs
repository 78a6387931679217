//! What may be where.

use crate::source::sources;
use crate::{holds, root};

/// The longest that a file may be.
const MOST_LINES: usize = 400;

/// Files that may be longer, and why.
const LONGER: [(&str, &str); 0] = [];

/// The parts of the tree.
const PARTS: [&str; 7] = ["adapters", "core", "docs", "plugin-api", "server", "tests", ".ci"];

/// What tools and people look for at the top of a tree.
const AT_THE_TOP: [&str; 24] = [
    ".config",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".gitlab-ci.yml",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODEOWNERS",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "NOTICE",
    "README.md",
    "SECURITY.md",
    "clippy.toml",
    "deny.toml",
    "justfile",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "typos.toml",
];

#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > MOST_LINES && !LONGER.iter().any(|(path, _)| *path == source.path) {
            broken.push(format!("{}: {lines} lines", source.path));
        }
    }
    holds(&format!("no file of Rust has more than {MOST_LINES} lines"), &broken);
}

#[test]
fn the_top_of_the_tree_is_what_a_reader_expects() {
    let ignored = std::fs::read_to_string(root().join(".gitignore")).expect(".gitignore is read");
    let ignored: Vec<_> = ignored.lines().filter_map(|line| line.strip_suffix('/')).collect();
    let mut broken = Vec::new();
    for entry in std::fs::read_dir(root()).expect("the workspace is read") {
        let name = entry.expect("the workspace is read").file_name();
        let name = name.to_string_lossy();
        let known = name == ".git"
            || ignored.contains(&&*name)
            || PARTS.contains(&&*name)
            || AT_THE_TOP.contains(&&*name);
        if !known {
            broken.push(name.into_owned());
        }
    }
    let rule = "the top of the tree holds the parts of Pakhus, and files that tools and people look \
                for there (tests/tests/architecture/layout.rs lists them)";
    holds(rule, &broken);
}
