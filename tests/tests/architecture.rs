//! The rules that hold the tree together. Each is a test of its own, which says what breaks it.

#[path = "architecture/crates.rs"]
mod crates;
#[path = "architecture/dependencies.rs"]
mod dependencies;
#[path = "architecture/layout.rs"]
mod layout;
#[path = "architecture/naming.rs"]
mod naming;
#[path = "architecture/source.rs"]
mod source;

use std::path::{Path, PathBuf};

/// The top of the workspace.
fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("this package is a folder of the workspace").to_owned()
}

/// Fails with the rule and all that breaks it.
fn holds(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "the rule: {rule}\nis broken by:\n  {}", broken.join("\n  "));
}
