//! Other programs that are measured beside, and how they are started.

use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// How long a program may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that runs until this is dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a server, and waits until it takes connections at `address`.
    pub(crate) async fn server(command: &mut Command, address: &str) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let running = Self(child.unwrap_or_else(|error| panic!("{name} does not run: {error}")));
        let ready = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let started = tokio::time::timeout(PATIENCE, ready).await;
        assert!(started.is_ok(), "{name} does not listen on {address}");
        running
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that nobody listens on: taken and given back, so it is free unless somebody is faster.
pub(crate) fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("its address").to_string()
}

/// Runs a program to its end, which must be a good one.
pub(crate) async fn run(mut command: Command) {
    let name = format!("{command:?}");
    let ended = tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output());
    let Output { status, stderr, .. } =
        ended.await.expect("it is waited for").unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(status.success(), "{name}: {}", String::from_utf8_lossy(&stderr));
}

/// What of these programs must be installed, as a sentence; nothing when all of them are.
pub(crate) fn missing(programs: &[&str]) -> Option<String> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    // Servers are not on the paths of those who are not root.
    let folders = || std::env::split_paths(&folders).chain(["/usr/sbin".into()]);
    let is_there = |name: &&&str| folders().any(|folder| folder.join(name).is_file());
    let missing: Vec<_> = programs.iter().filter(|name| !is_there(name)).copied().collect();
    // The packages of Debian are called as the programs.
    let names = missing.join(" ");
    (!missing.is_empty())
        .then(|| format!("{names} is needed to compare with: apt-get install {names}"))
}
