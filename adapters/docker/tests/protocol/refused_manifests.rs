use pakhus_plugin_api::testing::MemoryFeed;
use serde_json::{Value, json};

use crate::support::{
    INDEX, assert_refused, digest_of, feed, get, image, index, push, pushed, put, upload,
};

#[track_caller]
fn refused(feed: &MemoryFeed, manifest: &Value, code: &str) {
    assert_refused(&put(feed, "a", "latest", manifest), 400, code);
    assert_eq!(get(feed, "/a/manifests/latest").status, 404);
    assert!(feed.stored_version("a", &digest_of(manifest)).is_none());
}

/// A feed whose repository has the blobs of `image("layer")`.
fn with_blobs() -> MemoryFeed {
    let feed = feed();
    upload(&feed, "a", b"{}");
    upload(&feed, "a", b"layer");
    feed
}

#[test]
fn a_manifest_that_names_absent_blobs_is_refused() {
    refused(&feed(), &image("layer"), "MANIFEST_BLOB_UNKNOWN");
    refused(&with_blobs(), &image("other"), "MANIFEST_BLOB_UNKNOWN");
    let elsewhere = with_blobs();
    let answer = put(&elsewhere, "b", "latest", &image("layer"));
    assert_refused(&answer, 400, "MANIFEST_BLOB_UNKNOWN");
}

#[test]
fn an_index_that_names_absent_manifests_is_refused() {
    refused(&with_blobs(), &index(&[image("layer")]), "MANIFEST_BLOB_UNKNOWN");
}

#[test]
fn a_manifest_that_says_another_length_is_refused() {
    let mut wrong = image("layer");
    wrong["layers"][0]["size"] = json!(6);
    refused(&with_blobs(), &wrong, "MANIFEST_INVALID");
    let feed = with_blobs();
    pushed(&feed, "a", "image", &image("layer"));
    let mut wrong = index(&[image("layer")]);
    wrong["manifests"][0]["size"] = json!(6);
    refused(&feed, &wrong, "MANIFEST_INVALID");
}

#[test]
fn what_is_no_manifest_is_refused() {
    let feed = with_blobs();
    for body in ["", "{", "[]", "null", "{\"schemaVersion\":2}", "{\"schemaVersion\":\"2\"}"] {
        let answer = feed.request("PUT", "/a/manifests/latest").body(body).send();
        assert_refused(&answer, 400, "MANIFEST_INVALID");
    }
    let text = image("layer").to_string();
    let doubled = text.replacen('{', "{\"layers\":[],", 1);
    let answer = feed.request("PUT", "/a/manifests/latest").body(doubled).send();
    assert_refused(&answer, 400, "MANIFEST_INVALID");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = feed.request("PUT", "/a/manifests/latest").body(deep).send();
    assert_refused(&answer, 400, "MANIFEST_INVALID");
}

#[test]
fn a_manifest_that_could_be_read_as_image_or_index_is_refused() {
    let mut both = image("layer");
    both["manifests"] = json!([]);
    refused(&with_blobs(), &both, "MANIFEST_INVALID");
    both["mediaType"] = json!(INDEX);
    refused(&with_blobs(), &both, "MANIFEST_INVALID");
}

#[test]
fn other_types_and_schema_1_are_refused() {
    let mut other = image("layer");
    for media_type in [
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "application/vnd.oci.artifact.manifest.v1+json",
        "text/plain",
    ] {
        other["mediaType"] = json!(media_type);
        refused(&with_blobs(), &other, "MANIFEST_INVALID");
    }
    let mut old = image("layer");
    old["schemaVersion"] = json!(1);
    refused(&with_blobs(), &old, "MANIFEST_INVALID");
}

#[test]
fn a_manifest_sent_as_another_type_than_it_says_is_refused() {
    let answer = with_blobs()
        .request("PUT", "/a/manifests/latest")
        .header("content-type", INDEX)
        .body(image("layer").to_string())
        .send();
    assert_refused(&answer, 400, "MANIFEST_INVALID");
}

#[test]
fn digests_of_unknown_algorithms_are_refused() {
    let mut wrong = image("layer");
    wrong["layers"][0]["digest"] = json!("md5:d41d8cd98f00b204e9800998ecf8427e");
    refused(&with_blobs(), &wrong, "MANIFEST_INVALID");
}

#[test]
fn a_manifest_may_have_4_mib_and_no_more() {
    let feed = with_blobs();
    let mut large = image("layer");
    large["annotations"] = json!({ "a": "x".repeat((4 << 20) - 600) });
    pushed(&feed, "a", "large", &large);
    large["annotations"] = json!({ "a": "x".repeat(4 << 20) });
    assert_refused(&put(&feed, "a", "larger", &large), 413, "SIZE_INVALID");
}

#[test]
fn an_index_that_names_too_many_is_refused() {
    let feed = with_blobs();
    let mut many = index(&[image("layer")]);
    many["manifests"] = Value::Array(vec![many["manifests"][0].clone(); 5_001]);
    refused(&feed, &many, "MANIFEST_INVALID");
}

#[test]
fn indexes_are_nested_to_a_bound() {
    let feed = feed();
    let mut inner = push(&feed, "a", "image", "layer");
    for depth in 1..=8 {
        inner = index(&[inner]);
        pushed(&feed, "a", &format!("depth-{depth}"), &inner);
    }
    refused(&feed, &index(&[inner]), "MANIFEST_INVALID");
}
