//! What the tests speak with: documents as clients send them, and short ways to send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use pakhus_npm::Npm;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};
use sha2::Sha512;

/// A new feed without a package.
pub(crate) fn feed() -> MemoryFeed {
    MemoryFeed::new(Npm::default())
}

/// A tarball with a `package.json` that says this name and version.
pub(crate) fn tarball(name: &str, version: &str) -> Vec<u8> {
    let manifest = json!({ "name": name, "version": version }).to_string();
    archive(&[("package/package.json", manifest.as_bytes())])
}

/// A tarball of these files.
pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *content).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Puts another tarball into a document, with all that must be true of it.
pub(crate) fn attach(document: &mut Value, bytes: &[u8]) {
    let attachments = document["_attachments"].as_object_mut().unwrap();
    let (_, attachment) = attachments.iter_mut().find(|(name, _)| name.ends_with(".tgz")).unwrap();
    attachment["data"] = json!(base64(bytes));
    attachment["length"] = json!(bytes.len());
    for manifest in document["versions"].as_object_mut().unwrap().values_mut() {
        manifest["dist"] = json!({ "integrity": integrity(bytes), "shasum": shasum(bytes) });
    }
}

pub(crate) fn shasum(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn integrity(bytes: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)))
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The body of a publish, as npm 12 sends it: see `publish` in the fields' order there.
pub(crate) fn publish_document(name: &str, version: &str, tags: &[&str]) -> Value {
    let bytes = tarball(name, version);
    let tags: Value = tags.iter().map(|tag| ((*tag).to_owned(), json!(version))).collect();
    json!({
        "_id": name,
        "name": name,
        "description": "pads on the left",
        "dist-tags": tags,
        "versions": { version: {
            "name": name,
            "version": version,
            "description": "pads on the left",
            "license": "MIT",
            "keywords": ["pad"],
            "author": { "name": "A B", "email": "a@b.c" },
            "scripts": { "test": "true" },
            "dependencies": { "is-odd": "^3.0.1" },
            "readme": format!("# {name}"),
            "readmeFilename": "README.md",
            "_id": format!("{name}@{version}"),
            "_nodeVersion": "24.21.0",
            "_npmVersion": "12.2.0",
            "dist": {
                "integrity": integrity(&bytes),
                "shasum": shasum(&bytes),
                "tarball": format!("http://localhost/{name}/-/{name}-{version}.tgz"),
            },
        } },
        "access": null,
        "_attachments": { format!("{name}-{version}.tgz"): {
            "content_type": "application/octet-stream",
            "data": base64(&bytes),
            "length": bytes.len(),
        } },
    })
}

/// The name of a package as npm writes it into a path.
pub(crate) fn escaped(name: &str) -> String {
    name.replace('/', "%2f")
}

/// Puts a document where the package is.
pub(crate) fn put(feed: &MemoryFeed, name: &str, document: &Value) -> Answer {
    feed.request("PUT", &format!("/{}", escaped(name)))
        .header("content-type", "application/json")
        .by("alice")
        .body(document.to_string())
        .send()
}

/// Publishes a version that must be accepted.
pub(crate) fn publish(feed: &MemoryFeed, name: &str, version: &str, tags: &[&str]) {
    let answer = put(feed, name, &publish_document(name, version, tags));
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// Publishes a version after `edit` has changed its manifest.
pub(crate) fn publish_with(feed: &MemoryFeed, version: &str, edit: impl FnOnce(&mut Value)) {
    let mut document = publish_document("left-pad", version, &["latest"]);
    edit(&mut document["versions"][version]);
    let answer = put(feed, "left-pad", &document);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

/// The full packument.
pub(crate) fn packument(feed: &MemoryFeed, name: &str) -> Value {
    let answer = feed.request("GET", &format!("/{}", escaped(name))).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The full packument, as clients get it to write it back, and its revision.
pub(crate) fn packument_to_write(feed: &MemoryFeed, name: &str) -> (Value, String) {
    let answer = feed
        .request("GET", &format!("/{}?write=true", escaped(name)))
        .header("accept", "*/*")
        .send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    let document = answer.json();
    let rev = document["_rev"].as_str().unwrap().to_owned();
    (document, rev)
}

/// The abbreviated packument, asked for as npm does when it installs.
pub(crate) fn abbreviated(feed: &MemoryFeed, name: &str) -> Value {
    let answer = feed.request("GET", &format!("/{}", escaped(name))).header("accept", CORGI).send();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

pub(crate) const CORGI: &str =
    "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";

/// Asserts that an answer is a refusal in npm's form that says `message`.
#[track_caller]
pub(crate) fn assert_refused(answer: &Answer, status: u16, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.contains(message), "{error}");
}
