//! What the documentation must say, because the code does: every key of the configuration, every
//! command, every route, every metric, every environment variable; and that its links lead somewhere.

mod commands;
mod configuration;
mod links;
mod routes;
mod surroundings;

use std::path::{Path, PathBuf};

/// The top of the workspace.
fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("this package is a folder of the workspace").to_owned()
}

/// The text of a file, by its path from the top.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder whose names end so, in order.
fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Fails with all that the page leaves out.
fn says(page: &str, left_out: &[String]) {
    assert!(left_out.is_empty(), "{page} leaves out:\n  {}", left_out.join("\n  "));
}
