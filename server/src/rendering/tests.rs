//! What clients read of a package is there before anybody asks, at a site in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pakhus_core::Document;
use pakhus_db::feeds::Feed;
use pakhus_db::records;
use reqwest::Client;
use tokio::task::JoinHandle;

use super::BaseUrls;
use crate::app::App;
use crate::config::{Config, Environment, Overrides};
use crate::demo::package::publish_document;
use crate::package_types::built_in_names;
use crate::serve::{ServeError, Site};

/// How long the server may take to render a package that has changed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A site that answers.
struct Running {
    app: App,
    url: String,
    key: String,
    stop: Box<dyn Fn() + Send>,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    async fn start(folder: &Path) -> Self {
        let overrides = Overrides {
            listen: Some(([127, 0, 0, 1], 0).into()),
            data_dir: Some(folder.to_path_buf()),
        };
        let names = built_in_names();
        let built_in: Vec<_> = names.iter().map(String::as_str).collect();
        let nothing: [(&str, &str); 0] = [];
        let environment = Environment::from_iter(nothing);
        let config = Config::load_from(None, &environment, &overrides, &built_in);
        let site = Site::open(&config.expect("the defaults are good")).await.expect("it starts");
        let key = std::fs::read_to_string(&site.admin_key).expect("the admin key");
        Self {
            app: site.app.clone(),
            url: site.url.clone(),
            key: key.trim().to_owned(),
            stop: Box::new(site.stopper()),
            serving: tokio::spawn(site.serve()),
        }
    }

    async fn stop(self) {
        (self.stop)();
        self.serving.await.expect("no panic").expect("it stops");
    }

    fn feed(&self) -> Arc<Feed> {
        self.app.feeds.get("npm").expect("the feed of the first start")
    }

    /// Where clients know the feed.
    fn base_url(&self) -> String {
        format!("{}/npm/npm", self.url)
    }

    async fn publish(&self, version: &str) {
        let document = publish_document("tool", version).expect("a document");
        let request = Client::new().put(format!("{}/tool", self.base_url()));
        let answer = request.bearer_auth(&self.key).json(&document).send().await;
        assert_eq!(answer.expect("an answer").status(), 201);
    }

    /// The kept documents of the package as it is now, for clients that know its feed by `base_url`;
    /// `None` where one is not kept.
    async fn kept(&self, base_url: &str) -> Vec<Option<Document>> {
        let feed = self.feed();
        let contents = records::contents(&self.app.database, feed.id, "tool").await;
        let contents = contents.expect("no failure").expect("it was published");
        let package_type = self.app.package_types.get("npm").expect("it is built in");
        let documents = package_type.documents(&contents, base_url).expect("documents");
        let mut kept = Vec::new();
        for (key, text) in documents {
            let found = self.app.documents.get(feed.id, &key, contents.package.revision).await;
            assert!(found.as_ref().is_none_or(|document| document.bytes == text));
            kept.push(found);
        }
        kept
    }

    /// Waits until all documents of the package are kept, which nobody reads.
    async fn renders(&self) {
        let started = Instant::now();
        while self.kept(&self.base_url()).await.iter().any(Option::is_none) {
            assert!(started.elapsed() < PATIENCE, "it is not rendered");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_packuments_are_rendered_when_a_package_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = Running::start(folder.path()).await;
    for version in ["1.0.0", "2.0.0"] {
        site.publish(version).await;
        site.renders().await;
    }
    assert_eq!(site.kept(&site.base_url()).await.len(), 2);
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rendered_packuments_are_there_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = Running::start(folder.path()).await;
    let base_url = site.base_url();
    site.publish("1.0.0").await;
    site.renders().await;
    site.stop().await;
    let file = folder.path().join("documents");
    assert!(file.is_file());
    let site = Running::start(folder.path()).await;
    assert!(!file.exists(), "it would be read again after a crash");
    assert!(site.kept(&base_url).await.iter().all(Option::is_some));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packuments_of_another_history_are_not_taken_for_those_of_this_one() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let mut base_urls = Vec::new();
    for folder in &folders {
        let site = Running::start(folder.path()).await;
        base_urls.push(site.base_url());
        site.publish("1.0.0").await;
        site.renders().await;
        site.stop().await;
    }
    let [one, other] = folders.each_ref().map(|folder| folder.path().join("documents"));
    std::fs::rename(one, other).expect("moved");
    let site = Running::start(folders[1].path()).await;
    assert!(site.kept(&base_urls[0]).await.iter().all(Option::is_none));
    site.stop().await;
}

#[test]
fn the_urls_that_were_seen_last_are_known() {
    let urls = BaseUrls::default();
    for url in ["a", "b", "c", "d", "a", "e"] {
        urls.note(1, url);
    }
    assert_eq!(urls.of(1), ["c", "d", "a", "e"]);
    assert!(urls.of(2).is_empty());
}
