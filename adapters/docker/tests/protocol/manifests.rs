use serde_json::json;

use crate::support::{
    CONFIG, IMAGE, INDEX, LAYER, assert_refused, below_the_feed, descriptor, digest_of, feed, get,
    image, index, push, pushed, put, sha512, upload,
};

#[test]
fn a_manifest_is_served_to_the_byte_by_tag_and_digest() {
    let feed = feed();
    upload(&feed, "a", b"{}");
    upload(&feed, "a", b"layer");
    let bytes = format!("\n  {}  \n", image("layer"));
    let answer = feed
        .request("PUT", "/a/manifests/latest")
        .header("content-type", IMAGE)
        .body(bytes.clone())
        .send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let digest = crate::support::sha256(bytes.as_bytes());
    assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
    let location = below_the_feed(answer.header("location").unwrap());
    for target in [location, "/a/manifests/latest".to_owned(), format!("/a/manifests/{digest}")] {
        let answer = get(&feed, &target);
        assert_eq!((answer.status, answer.text()), (200, bytes.as_str()), "{target}");
        assert_eq!(answer.header("content-type"), Some(IMAGE));
        assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
    }
}

#[test]
fn all_four_types_of_manifests_are_stored() {
    let feed = feed();
    let mut image = push(&feed, "a", "oci", "layer");
    pushed(&feed, "a", "oci-index", &index(std::slice::from_ref(&image)));
    image["mediaType"] = json!("application/vnd.docker.distribution.manifest.v2+json");
    pushed(&feed, "a", "docker", &image);
    let mut list = index(&[image]);
    list["mediaType"] = json!("application/vnd.docker.distribution.manifest.list.v2+json");
    pushed(&feed, "a", "docker-list", &list);
    let answer = get(&feed, "/a/manifests/docker-list");
    assert_eq!(answer.header("content-type"), list["mediaType"].as_str());
}

#[test]
fn the_type_is_what_the_manifest_says_or_else_what_it_was_sent_as() {
    let feed = feed();
    let mut image = push(&feed, "a", "latest", "layer");
    image.as_object_mut().unwrap().remove("mediaType");
    for (tag, sent_as, expected) in [
        ("sent", Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"), IMAGE),
        ("plain", Some("application/json"), IMAGE),
        ("nothing", None, IMAGE),
    ] {
        let mut request = feed.request("PUT", &format!("/a/manifests/{tag}"));
        if let Some(sent_as) = sent_as {
            request = request.header("content-type", sent_as);
        }
        assert_eq!(request.body(image.to_string()).send().status, 201, "{tag}");
        let answer = get(&feed, &format!("/a/manifests/{tag}"));
        assert_eq!(answer.header("content-type"), Some(expected), "{tag}");
    }
}

#[test]
fn an_image_may_have_no_layers_and_an_index_no_manifests() {
    let feed = feed();
    upload(&feed, "a", b"{}");
    let config = descriptor(CONFIG, b"{}");
    let image = json!({ "schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [] });
    pushed(&feed, "a", "image", &image);
    pushed(&feed, "a", "index", &index(&[]));
    pushed(&feed, "a", "nested", &index(&[index(&[])]));
}

#[test]
fn a_layer_that_is_named_twice_is_one_blob() {
    let feed = feed();
    let mut image = push(&feed, "a", "latest", "layer");
    image["layers"] = json!([image["layers"][0], image["layers"][0]]);
    pushed(&feed, "a", "twice", &image);
    let stored = feed.stored_version("a", &digest_of(&image)).unwrap();
    assert_eq!(stored.blobs.len(), 3);
}

#[test]
fn a_config_can_be_a_layer_too() {
    let feed = feed();
    upload(&feed, "a", b"{}");
    let empty = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    let artifact = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "artifactType": "application/vnd.example",
        "config": empty, "layers": [empty],
    });
    pushed(&feed, "a", "artifact", &artifact);
}

#[test]
fn layers_that_are_distributed_elsewhere_need_not_be_here() {
    let feed = feed();
    upload(&feed, "a", b"{}");
    let elsewhere = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let mut image = image("absent");
    image["layers"][0]["mediaType"] = json!(elsewhere);
    pushed(&feed, "a", "latest", &image);
    assert_eq!(feed.stored_version("a", &digest_of(&image)).unwrap().blobs.len(), 2);
}

#[test]
fn pushing_the_same_again_moves_the_tag_only() {
    let feed = feed();
    let first = push(&feed, "a", "latest", "one");
    push(&feed, "a", "latest", "two");
    pushed(&feed, "a", "latest", &first);
    let answer = get(&feed, "/a/manifests/latest");
    assert_eq!(answer.header("docker-content-digest"), Some(digest_of(&first).as_str()));
}

#[test]
fn a_manifest_pushed_by_digest_must_have_it() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    let other = crate::support::sha256(b"other");
    let mut changed = image.clone();
    changed["annotations"] = json!({ "a": "b" });
    assert_refused(&put(&feed, "a", &other, &changed), 400, "DIGEST_INVALID");
    assert_refused(&put(&feed, "a", "sha256:bad", &changed), 400, "DIGEST_INVALID");
    assert!(feed.stored_version("a", &digest_of(&changed)).is_none());
    pushed(&feed, "a", &digest_of(&changed), &changed);
}

#[test]
fn tags_come_with_a_manifest_that_is_pushed_by_digest() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    let digest = digest_of(&image);
    let answer = put(&feed, "a", &format!("{digest}?tag=1.0&tag=1"), &image);
    let tags: Vec<_> = answer.headers.iter().filter(|(name, _)| name == "oci-tag").collect();
    assert_eq!((answer.status, tags.len()), (201, 2));
    for tag in ["1.0", "1"] {
        let answer = get(&feed, &format!("/a/manifests/{tag}"));
        assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
    }
    assert_refused(&put(&feed, "a", &format!("{digest}?tag=.x"), &image), 400, "MANIFEST_INVALID");
}

#[test]
fn a_manifest_and_its_blobs_can_be_called_by_sha512() {
    let feed = feed();
    for bytes in ["{}", "layer"] {
        let target = format!("/a/blobs/uploads/?digest={}", sha512(bytes.as_bytes()));
        assert_eq!(feed.request("POST", &target).body(bytes).send().status, 201);
    }
    let blob = |media_type: &str, bytes: &str| {
        let digest = sha512(bytes.as_bytes());
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    };
    let image = json!({
        "schemaVersion": 2, "mediaType": IMAGE,
        "config": blob(CONFIG, "{}"), "layers": [blob(LAYER, "layer")],
    });
    let digest = sha512(image.to_string().as_bytes());
    pushed(&feed, "a", &digest, &image);
    let answer = get(&feed, &format!("/a/manifests/{digest}"));
    assert_eq!((answer.status, answer.text()), (200, image.to_string().as_str()));
    assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
    assert_eq!(get(&feed, &format!("/a/blobs/{}", sha512(b"layer"))).text(), "layer");
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{ "mediaType": IMAGE, "digest": digest, "size": image.to_string().len() }],
    });
    pushed(&feed, "a", "index", &index);
}
