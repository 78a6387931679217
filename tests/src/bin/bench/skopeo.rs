//! `skopeo sync` between two registries, to compare a run that finds nothing with.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pakhus_tests::relay::{Relay, Traffic};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::programs::{Running, free_address, run};
use crate::registry::random;

/// How many images the registry has, as tags of one repository: fewer requests than as many
/// repositories would take.
pub(crate) const IMAGES: usize = 50;

/// What a sync that found nothing to do came to.
pub(crate) struct Synced {
    pub(crate) took: Duration,
    /// At the registry it reads from.
    pub(crate) source: Traffic,
    /// At the registry it writes to.
    pub(crate) target: Traffic,
}

/// A docker-registry that runs.
pub(crate) struct Registry {
    /// `HOST:PORT`.
    pub(crate) address: String,
    running: Running,
    _folder: TempDir,
}

impl Registry {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{ level: error, accesslog: {{ disabled: true }} }}\n\
             storage: {{ cache: {{ blobdescriptor: inmemory }}, filesystem: {{ rootdirectory: {} }} }}\nhttp: {{ addr: {address} }}\n",
            folder.path().join("storage").display()
        );
        std::fs::write(&config, text).expect("written");
        let mut command = Command::new("docker-registry");
        let command = command.arg("serve").arg(config).stderr(std::process::Stdio::null());
        let running = Running::server(command, &address).await;
        Self { address, running, _folder: folder }
    }

    /// The process that it is.
    pub(crate) fn process(&self) -> u32 {
        self.running.id()
    }
}

/// Fills a registry, syncs it to another one, and measures the second sync.
pub(crate) async fn measure() -> Synced {
    let (source, target) = (Registry::start().await, Registry::start().await);
    let images = images();
    for number in 0..IMAGES {
        let mut copy = skopeo();
        copy.args(["copy", "--dest-tls-verify=false"])
            .arg(format!("oci:{}:v{number}", images.path().display()))
            .arg(format!("docker://{}/images:v{number}", source.address));
        run(copy).await;
    }
    let source_line = Relay::start(&source.address).await;
    let target_line = Relay::start(&target.address).await;
    let sync = || {
        let mut sync = skopeo();
        sync.args(["sync", "--src=docker", "--dest=docker"])
            .args(["--src-tls-verify=false", "--dest-tls-verify=false"])
            .arg(format!("{}/images", source_line.address()))
            .arg(target_line.address());
        run(sync)
    };
    sync().await;
    let before = [source_line.traffic(), target_line.traffic()];
    let started = Instant::now();
    sync().await;
    Synced {
        took: started.elapsed(),
        source: source_line.traffic().since(before[0]),
        target: target_line.traffic().since(before[1]),
    }
}

fn skopeo() -> Command {
    let mut command = Command::new("skopeo");
    command.arg("--insecure-policy");
    command
}

/// The images, as a folder of the Open Container Initiative's image layout.
fn images() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = folder.path().join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a folder of blobs");
    let manifests: Vec<_> = (0..IMAGES).map(|number| image(&blobs, number)).collect();
    let index = json!({ "schemaVersion": 2, "manifests": manifests });
    std::fs::write(folder.path().join("index.json"), index.to_string()).expect("written");
    let layout = json!({ "imageLayoutVersion": "1.0.0" });
    std::fs::write(folder.path().join("oci-layout"), layout.to_string()).expect("written");
    folder
}

fn image(blobs: &Path, number: usize) -> Value {
    let of_images = "application/vnd.oci.image";
    let layer = random(10_000);
    let layer = blob(blobs, &layer, &format!("{of_images}.layer.v1.tar"));
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] },
    });
    let config = blob(blobs, config.to_string().as_bytes(), &format!("{of_images}.config.v1+json"));
    let kind = format!("{of_images}.manifest.v1+json");
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer] });
    let mut manifest = blob(blobs, manifest.to_string().as_bytes(), &kind);
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("v{number}") });
    manifest
}

/// Writes a blob, and describes it.
fn blob(blobs: &Path, bytes: &[u8], kind: &str) -> Value {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(blobs.join(&hash), bytes).expect("written");
    json!({ "mediaType": kind, "digest": format!("sha256:{hash}"), "size": bytes.len() })
}
