//! Verdaccio, a registry to compare with.

use std::process::Command;

use serde_json::json;

use crate::argument;
use crate::programs::{Running, free_address};
use crate::registry::{Registry, measure as measure_registry};
use crate::table::Table;

const CONFIG: &str = "storage: ./storage\nmax_body_size: 300mb\nuplinks: {}\n\
    packages:\n  '**':\n    access: $all\n    publish: $all\n\
    log: { type: stdout, format: json, level: error }\n";

/// The version that is measured: the newest for Node.js 20.
const VERSION: &str = "6.8.0";

/// Installs it, starts it, and measures it.
pub(crate) async fn measure() -> Table {
    let folder = tempfile::tempdir().expect("a folder");
    // It names one dependency by a tag, which mirrors of the npm registry may lack.
    let overrides = json!({ "node-fetch": "2.7.0" });
    let package = json!({
        "private": true,
        "dependencies": { "verdaccio": VERSION },
        "overrides": overrides,
    });
    std::fs::write(folder.path().join("package.json"), package.to_string()).expect("written");
    let install = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--silent"])
        .current_dir(folder.path())
        .status()
        .expect("npm is installed");
    assert!(install.success(), "npm installs verdaccio");
    let config = folder.path().join("config.yaml");
    std::fs::write(&config, CONFIG).expect("written");
    let address = free_address();
    let program = folder.path().join("node_modules/verdaccio/bin/verdaccio");
    let mut command = Command::new("node");
    command
        .args([argument(&program), "--config", argument(&config), "--listen", &address])
        .current_dir(folder.path())
        .env("NODE_ENV", "production");
    let server = Running::server(&mut command, &address).await;
    let registry = Registry { address, root: "/".to_owned(), key: None, process: server.id() };
    measure_registry(&format!("verdaccio {VERSION}"), &registry).await
}
