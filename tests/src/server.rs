//! A Pakhus server in a process of its own.

mod publisher;
mod setup;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

pub use self::publisher::Publisher;
pub use self::setup::{SYNC_TOKEN, Setup, client};

use crate::wait::until;

/// A server that runs, or was stopped and can be started again. Killed when dropped.
pub struct Server {
    client: Client,
    setup: Setup,
    folder: TempDir,
    address: String,
    root: String,
    key: String,
    process: Option<Child>,
}

/// The binary under test: next to the tests' own, in the target directory.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary() -> PathBuf {
    let tests = std::env::current_exe().expect("the path of this test");
    // Programs stand beside it, tests one folder below.
    let folders = tests.ancestors().skip(1).take(2);
    let mut candidates = folders.map(|folder| folder.join("pakhus"));
    let found = candidates.find(|binary| binary.is_file());
    found.expect(
        "the server is built: use tests/run, or cargo build for the profile of this program",
    )
}

impl Server {
    fn write_config(&self) {
        let mut config = String::new();
        if let Some(url) = &self.setup.database {
            let _ = writeln!(config, "database = {{ url = \"{url}\" }}");
        }
        config.push_str(&self.setup.config);
        std::fs::write(self.config_file(), config).expect("written");
    }

    fn command(&self) -> Command {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("a log file");
        let mut words = self.setup.within.iter().map(Into::into).collect::<Vec<OsString>>();
        words.push(binary().into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .arg("serve")
            .arg("--config")
            .arg(self.config_file())
            .args(["--listen", &self.address])
            .arg("--data-dir")
            .arg(self.data_dir())
            .env("RUST_LOG", self.setup.log.as_deref().unwrap_or("warn"))
            .envs(self.setup.environment.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(log);
        command
    }

    async fn launch(&mut self) {
        let mut process = self.command().spawn().expect("the server is started");
        let out = process.stdout.take().expect("its output");
        let reading = tokio::task::spawn_blocking(move || {
            let mut lines = BufReader::new(out).lines();
            let first = lines.next().and_then(Result::ok);
            // Read on, so that the server never waits for somebody to.
            std::thread::spawn(move || lines.for_each(drop));
            first
        });
        self.process = Some(process);
        let first = reading.await.expect("the output is read");
        let root = first
            .as_deref()
            .and_then(|line| line.rsplit(' ').next())
            .filter(|url| url.starts_with("http"))
            .unwrap_or_else(|| panic!("the server did not start:\n{}", self.log_text()));
        root.clone_into(&mut self.root);
        let (_, address) = root.split_once("://").expect("a URL");
        address.clone_into(&mut self.address);
        let key = std::fs::read_to_string(self.data_dir().join("admin.key")).expect("a key");
        key.trim().clone_into(&mut self.key);
    }

    /// Kills it, as a power failure of the process would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Asks it to stop.
    ///
    /// # Panics
    /// When it does not run.
    pub fn ask_to_stop(&self) {
        let id = self.process.as_ref().expect("it runs").id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(asked.success(), "the server is asked to stop");
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not run, or does not end.
    pub async fn ends(&mut self) -> ExitStatus {
        let process = self.process.as_mut().expect("it runs");
        let status =
            until("the server ends", async || process.try_wait().expect("its status")).await;
        self.process = None;
        status
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(&mut self) {
        self.ask_to_stop();
        self.ends().await;
    }

    /// Starts it again with the same data, at the same address.
    pub async fn restart(&mut self) {
        self.kill();
        self.launch().await;
    }

    /// Changes what it is configured to be; counts from the next start on.
    pub fn reconfigure(&mut self, setup: Setup) {
        self.setup = setup;
        self.write_config();
    }

    /// The most memory it has had since it was started, in bytes.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let id = self.process.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
        let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse().ok());
        1024 * kilobytes.unwrap_or(u64::MAX / 1024)
    }

    /// The folder of its data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.setup.data_dir.clone().unwrap_or_else(|| self.folder.path().join("data"))
    }

    fn config_file(&self) -> PathBuf {
        self.folder.path().join("pakhus.toml")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What it logged.
    #[must_use]
    pub fn log_text(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Its admin API key.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// `HOST:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address of `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// The npm registry that a feed is, with its trailing slash.
    #[must_use]
    pub fn registry(&self, feed: &str) -> String {
        self.url(&format!("/npm/{feed}/"))
    }

    /// A request with the admin key.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path)).bearer_auth(&self.key)
    }

    /// A request without a key.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Reads `path` without a key.
    pub async fn get(&self, path: &str) -> Response {
        self.anonymous(Method::GET, path).send().await.expect("the server answers")
    }

    /// Reads a JSON document with the admin key.
    pub async fn json(&self, path: &str) -> Value {
        let response = self.request(Method::GET, path).send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Runs one replication of a feed, to its end, and returns the execution.
    pub async fn sync(&self, feed: &str) -> Value {
        self.sync_with(feed, json!({})).await
    }

    /// The same, with options.
    pub async fn sync_with(&self, feed: &str, options: Value) -> Value {
        let path = format!("/api/v1/feeds/{feed}/sync");
        let response =
            self.request(Method::POST, &path).json(&options).send().await.expect("an answer");
        assert_eq!(response.status(), 202, "{}", response.text().await.unwrap_or_default());
        let begun: Value = response.json().await.expect("JSON");
        let path = format!("/api/v1/executions/{}", begun["execution_id"]);
        until("the execution ends", async || {
            let execution = self.json(&path).await;
            (execution["status"] != "running").then_some(execution)
        })
        .await
    }

    /// Publishes a package.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publish(&self, feed: &str, package: &crate::package::Package) {
        self.publisher().publish(feed, package).await;
    }

    /// What publishes packages here, for tasks of their own.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher { client: self.client.clone(), root: self.root.clone(), key: self.key.clone() }
    }

    /// The names and versions of a feed, in order.
    pub async fn holdings(&self, feed: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/api/v1/feeds/{feed}/packages?limit=1000&after={after}");
            let page = self.json(&path).await;
            for package in page["packages"].as_array().expect("a list") {
                for version in package["versions"].as_array().expect("a list") {
                    let text = |value: &Value| value.as_str().expect("a text").to_owned();
                    all.push((text(&package["name"]), text(&version["version"])));
                }
            }
            match page["next"].as_str() {
                Some(next) => after = next.replace('/', "%2f"),
                None => return all,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log_text();
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("--- log of the server {} ---\n{log}\n", self.address).as_bytes(),
            );
        }
    }
}
