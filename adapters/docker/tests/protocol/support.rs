//! What the tests speak with: images as clients build them, and short ways to send them.

use pakhus_core::digest::hex;
use pakhus_docker::Docker;
use pakhus_plugin_api::Digest;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

pub(crate) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A new feed without a repository.
pub(crate) fn feed() -> MemoryFeed {
    MemoryFeed::new(Docker::default())
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).to_string()
}

pub(crate) fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", hex(&Sha512::digest(bytes)))
}

/// A descriptor of bytes, by SHA-256.
pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": sha256(bytes), "size": bytes.len() })
}

/// An image of a config and one layer.
pub(crate) fn image(layer: &str) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": descriptor(CONFIG, b"{}"),
        "layers": [descriptor(LAYER, layer.as_bytes())],
    })
}

/// An index of these manifests.
pub(crate) fn index(manifests: &[Value]) -> Value {
    let descriptors = manifests.iter().map(|manifest| {
        let media_type = manifest["mediaType"].as_str().unwrap();
        descriptor(media_type, manifest.to_string().as_bytes())
    });
    let descriptors: Vec<_> = descriptors.collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors })
}

/// The digest of a manifest as it is sent here.
pub(crate) fn digest_of(manifest: &Value) -> String {
    sha256(manifest.to_string().as_bytes())
}

/// Uploads a blob at once; it must be accepted.
#[track_caller]
pub(crate) fn upload(feed: &MemoryFeed, name: &str, bytes: &[u8]) {
    let target = format!("/{name}/blobs/uploads/?digest={}", sha256(bytes));
    let answer = feed.request("POST", &target).body(bytes.to_vec()).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Begins an upload, and returns the path at which it goes on.
#[track_caller]
pub(crate) fn begin(feed: &MemoryFeed, name: &str) -> String {
    let answer = feed.request("POST", &format!("/{name}/blobs/uploads/")).send();
    assert_eq!(answer.status, 202, "{}", answer.text());
    below_the_feed(answer.header("location").unwrap())
}

/// The path below the feed of an address in an answer.
#[track_caller]
pub(crate) fn below_the_feed(location: &str) -> String {
    location.strip_prefix("/v2/main").expect("an address in this feed").to_owned()
}

/// Sends a manifest as it is.
pub(crate) fn put(feed: &MemoryFeed, name: &str, reference: &str, manifest: &Value) -> Answer {
    let media_type = manifest["mediaType"].as_str().unwrap_or(IMAGE);
    feed.request("PUT", &format!("/{name}/manifests/{reference}"))
        .header("content-type", media_type)
        .body(manifest.to_string())
        .send()
}

/// Pushes an image with all that it needs, and returns it.
#[track_caller]
pub(crate) fn push(feed: &MemoryFeed, name: &str, tag: &str, layer: &str) -> Value {
    upload(feed, name, b"{}");
    upload(feed, name, layer.as_bytes());
    let image = image(layer);
    pushed(feed, name, tag, &image);
    image
}

/// Pushes a manifest that must be accepted.
#[track_caller]
pub(crate) fn pushed(feed: &MemoryFeed, name: &str, reference: &str, manifest: &Value) {
    let answer = put(feed, name, reference, manifest);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

pub(crate) fn get(feed: &MemoryFeed, target: &str) -> Answer {
    feed.request("GET", target).send()
}

/// Checks that an answer refuses with this status and this word of the specification.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    let errors = answer.json();
    assert_eq!(errors["errors"][0]["code"], code, "{errors}");
    assert!(errors["errors"][0]["message"].as_str().is_some_and(|message| !message.is_empty()));
}
