use pakhus_npm::Npm;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use pakhus_plugin_api::{Metadata, NewVersion, PackageType};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

use crate::support::{
    abbreviated, assert_refused, base64, feed, packument, publish, publish_document, put, tarball,
};

const SLSA: &str = "https://slsa.dev/provenance/v1";

/// A bundle as `npm publish --provenance` makes it, not signed.
fn bundle(subjects: &Value) -> Value {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": SLSA,
        "predicate": {},
    });
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {},
        "dsseEnvelope": {
            "payload": base64(statement.to_string().as_bytes()),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": "", "keyid": ""}],
        },
    })
}

fn subject(url: &str, bytes: &[u8]) -> Value {
    let sha512: String = Sha512::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
    json!([{"name": url, "digest": {"sha512": sha512}}])
}

fn publish_with(feed: &MemoryFeed, bundle: &Value) -> Answer {
    let mut document = publish_document("@acme/pad", "1.0.0", &["latest"]);
    document["_attachments"]["@acme/pad-1.0.0.sigstore"] = json!({
        "content_type": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "data": bundle.to_string(),
        "length": bundle.to_string().len(),
    });
    put(feed, "@acme/pad", &document)
}

fn honest() -> Value {
    bundle(&subject("pkg:npm/%40acme/pad@1.0.0", &tarball("@acme/pad", "1.0.0")))
}

#[test]
fn what_was_published_with_a_version_is_served() {
    let feed = feed();
    assert_eq!(publish_with(&feed, &honest()).status, 201);
    for path in ["@acme%2fpad@1.0.0", "@acme/pad@1.0.0", "%40acme%2Fpad@1.0.0"] {
        let answer = feed.request("GET", &format!("/-/npm/v1/attestations/{path}")).send();
        assert_eq!(answer.status, 200, "{path}");
        let expected = json!({"attestations": [{"predicateType": SLSA, "bundle": honest()}]});
        assert_eq!(answer.json(), expected);
    }
    let attestations = json!({
        "url": "https://pakhus.test/npm/main/-/npm/v1/attestations/@acme%2fpad@1.0.0",
        "provenance": {"predicateType": SLSA},
    });
    for document in [packument(&feed, "@acme/pad"), abbreviated(&feed, "@acme/pad")] {
        assert_eq!(document["versions"]["1.0.0"]["dist"]["attestations"], attestations);
    }
}

#[test]
fn a_bundle_of_something_else_is_refused() {
    let feed = feed();
    let bytes = tarball("@acme/pad", "1.0.0");
    let right = "pkg:npm/%40acme/pad@1.0.0";
    let both = json!([subject(right, &bytes)[0], subject(right, &bytes)[0]]);
    for (subjects, message) in [
        (subject("pkg:npm/%40acme/pad@1.0.1", &bytes), "1.0.1"),
        (subject("pkg:npm/%40evil/pad@1.0.0", &bytes), "evil"),
        (subject("pkg:npm/pad@1.0.0", &bytes), "provenance is of"),
        (subject("@acme/pad@1.0.0", &bytes), "provenance is of"),
        (subject(right, b"another tarball"), "SHA-512 differs"),
        (json!([{"name": right}]), "SHA-512 differs"),
        (json!([]), "one subject"),
        (both, "one subject"),
    ] {
        assert_refused(&publish_with(&feed, &bundle(&subjects)), 400, message);
    }
    let mut broken = honest();
    broken["dsseEnvelope"]["payload"] = json!("?");
    assert_refused(&publish_with(&feed, &broken), 400, "not base64");
    broken["dsseEnvelope"]["payload"] = json!(base64(b"{}"));
    assert_refused(&publish_with(&feed, &broken), 400, "malformed");
    assert_refused(&publish_with(&feed, &json!([])), 400, "malformed");
    assert_eq!(feed.request("GET", "/@acme%2fpad").send().status, 404);
}

#[test]
fn another_site_is_held_to_the_same() {
    let feed = feed();
    assert_eq!(publish_with(&feed, &honest()).status, 201);
    let stored = feed.stored_version("@acme/pad", "1.0.0").unwrap();
    let npm = Npm::default();
    let version = |metadata: &Value| NewVersion {
        name: npm.parse_name("@acme/pad").unwrap(),
        version: npm.parse_version("1.0.0").unwrap(),
        metadata: Metadata::from_value(metadata).unwrap(),
        blobs: stored.blobs.clone(),
    };
    let mut metadata: Value = serde_json::from_str(stored.metadata.as_json()).unwrap();
    assert_eq!(npm.check_version(&version(&metadata)), Ok(()));
    metadata["provenance"] = bundle(&subject("pkg:npm/%40acme/pad@1.0.0", b"x"));
    assert!(npm.check_version(&version(&metadata)).is_err());
}

#[test]
fn a_version_without_any_is_told_so() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let answer = feed.request("GET", "/-/npm/v1/attestations/left-pad@1.0.0").send();
    assert_refused(&answer, 404, "no attestations");
    let dist = packument(&feed, "left-pad")["versions"]["1.0.0"]["dist"].clone();
    assert_eq!(dist.get("attestations"), None);
    for path in ["left-pad@2.0.0", "none@1.0.0", "@a/b@1.0.0"] {
        let answer = feed.request("GET", &format!("/-/npm/v1/attestations/{path}")).send();
        assert_refused(&answer, 404, "not found");
    }
    for path in ["left-pad", "left-pad@", "@a", "@a/b", "left-pad@latest"] {
        let answer = feed.request("GET", &format!("/-/npm/v1/attestations/{path}")).send();
        assert_refused(&answer, 400, "");
    }
}

#[test]
fn a_bundle_that_states_nothing_is_kept_and_not_shown() {
    let feed = feed();
    assert_eq!(publish_with(&feed, &json!({"mediaType": "x", "messageSignature": {}})).status, 201);
    let answer = feed.request("GET", "/-/npm/v1/attestations/@acme%2fpad@1.0.0").send();
    assert_refused(&answer, 404, "no attestations");
}

#[test]
fn there_are_no_keys() {
    assert_refused(&feed().request("GET", "/-/npm/v1/keys").send(), 404, "does not sign");
}
