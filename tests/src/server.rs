//! A Pakhus server in a process of its own.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wait::until;

/// The sync token that every feed of [`Setup`] takes.
pub const SYNC_TOKEN: &str = "a-sync-token-of-the-tests";

/// A server to start.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    config: String,
    database: Option<String>,
    log: Option<String>,
}

impl Setup {
    /// A server with no feeds but those that are added.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps its data in this database instead of its own SQLite file.
    #[must_use]
    pub fn database(mut self, url: impl Into<String>) -> Self {
        self.database = Some(url.into());
        self
    }

    /// Logs by this `RUST_LOG` filter instead of warnings only.
    #[must_use]
    pub fn log(mut self, filter: &str) -> Self {
        self.log = Some(filter.to_owned());
        self
    }

    /// Adds lines of configuration. Tables come after plain keys.
    #[must_use]
    pub fn config(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Adds an npm feed that anybody may read, with the replication server mode `mode`.
    #[must_use]
    pub fn npm_feed(self, name: &str, mode: &str) -> Self {
        let mut feed = String::new();
        let _ = write!(
            feed,
            "[[feeds]]\nname = \"{name}\"\ntype = \"npm\"\nanonymous = \"view\"\n\
             [feeds.replication.server]\nmode = \"{mode}\"\nsync_tokens = [\"{SYNC_TOKEN}\"]\n"
        );
        self.config(&feed)
    }

    /// Makes the feed added last a client of the same feed at `source`.
    #[must_use]
    pub fn client_of(self, source: &Server, feed: &str, mode: &str) -> Self {
        let url = source.url(&format!("/replication/{feed}"));
        self.client_of_url(&url, mode, "60s")
    }

    /// Makes the feed added last a client of `url`.
    #[must_use]
    pub fn client_of_url(self, url: &str, mode: &str, interval: &str) -> Self {
        self.config(&format!(
            "[feeds.replication.client]\nmode = \"{mode}\"\nsource_url = \"{url}\"\n\
             sync_token = \"{SYNC_TOKEN}\"\ninterval = \"{interval}\""
        ))
    }

    /// Starts it, and waits until it answers.
    pub async fn start(self) -> Server {
        // The client's TLS needs it, and fails when it is set already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder for the server");
        let address = "127.0.0.1:0".to_owned();
        let mut server = Server {
            client: Client::new(),
            setup: self,
            folder,
            address,
            root: String::new(),
            key: String::new(),
            process: None,
        };
        server.write_config();
        server.launch().await;
        server
    }
}

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
    let folder = tests.parent().and_then(Path::parent).expect("a target directory");
    let binary = folder.join("pakhus");
    assert!(binary.exists(), "{} is not built: use tests/run", binary.display());
    binary
}

impl Server {
    fn write_config(&self) {
        let mut config = String::new();
        if let Some(url) = &self.setup.database {
            let _ = writeln!(config, "database = {{ url = \"{url}\" }}");
        }
        config.push_str(&self.setup.config);
        std::fs::write(self.folder.path().join("pakhus.toml"), config).expect("written");
    }

    async fn launch(&mut self) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("a log file");
        let mut process = Command::new(binary())
            .arg("serve")
            .arg("--config")
            .arg(self.folder.path().join("pakhus.toml"))
            .args(["--listen", &self.address])
            .arg("--data-dir")
            .arg(self.data_dir())
            .env("RUST_LOG", self.setup.log.as_deref().unwrap_or("warn"))
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server is started");
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

    /// Asks it to stop, and waits until it has.
    pub async fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let id = process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(asked.success(), "the server is asked to stop");
        until("the server stops", async || process.try_wait().expect("its status")).await;
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
        self.folder.path().join("data")
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
        let path = format!("/npm/{feed}/{}", package.name.replace('/', "%2f"));
        let request = self.request(Method::PUT, &path).json(&package.document());
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        assert!(status.is_success(), "{} {}: {status}: {text}", package.name, package.version);
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
