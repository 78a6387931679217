//! Verdaccio, a registry to compare with.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::argument;
use crate::registry::{Registry, measure as measure_registry};
use crate::table::Table;

const CONFIG: &str = "storage: ./storage\nmax_body_size: 300mb\nuplinks: {}\n\
    packages:\n  '**':\n    access: $all\n    publish: $all\n\
    log: { type: stdout, format: json, level: error }\n";

/// The version that is measured: the newest for Node.js 20.
const VERSION: &str = "6.8.0";

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

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
    // Taken and given back: the port is free, unless somebody is faster.
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    let program = folder.path().join("node_modules/verdaccio/bin/verdaccio");
    let server = Command::new("node")
        .args([argument(&program), "--config", argument(&config), "--listen", &address])
        .current_dir(folder.path())
        .env("NODE_ENV", "production")
        .stdout(Stdio::null())
        .spawn()
        .expect("node is installed");
    let server = Running(server);
    let ready = async {
        while reqwest::get(format!("http://{address}/-/ping")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, ready).await.expect("verdaccio starts");
    let registry = Registry { address, root: "/".to_owned(), key: None, process: server.0.id() };
    measure_registry(&format!("verdaccio {VERSION}"), &registry).await
}
