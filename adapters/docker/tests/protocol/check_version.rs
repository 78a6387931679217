//! What another site may send.

use pakhus_docker::Docker;
use pakhus_plugin_api::{BlobRef, Digest, Metadata, NewVersion, PackageType};
use serde_json::{Value, json};

use crate::support::{IMAGE, INDEX};

fn blob(role: &str, bytes: &str) -> BlobRef {
    let (digest, size) = (Digest::of(bytes.as_bytes()), bytes.len() as u64);
    BlobRef { digest, size, role: role.to_owned(), sha512: None }
}

fn right() -> (Value, Vec<BlobRef>) {
    let metadata = json!({ "format": 1, "media_type": IMAGE, "depth": 0 });
    (metadata, vec![blob("manifest", "m"), blob("config", "c"), blob("layer", "l")])
}

fn check(metadata: &Value, blobs: Vec<BlobRef>) -> Result<(), String> {
    let docker = Docker::default();
    let version = Digest::of(b"m").to_string();
    let new = NewVersion {
        name: docker.parse_name("a").unwrap(),
        version: docker.parse_version(&version).unwrap(),
        metadata: Metadata::from_value(metadata).unwrap(),
        blobs,
    };
    docker.check_version(&new).map_err(|refusal| refusal.message)
}

#[test]
fn what_a_push_makes_is_taken() {
    let (metadata, blobs) = right();
    assert_eq!(check(&metadata, blobs), Ok(()));
    let index = json!({ "format": 1, "media_type": INDEX, "depth": 1 });
    assert_eq!(check(&index, vec![blob("manifest", "m")]), Ok(()));
}

#[test]
fn blobs_that_are_not_those_of_a_manifest_are_refused() {
    let (metadata, blobs) = right();
    for wrong in [
        vec![],
        vec![blob("layer", "m")],
        vec![blob("manifest", "m")],
        vec![blob("manifest", "m"), blob("layer", "l")],
        vec![blob("manifest", "m"), blob("config", "c"), blob("config", "l")],
        vec![blob("manifest", "other"), blob("config", "c")],
        vec![BlobRef { size: 5 << 20, ..blobs[0].clone() }, blobs[1].clone()],
    ] {
        assert!(check(&metadata, wrong.clone()).is_err(), "{wrong:?}");
    }
    let index = json!({ "format": 1, "media_type": INDEX, "depth": 1 });
    assert!(check(&index, blobs).is_err());
}

#[test]
fn metadata_that_no_push_makes_is_refused() {
    for wrong in [
        json!(null),
        json!({}),
        json!({ "format": 2, "media_type": IMAGE, "depth": 0 }),
        json!({ "format": 1, "media_type": "text/plain", "depth": 0 }),
        json!({ "format": 1, "media_type": IMAGE, "depth": 1 }),
        json!({ "format": 1, "media_type": INDEX, "depth": 9 }),
        json!({ "format": 1, "media_type": IMAGE, "depth": 0, "artifact_type": "x".repeat(2_000) }),
        json!({ "format": 1, "media_type": IMAGE, "depth": 0, "subject": "sha256:x" }),
    ] {
        assert!(check(&wrong, right().1).is_err(), "{wrong}");
    }
}

#[test]
fn tags_and_attributes_that_no_push_makes_are_refused() {
    let docker = Docker::default();
    assert!(docker.check_tag("latest").is_ok() && docker.check_tag("a/b").is_err());
    let value = |value: Value| Metadata::from_value(&value).unwrap();
    let digest = Digest::of(b"m").to_string();
    let attribute = format!("refers-to-{}", "a".repeat(64));
    let right = value(json!({ "mediaType": IMAGE, "digest": digest, "size": 1 }));
    assert!(docker.check_attribute(&attribute, Some(&digest), &right).is_ok());
    assert!(docker.check_attribute(&attribute, None, &right).is_err());
    assert!(docker.check_attribute(&attribute, Some("sha256:x"), &right).is_err());
    assert!(docker.check_attribute("refers-to-x", Some(&digest), &right).is_err());
    assert!(docker.check_attribute(&attribute, Some(&digest), &value(json!("x"))).is_err());
    assert!(docker.check_attribute("later", None, &value(json!(1))).is_ok());
}
