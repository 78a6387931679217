//! Publishing packages to a server.

use reqwest::Client;

use crate::package::Package;

/// Publishes to one server, with its admin key.
#[derive(Debug, Clone)]
pub struct Publisher {
    pub(super) client: Client,
    pub(super) root: String,
    pub(super) key: String,
}

impl Publisher {
    /// Publishes a package.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publish(&self, feed: &str, package: &Package) {
        let url = format!("{}/npm/{feed}/{}", self.root, package.name.replace('/', "%2f"));
        let request = self.client.put(url).bearer_auth(&self.key).json(&package.document());
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        assert!(status.is_success(), "{} {}: {status}: {text}", package.name, package.version);
    }
}
