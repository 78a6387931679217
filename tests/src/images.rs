//! Images, pushed and pulled by plain requests.

use std::collections::BTreeSet;

use pakhus_core::Digest;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::server::Server;

/// The type of an image's manifest.
pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A repository of a server: `FEED/NAME`.
#[derive(Debug, Clone)]
pub struct Repository(pub String);

/// What a manifest is, to others that name it.
#[must_use]
pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::of(bytes).to_string();
    json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
}

/// An image of these layers.
#[must_use]
pub fn image(layers: &[&[u8]]) -> Value {
    let layers: Vec<_> = layers.iter().map(|layer| descriptor(LAYER, layer)).collect();
    let config = descriptor(CONFIG, b"{}");
    json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers })
}

/// An index of these manifests.
#[must_use]
pub fn index(manifests: &[&Value]) -> Value {
    let manifests = manifests.iter().map(|manifest| {
        descriptor(manifest["mediaType"].as_str().expect("a type"), manifest.to_string().as_bytes())
    });
    let manifests: Vec<_> = manifests.collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests })
}

/// A signature of a manifest.
#[must_use]
pub fn signature(of: &Value, text: &str) -> Value {
    let mut signature = image(&[]);
    signature["artifactType"] = json!("application/vnd.example.signature");
    signature["annotations"] = json!({ "org.example.signature": text });
    signature["subject"] = descriptor(IMAGE, of.to_string().as_bytes());
    signature
}

/// The digest of a manifest as it is sent here.
#[must_use]
pub fn digest(manifest: &Value) -> String {
    Digest::of(manifest.to_string().as_bytes()).to_string()
}

impl Repository {
    /// The repository `name` of a feed.
    #[must_use]
    pub fn new(feed: &str, name: &str) -> Self {
        Self(format!("{feed}/{name}"))
    }

    /// The path of something in it.
    #[must_use]
    pub fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.0)
    }

    /// Asks for something in it, with the admin key.
    pub async fn get(&self, server: &Server, rest: &str) -> Response {
        let request = server.request(Method::GET, &self.path(rest));
        request.send().await.expect("the server answers")
    }

    /// Uploads a blob at once.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn upload(&self, server: &Server, bytes: &[u8]) {
        let path = self.path(&format!("blobs/uploads/?digest={}", Digest::of(bytes)));
        let request = server.request(Method::POST, &path).body(bytes.to_vec());
        let answer = request.send().await.expect("the server answers");
        assert_eq!(answer.status(), StatusCode::CREATED, "{:?}", answer.text().await);
    }

    /// Sends a manifest.
    pub async fn put(&self, server: &Server, reference: &str, manifest: &Value) -> Response {
        let media_type = manifest["mediaType"].as_str().expect("a type");
        server
            .request(Method::PUT, &self.path(&format!("manifests/{reference}")))
            .header("content-type", media_type)
            .body(manifest.to_string())
            .send()
            .await
            .expect("the server answers")
    }

    /// Pushes a manifest all of whose blobs are there.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn pushed(&self, server: &Server, reference: &str, manifest: &Value) {
        let answer = self.put(server, reference, manifest).await;
        assert_eq!(answer.status(), StatusCode::CREATED, "{:?}", answer.text().await);
    }

    /// Pushes an image of these layers.
    pub async fn push(&self, server: &Server, reference: &str, layers: &[&[u8]]) -> Value {
        self.upload(server, b"{}").await;
        for layer in layers {
            self.upload(server, layer).await;
        }
        let image = image(layers);
        self.pushed(server, reference, &image).await;
        image
    }

    /// The digest that a tag or digest leads to; `None` when there is no such manifest.
    ///
    /// # Panics
    /// When the server fails.
    pub async fn digest(&self, server: &Server, reference: &str) -> Option<String> {
        let answer = self.get(server, &format!("manifests/{reference}")).await;
        match answer.status() {
            StatusCode::NOT_FOUND => None,
            status => {
                assert_eq!(status, StatusCode::OK);
                let digest = answer.headers()["docker-content-digest"].to_str();
                Some(digest.expect("a text").to_owned())
            }
        }
    }

    /// Deletes a tag or manifest.
    pub async fn delete(&self, server: &Server, reference: &str) -> StatusCode {
        let request = server.request(Method::DELETE, &self.path(&format!("manifests/{reference}")));
        request.send().await.expect("the server answers").status()
    }
}

/// Reads every manifest of a feed and every blob that one names, and checks each by its digest. Returns
/// how many manifests there are.
///
/// # Panics
/// When one of them is not there, or is not what its digest says.
pub async fn check_all(server: &Server, feed: &str) -> usize {
    let held = server.holdings(feed).await;
    let mut checked = BTreeSet::new();
    for (name, version) in &held {
        let repository = Repository::new(feed, name);
        let bytes = whole(&repository, server, "manifests", version).await;
        let manifest: Value = serde_json::from_slice(&bytes).expect("a manifest");
        let layers = manifest["layers"].as_array().into_iter().flatten();
        for blob in layers.chain(manifest.get("config")) {
            let digest = blob["digest"].as_str().expect("a digest").to_owned();
            if checked.insert((name, digest.clone())) {
                whole(&repository, server, "blobs", &digest).await;
            }
        }
    }
    held.len()
}

async fn whole(repository: &Repository, server: &Server, kind: &str, digest: &str) -> Vec<u8> {
    let answer = repository.get(server, &format!("{kind}/{digest}")).await;
    assert_eq!(answer.status(), StatusCode::OK, "{kind}/{digest} of {}", repository.0);
    let bytes = answer.bytes().await.expect("all of it");
    assert_eq!(Digest::of(&bytes).to_string(), digest, "{kind} of {}", repository.0);
    bytes.into()
}
