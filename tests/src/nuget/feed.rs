//! A server with one feed of NuGet packages.

use reqwest::Method;

use super::{Package, Protocol};
use crate::certificate::Certificate;
use crate::server::{Server, Setup};

/// A feed called `libs`, with the server that it is on.
pub struct Feed {
    /// The server.
    pub server: Server,
}

impl Feed {
    /// One that anybody may read.
    pub async fn open() -> Self {
        Self { server: Self::setup("view").start().await }
    }

    /// One that nobody reads without a key or a password.
    pub async fn closed() -> Self {
        Self { server: Self::setup("none").start().await }
    }

    /// One that anybody may read, over TLS.
    pub async fn over_tls(certificate: &Certificate) -> Self {
        // Plain keys come before the tables of feeds.
        let setup = Setup::new().tls(certificate).config(&Self::config("view"));
        Self { server: setup.start().await }
    }

    fn setup(anonymous: &str) -> Setup {
        Setup::new().config(&Self::config(anonymous))
    }

    fn config(anonymous: &str) -> String {
        format!("[[feeds]]\nname = \"libs\"\ntype = \"nuget\"\nanonymous = \"{anonymous}\"")
    }

    /// The source that it is to clients.
    #[must_use]
    pub fn source(&self, protocol: Protocol) -> String {
        match protocol {
            Protocol::V2 => self.server.url("/nuget/libs/v2"),
            Protocol::V3 => self.server.url("/nuget/libs/v3/index.json"),
        }
    }

    /// Pushes packages with nothing but HTTP.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn publish(&self, packages: &[Package]) {
        for package in packages {
            self.publish_file(package.bytes()).await;
        }
    }

    /// Pushes a package file with nothing but HTTP.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publish_file(&self, file: Vec<u8>) {
        let push = self.server.request(Method::PUT, "/nuget/libs/v3/package").body(file);
        let answer = push.send().await.expect("an answer");
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    }

    /// The package file of a version; nothing where it is not there.
    pub async fn stored(&self, id: &str, version: &str) -> Option<Vec<u8>> {
        let id = id.to_lowercase();
        self.read(&format!("v3/flat/{id}/{version}/{id}.{version}.nupkg")).await
    }

    /// What is at a path below the feed; nothing where nothing is.
    pub async fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = format!("/nuget/libs/{path}");
        let answer = self.server.request(Method::GET, &path).send().await.expect("an answer");
        if answer.status() == 404 {
            return None;
        }
        assert_eq!(answer.status(), 200, "{path}");
        Some(answer.bytes().await.expect("a body").to_vec())
    }

    /// The ids that a search for everything finds.
    pub async fn listed(&self) -> Vec<String> {
        let path = "/nuget/libs/v3/search?prerelease=true&semVerLevel=2.0.0";
        let found = self.server.json(path).await;
        let data = found["data"].as_array().expect("a list").iter();
        data.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
    }
}
