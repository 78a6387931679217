//! What a site shows of a feed, and changes to it that travel.

use reqwest::{Method, Response};
use serde_json::Value;

use crate::package::Package;
use crate::server::Server;
use crate::wait::until;

impl Server {
    /// Waits until a feed shows a version with the tarball of `package`.
    pub async fn shows(&self, feed: &str, package: &Package) {
        let Package { name, version, .. } = package;
        until(&format!("{name} {version} is shown by {}", self.address()), async || {
            let packument = self.packument(feed, name).await?;
            let integrity = &packument["versions"][version]["dist"]["integrity"];
            (*integrity == package.integrity()).then_some(())
        })
        .await;
    }

    /// Waits until a feed has nothing of a package.
    pub async fn shows_no(&self, feed: &str, name: &str) {
        until(&format!("{name} is gone from {}", self.address()), async || {
            (self.answer_for(feed, name).await?.status() == 404).then_some(())
        })
        .await;
    }

    /// Waits until a dist-tag of a package is this version, or is not there.
    pub async fn has_tag(&self, feed: &str, name: &str, tag: &str, version: Option<&str>) {
        until(&format!("{name}@{tag} is {version:?} at {}", self.address()), async || {
            let packument = self.packument(feed, name).await?;
            (packument["dist-tags"][tag].as_str() == version).then_some(())
        })
        .await;
    }

    /// The packument of a package; nothing when it is not there, or the server does not answer.
    pub async fn packument(&self, feed: &str, name: &str) -> Option<Value> {
        let answer = self.answer_for(feed, name).await?;
        if answer.status() != 200 {
            return None;
        }
        answer.json().await.ok()
    }

    async fn answer_for(&self, feed: &str, name: &str) -> Option<Response> {
        let path = format!("/npm/{feed}/{}", name.replace('/', "%2f"));
        self.anonymous(Method::GET, &path).send().await.ok()
    }

    /// Removes a package with all of its versions, as it is when nothing more of it arrives meanwhile.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn unpublish(&self, feed: &str, name: &str) {
        until(&format!("{name} is removed at {}", self.address()), async || {
            let document = self.json(&format!("/npm/{feed}/{name}?write=true")).await;
            let revision = document["_rev"].as_str().expect("a revision");
            let path = format!("/npm/{feed}/{name}/-rev/{revision}");
            let answer = self.request(Method::DELETE, &path).send().await.expect("an answer");
            let status = answer.status();
            let text = answer.text().await.unwrap_or_default();
            assert!(status.is_success() || status == 409, "{path}: {status}: {text}");
            status.is_success().then_some(())
        })
        .await;
    }

    /// Sets a dist-tag.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn set_tag(&self, feed: &str, name: &str, tag: &str, version: &str) {
        let path = format!("/npm/{feed}/-/package/{name}/dist-tags/{tag}");
        self.change(Method::PUT, &path, &format!("\"{version}\"")).await;
    }

    /// Removes a dist-tag.
    ///
    /// # Panics
    /// When that is refused.
    pub async fn remove_tag(&self, feed: &str, name: &str, tag: &str) {
        self.change(Method::DELETE, &format!("/npm/{feed}/-/package/{name}/dist-tags/{tag}"), "")
            .await;
    }

    async fn change(&self, method: Method, path: &str, body: &str) {
        let request = self.request(method, path).header("content-type", "application/json");
        let answer = request.body(body.to_owned()).send().await.expect("the server answers");
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        assert!(status.is_success(), "{path}: {status}: {text}");
    }

    /// Waits until a comparison says that a feed and its source hold the same; returns the fingerprint
    /// of both.
    pub async fn agrees_with_its_source(&self, feed: &str) -> String {
        let path = format!("/api/v1/feeds/{feed}/verify");
        until(&format!("{} agrees with its source", self.address()), async || {
            let answer = self.request(Method::GET, &path).send().await.ok()?;
            let found: Value = answer.json().await.ok()?;
            if found["identical"] != true {
                return None;
            }
            assert_eq!(found["local"]["fingerprint"], found["source"]["fingerprint"], "{found}");
            Some(found["local"]["fingerprint"].as_str().expect("a fingerprint").to_owned())
        })
        .await
    }

    /// The executions of a feed, the newest first.
    ///
    /// # Panics
    /// When the server does not say.
    pub async fn executions(&self, feed: &str) -> Vec<Value> {
        let listed = self.json(&format!("/api/v1/executions?feed={feed}&limit=100")).await;
        listed["executions"].as_array().expect("a list").clone()
    }

    /// The lines of an execution's log.
    ///
    /// # Panics
    /// When there is no such execution.
    pub async fn log_of(&self, execution: &Value) -> Vec<String> {
        let execution = self.json(&format!("/api/v1/executions/{}", execution["id"])).await;
        let lines = execution["log"].as_array().expect("a log").iter();
        lines.map(|line| line["text"].as_str().expect("a text").to_owned()).collect()
    }
}

/// Waits until each client of a feed agrees with its source, and all of them with each other.
///
/// # Panics
/// When they do not come to agree.
pub async fn all_agree(feed: &str, clients: &[&Server]) {
    until("all sites hold the same", async || {
        let mut fingerprints = std::collections::BTreeSet::new();
        for client in clients {
            fingerprints.insert(client.agrees_with_its_source(feed).await);
        }
        (fingerprints.len() == 1).then_some(())
    })
    .await;
}
