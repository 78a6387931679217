use crate::support::{assert_refused, digest_of, feed, get, index, push, pushed, sha256, upload};

#[test]
fn a_tag_is_deleted_alone() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    pushed(&feed, "a", "other", &image);
    assert_eq!(feed.request("DELETE", "/a/manifests/latest").send().status, 202);
    assert_refused(&get(&feed, "/a/manifests/latest"), 404, "MANIFEST_UNKNOWN");
    assert_eq!(get(&feed, "/a/manifests/other").status, 200);
    let answer = feed.request("DELETE", "/a/manifests/latest").send();
    assert_refused(&answer, 404, "MANIFEST_UNKNOWN");
}

#[test]
fn a_manifest_is_deleted_with_its_tags() {
    let feed = feed();
    let image = push(&feed, "a", "one", "layer");
    pushed(&feed, "a", "two", &image);
    push(&feed, "a", "three", "other");
    let target = format!("/a/manifests/{}", digest_of(&image));
    assert_eq!(feed.request("DELETE", &target).send().status, 202);
    for reference in ["one", "two", &digest_of(&image)] {
        let answer = get(&feed, &format!("/a/manifests/{reference}"));
        assert_refused(&answer, 404, "MANIFEST_UNKNOWN");
    }
    assert_eq!(get(&feed, "/a/tags/list").json()["tags"], serde_json::json!(["three"]));
    assert_refused(&feed.request("DELETE", &target).send(), 404, "MANIFEST_UNKNOWN");
}

#[test]
fn a_manifest_that_was_deleted_can_be_pushed_again() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    let target = format!("/a/manifests/{}", digest_of(&image));
    assert_eq!(feed.request("DELETE", &target).send().status, 202);
    pushed(&feed, "a", "latest", &image);
    assert_eq!(get(&feed, &target).status, 200);
}

#[test]
fn a_child_of_an_index_can_be_deleted_before_it() {
    let feed = feed();
    let image = push(&feed, "a", "image", "layer");
    pushed(&feed, "a", "index", &index(std::slice::from_ref(&image)));
    let target = format!("/a/manifests/{}", digest_of(&image));
    assert_eq!(feed.request("DELETE", &target).send().status, 202);
    assert_eq!(get(&feed, "/a/manifests/index").status, 200);
}

#[test]
fn a_blob_that_nothing_needs_is_deleted() {
    let feed = feed();
    upload(&feed, "a", b"bytes");
    let target = format!("/a/blobs/{}", sha256(b"bytes"));
    assert_eq!(feed.request("DELETE", &target).send().status, 202);
    assert_refused(&get(&feed, &target), 404, "BLOB_UNKNOWN");
    assert_refused(&feed.request("DELETE", &target).send(), 404, "BLOB_UNKNOWN");
}

#[test]
fn a_blob_that_a_manifest_needs_stays() {
    let feed = feed();
    push(&feed, "a", "latest", "layer");
    let target = format!("/a/blobs/{}", sha256(b"layer"));
    assert_refused(&feed.request("DELETE", &target).send(), 405, "UNSUPPORTED");
    assert_eq!(get(&feed, &target).status, 200);
}
