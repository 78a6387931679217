//! What a server has stored, to see that what was refused left nothing behind.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::server::{SYNC_TOKEN, Server};
use crate::wait::until;

/// All that a server has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The names of finished blobs.
    pub blobs: BTreeSet<String>,
    /// The names of files that are being received.
    pub incoming: BTreeSet<String>,
    /// The names of resumable uploads.
    pub uploads: BTreeSet<String>,
    /// The end of the feed's log.
    pub end: Value,
}

impl Server {
    /// What is stored, of `feed` and on the disk.
    pub async fn stored(&self, feed: &str) -> Stored {
        let path = format!("/replication/{feed}/");
        let request = self.anonymous(reqwest::Method::GET, &path).bearer_auth(SYNC_TOKEN);
        let response = request.send().await.expect("the server answers");
        let handshake: Value = response.json().await.expect("a handshake");
        let blobs = self.data_dir().join("blobs");
        Stored {
            blobs: files(&blobs.join("sha256")),
            incoming: files(&blobs.join("incoming")),
            uploads: files(&blobs.join("uploads")),
            end: handshake["chain"].clone(),
        }
    }

    /// Waits until what is stored is as it was `before`: files that were given up are removed in the
    /// background.
    pub async fn is_as_before(&self, feed: &str, before: &Stored) {
        let mut now = self.stored(feed).await;
        let what = "what was refused leaves nothing behind";
        let waited = until(what, async || {
            now = self.stored(feed).await;
            (now == *before).then_some(())
        });
        if tokio::time::timeout(std::time::Duration::from_secs(10), waited).await.is_err() {
            assert_eq!(now, *before, "{what}");
        }
    }
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}
