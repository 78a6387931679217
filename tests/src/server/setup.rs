//! What a server is before it is started.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use reqwest::Client;

use super::Server;
use crate::certificate::Certificate;

/// The sync token that every feed of [`Setup`] takes.
pub const SYNC_TOKEN: &str = "a-sync-token-of-the-tests";

/// A server to start.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub(super) config: String,
    pub(super) database: Option<String>,
    pub(super) log: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    listen: Option<String>,
    pub(super) environment: Vec<(String, String)>,
    /// The command that runs it, where it is not run directly.
    pub(super) within: Vec<String>,
    trusted: Option<Vec<u8>>,
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

    /// Keeps its data in this folder, which others may use too, instead of one of its own.
    #[must_use]
    pub fn data_dir(mut self, folder: &Path) -> Self {
        self.data_dir = Some(folder.to_owned());
        self
    }

    /// Listens on this address instead of a free one.
    #[must_use]
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// Runs it with this environment variable.
    #[must_use]
    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs it by this command, whose last argument is the server's own command line.
    #[must_use]
    pub fn within(mut self, command: Vec<String>) -> Self {
        self.within = command;
        self
    }

    /// Serves over TLS with this certificate; requests to it trust what has signed it, and nothing else.
    ///
    /// # Panics
    /// When the certificate cannot be read.
    #[must_use]
    pub fn tls(mut self, certificate: &Certificate) -> Self {
        let signer = std::fs::read(certificate.authority_file());
        self.trusted = Some(signer.expect("a certificate"));
        self.config(&certificate.config())
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
        self.feed(name, "npm", mode, "")
    }

    /// The same, of images.
    #[must_use]
    pub fn docker_feed(self, name: &str, mode: &str) -> Self {
        self.feed(name, "docker", mode, "")
    }

    /// Adds a feed of a package type that anybody may read, with the replication server mode `mode` and
    /// these lines of configuration more.
    #[must_use]
    pub fn feed(self, name: &str, package_type: &str, mode: &str, more: &str) -> Self {
        let mut feed = String::new();
        let _ = write!(
            feed,
            "[[feeds]]\nname = \"{name}\"\ntype = \"{package_type}\"\nanonymous = \"view\"\n{more}\n\
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
        let mut server = self.prepare();
        server.launch().await;
        server
    }

    /// Starts it, which must fail; returns its exit status and what it wrote on standard error.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn fails_to_start(self) -> (ExitStatus, String) {
        let mut server = self.prepare();
        let process = server.command().spawn().expect("the server is started");
        server.process = Some(process);
        let status = server.ends().await;
        (status, server.log_text())
    }

    fn prepare(self) -> Server {
        let client = client(self.trusted.as_deref());
        let folder = tempfile::tempdir().expect("a folder for the server");
        let address = self.listen.clone().unwrap_or_else(|| "127.0.0.1:0".to_owned());
        let server = Server {
            client,
            setup: self,
            folder,
            address,
            root: String::new(),
            key: String::new(),
            process: None,
        };
        server.write_config();
        server
    }
}

/// A client that trusts this certificate alone, if there is one.
///
/// # Panics
/// When it is no certificate.
#[must_use]
pub fn client(trusted: Option<&[u8]>) -> Client {
    // TLS needs it, and it fails when it is set already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder();
    let builder = match trusted {
        Some(pem) => builder.tls_certs_only([reqwest::Certificate::from_pem(pem).expect("PEM")]),
        None => builder,
    };
    builder.build().expect("a client")
}
