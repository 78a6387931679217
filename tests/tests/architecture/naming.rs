//! What code may say.

use std::path::Path;

use crate::holds;
use crate::source::{Kind, Source, sources};

/// Code that every package type shares.
const SHARED: [&str; 4] = ["core", "server/blobs", "server/db", "server/src/replication"];
/// The names of package types.
const PACKAGE_TYPES: [&str; 3] = ["docker", "npm", "nuget"];

/// Names under which anything could be found.
const SAY_NOTHING: [&str; 8] =
    ["common", "helper", "helpers", "manager", "misc", "util", "utilities", "utils"];

#[test]
fn shared_code_names_no_package_type() {
    let mut broken = Vec::new();
    for source in sources() {
        let module = source.path == "server/src/replication.rs";
        if !module && !SHARED.iter().any(|folder| source.is_in(Path::new(folder))) {
            continue;
        }
        for token in source.tokens_outside_tests() {
            let text = token.text.to_lowercase();
            if PACKAGE_TYPES.iter().any(|name| text.contains(name)) {
                broken.push(source.at(token.line, &token.text));
            }
        }
    }
    holds(
        "the code of core, the database, the blobs and the replication names no package type",
        &broken,
    );
}

#[test]
fn nothing_is_unsafe() {
    let mut broken = Vec::new();
    for source in sources() {
        let tokens = source.tokens().into_iter();
        let unsafe_ = tokens.filter(|token| token.kind == Kind::Word && token.text == "unsafe");
        broken.extend(unsafe_.map(|token| source.at(token.line, "unsafe")));
    }
    holds("no code is unsafe", &broken);
}

#[test]
fn modules_are_named_after_what_is_in_them() {
    let mut broken = Vec::new();
    for source in sources() {
        let path = Path::new(&source.path).with_extension("");
        let parts = path.components().map(|part| part.as_os_str().to_string_lossy());
        for part in parts.filter(|part| SAY_NOTHING.contains(&&**part)) {
            broken.push(format!("{}: {part}", source.path));
        }
        broken.extend(modules_written_inside(&source));
    }
    holds(&format!("no module is called {}", SAY_NOTHING.join(", ")), &broken);
}

fn modules_written_inside(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs
        .filter(|(word, _)| word.kind == Kind::Word && word.text == "mod")
        .filter(|(_, name)| SAY_NOTHING.contains(&name.text.as_str()))
        .map(|(_, name)| source.at(name.line, &format!("mod {}", name.text)))
        .collect()
}
