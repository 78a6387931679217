//! rsync through its daemon, to compare first syncs with.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::argument;
use crate::programs::{Running, free_address, run};

/// A daemon that offers a folder.
pub(crate) struct Rsync {
    address: String,
    _running: Running,
    _folder: TempDir,
}

impl Rsync {
    /// Offers `source`.
    pub(crate) async fn start(source: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address();
        let (_, port) = address.rsplit_once(':').expect("a port");
        let own = std::fs::metadata("/proc/self").expect("this process");
        let (user, group) = (own.uid(), own.gid());
        let config = folder.path().join("rsyncd.conf");
        let text = format!(
            "use chroot = no\nuid = {user}\ngid = {group}\n[blobs]\npath = {}\nread only = yes\n",
            source.display()
        );
        std::fs::write(&config, text).expect("written");
        let mut command = Command::new("rsync");
        command.args(["--daemon", "--no-detach", "--address=127.0.0.1"]).args([
            &format!("--port={port}"),
            &format!("--config={}", config.display()),
            &format!("--log-file={}", folder.path().join("log").display()),
        ]);
        let running = Running::server(&mut command, &address).await;
        Self { address, _running: running, _folder: folder }
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

/// Copies all from the daemon at `address` into the empty folder `to`.
pub(crate) async fn copy(address: &str, to: &Path, fsync: bool) -> Duration {
    let mut command = Command::new("rsync");
    command.arg("--archive").args(fsync.then_some("--fsync"));
    command.arg(format!("rsync://{address}/blobs/")).arg(argument(to));
    let started = Instant::now();
    run(command).await;
    started.elapsed()
}
