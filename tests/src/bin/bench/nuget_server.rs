//! nuget-server, a server of NuGet's third protocol to compare with.

use std::process::Command;

use hyper::Method;
use serde_json::json;
use tempfile::TempDir;

use crate::argument;
use crate::nuget::Source;
use crate::programs::{Running, free_address};
use crate::registry::Registry;

/// The version that is measured.
const VERSION: &str = "1.11.0";

/// One that runs.
pub(crate) struct NuGetServer {
    pub(crate) source: Source,
    _process: Running,
    _folder: TempDir,
}

/// What it is called.
pub(crate) fn name() -> String {
    format!("nuget-server {VERSION}")
}

/// Installs it and starts it.
pub(crate) async fn start() -> NuGetServer {
    let folder = tempfile::tempdir().expect("a folder");
    // It wants a version of this that is in no registry.
    let typed_message = json!({ "typed-message": "1.17.0" });
    let package = json!({
        "private": true,
        "dependencies": { "nuget-server": VERSION, "typed-message": "1.17.0" },
        "overrides": typed_message,
    });
    std::fs::write(folder.path().join("package.json"), package.to_string()).expect("written");
    let install = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--silent"])
        .current_dir(folder.path())
        .status()
        .expect("npm is installed");
    assert!(install.success(), "npm installs nuget-server");
    let address = free_address();
    let (_, port) = address.rsplit_once(':').expect("an address has a port");
    let program = folder.path().join("node_modules/nuget-server/dist/cli.mjs");
    let packages = folder.path().join("packages");
    std::fs::create_dir(&packages).expect("a folder");
    let mut command = Command::new("node");
    command
        .args([argument(&program), "--port", port, "--package-dir", argument(&packages)])
        .args(["--auth-mode", "none", "--log-level", "ignore", "--max-upload-size-mb", "200"])
        .current_dir(folder.path())
        .env("NODE_ENV", "production");
    let process = Running::server(&mut command, &address).await;
    let source = Source {
        registry: Registry { address, root: "/".to_owned(), key: None, process: process.id() },
        registrations: "v3/registrations/",
        flat: "v3/package/",
        search: "v3/query",
        push: (Method::POST, "api/publish"),
    };
    NuGetServer { source, _process: process, _folder: folder }
}
