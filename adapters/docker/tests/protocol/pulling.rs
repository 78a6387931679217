use crate::support::{assert_refused, digest_of, feed, get, push, sha256};

#[test]
fn what_a_digest_names_may_be_kept_by_caches_for_ever_and_what_a_tag_names_may_not() {
    let feed = feed();
    let image = push(&feed, "a", "latest", "layer");
    for target in
        [format!("/a/manifests/{}", digest_of(&image)), format!("/a/blobs/{}", sha256(b"layer"))]
    {
        let answer = get(&feed, &target);
        let cached = answer.header("cache-control").unwrap();
        assert_eq!(cached, "public, max-age=31536000, immutable", "{target}");
    }
    let answer = get(&feed, "/a/manifests/latest");
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
}

#[test]
fn in_a_feed_that_not_everybody_may_read_only_the_client_keeps_it() {
    let feed = crate::support::feed().private();
    push(&feed, "a", "latest", "layer");
    let answer = get(&feed, &format!("/a/blobs/{}", sha256(b"layer")));
    assert!(answer.header("cache-control").unwrap().starts_with("private"));
}

#[test]
fn what_is_not_there_is_not_found_in_the_words_of_the_specification() {
    let feed = feed();
    push(&feed, "a", "latest", "layer");
    let absent = sha256(b"absent");
    for target in ["/a/manifests/absent", &format!("/a/manifests/{absent}"), "/b/manifests/latest"]
    {
        assert_refused(&get(&feed, target), 404, "MANIFEST_UNKNOWN");
    }
    assert_refused(&get(&feed, &format!("/a/blobs/{absent}")), 404, "BLOB_UNKNOWN");
    assert_refused(&get(&feed, "/b/tags/list"), 404, "NAME_UNKNOWN");
}

#[test]
fn blobs_of_any_kind_are_bytes() {
    let feed = feed();
    push(&feed, "a", "latest", "layer");
    let answer = get(&feed, &format!("/a/blobs/{}", sha256(b"layer")));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert!(answer.blob.is_some(), "the server streams it, by ranges where they are asked for");
}
