use pakhus_plugin_api::testing::{Answer, MemoryFeed};

use crate::support::{assert_refused, begin, below_the_feed, feed, get, sha256, sha512};

fn patch(feed: &MemoryFeed, upload: &str, range: Option<&str>, body: &str) -> Answer {
    let request = feed.request("PATCH", upload).body(body.to_owned());
    let length = body.len().to_string();
    match range {
        Some(range) => {
            request.header("content-range", range).header("content-length", &length).send()
        }
        None => request.send(),
    }
}

fn finish(feed: &MemoryFeed, upload: &str, digest: &str, body: &str) -> Answer {
    let length = body.len().to_string();
    feed.request("PUT", &format!("{upload}?digest={digest}"))
        .header("content-length", &length)
        .body(body.to_owned())
        .send()
}

#[track_caller]
fn assert_stored(feed: &MemoryFeed, digest: &str, bytes: &str) {
    let answer = get(feed, &format!("/a/blobs/{digest}"));
    assert_eq!((answer.status, answer.text()), (200, bytes));
    assert_eq!(answer.header("docker-content-digest"), Some(digest));
}

#[test]
fn a_blob_comes_at_once_by_post() {
    let (feed, digest) = (feed(), sha256(b"bytes"));
    let target = format!("/a/blobs/uploads/?digest={digest}");
    let answer = feed.request("POST", &target).body("bytes").send();
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("docker-content-digest"), Some(digest.as_str()));
    let location = below_the_feed(answer.header("location").unwrap());
    assert_eq!(location, format!("/a/blobs/{digest}"));
    assert_stored(&feed, &digest, "bytes");
}

#[test]
fn a_blob_comes_by_post_and_put() {
    let (feed, digest) = (feed(), sha256(b"bytes"));
    let upload = begin(&feed, "a");
    assert_eq!(finish(&feed, &upload, &digest, "bytes").status, 201);
    assert_stored(&feed, &digest, "bytes");
}

#[test]
fn an_empty_blob_is_one() {
    let (feed, digest) = (feed(), sha256(b""));
    let upload = begin(&feed, "a");
    assert_eq!(finish(&feed, &upload, &digest, "").status, 201);
    assert_stored(&feed, &digest, "");
}

#[test]
fn a_blob_comes_in_pieces_each_of_which_is_told_to_be_there() {
    let (feed, digest) = (feed(), sha256(b"one two three"));
    let upload = begin(&feed, "a");
    let answer = patch(&feed, &upload, Some("0-3"), "one ");
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-3")));
    let upload = below_the_feed(answer.header("location").unwrap());
    let answer = patch(&feed, &upload, Some("4-7"), "two ");
    assert_eq!((answer.status, answer.header("range")), (202, Some("0-7")));
    let answer = get(&feed, &upload);
    assert_eq!((answer.status, answer.header("range")), (204, Some("0-7")));
    assert!(answer.header("location").is_some());
    assert_eq!(finish(&feed, &upload, &digest, "three").status, 201);
    assert_stored(&feed, &digest, "one two three");
}

#[test]
fn a_piece_without_a_range_goes_to_the_end() {
    let (feed, upload_of) = (feed(), |feed: &MemoryFeed| begin(feed, "a"));
    let upload = upload_of(&feed);
    for piece in ["one ", "two"] {
        assert_eq!(patch(&feed, &upload, None, piece).status, 202);
    }
    let digest = sha256(b"one two");
    assert_eq!(finish(&feed, &upload, &digest, "").status, 201);
    assert_stored(&feed, &digest, "one two");
}

#[test]
fn a_piece_out_of_order_is_refused_and_the_upload_goes_on() {
    let feed = feed();
    let upload = begin(&feed, "a");
    assert_eq!(patch(&feed, &upload, Some("0-3"), "one ").status, 202);
    for range in ["0-3", "5-8"] {
        let answer = patch(&feed, &upload, Some(range), "two ");
        assert_refused(&answer, 416, "BLOB_UPLOAD_INVALID");
        assert_eq!(answer.header("range"), Some("0-3"));
        assert!(answer.header("location").is_some());
    }
    let last = feed
        .request("PUT", &format!("{upload}?digest={}", sha256(b"one two")))
        .header("content-range", "7-9")
        .header("content-length", "3")
        .body("two")
        .send();
    assert_refused(&last, 416, "BLOB_UPLOAD_INVALID");
    assert_eq!(patch(&feed, &upload, Some("4-6"), "two").status, 202);
    assert_eq!(finish(&feed, &upload, &sha256(b"one two"), "").status, 201);
}

#[test]
fn a_range_that_is_none_or_of_another_length_is_refused() {
    let feed = feed();
    let upload = begin(&feed, "a");
    for range in ["x", "0", "3-0", "a-b", "0-18446744073709551615"] {
        assert_eq!(patch(&feed, &upload, Some(range), "piece").status, 400, "{range}");
    }
    assert_refused(&patch(&feed, &upload, Some("0-9"), "piece"), 400, "SIZE_INVALID");
    assert_eq!(get(&feed, &upload).header("range"), Some("0-0"));
}

#[test]
fn a_blob_of_another_digest_is_refused_and_not_stored() {
    let feed = feed();
    let upload = begin(&feed, "a");
    let wrong = sha256(b"other");
    assert_refused(&finish(&feed, &upload, &wrong, "bytes"), 400, "DIGEST_INVALID");
    assert_eq!(feed.blob_count(), 0);
    let target = format!("/a/blobs/uploads/?digest={wrong}");
    let answer = feed.request("POST", &target).body("bytes").send();
    assert_refused(&answer, 400, "DIGEST_INVALID");
    assert_refused(&get(&feed, &format!("/a/blobs/{wrong}")), 404, "BLOB_UNKNOWN");
}

#[test]
fn a_digest_that_is_malformed_or_missing_is_refused() {
    let feed = feed();
    let upload = begin(&feed, "a");
    let answer = feed.request("PUT", &upload).body("bytes").send();
    assert_refused(&answer, 400, "DIGEST_INVALID");
    assert_refused(&finish(&feed, &upload, "sha256:wrong", "bytes"), 400, "DIGEST_INVALID");
    let answer = feed.request("POST", "/a/blobs/uploads/?digest=md5:abc").body("bytes").send();
    assert_refused(&answer, 400, "DIGEST_INVALID");
    let answer = feed.request("POST", "/a/blobs/uploads/?digest-algorithm=md5").send();
    assert_refused(&answer, 400, "DIGEST_INVALID");
}

#[test]
fn blobs_are_called_by_sha512_too() {
    let (feed, digest) = (feed(), sha512(b"bytes"));
    let answer = feed.request("POST", "/a/blobs/uploads/?digest-algorithm=sha512").send();
    let upload = below_the_feed(answer.header("location").unwrap());
    assert_eq!(finish(&feed, &upload, &digest, "bytes").status, 201);
    assert_stored(&feed, &digest, "bytes");
    let upload = begin(&feed, "a");
    let answer = finish(&feed, &upload, &sha512(b"other"), "bytes");
    assert_refused(&answer, 400, "DIGEST_INVALID");
}

#[test]
fn an_upload_that_is_given_up_is_gone() {
    let feed = feed();
    let upload = begin(&feed, "a");
    assert_eq!(patch(&feed, &upload, None, "bytes").status, 202);
    assert_eq!(feed.request("DELETE", &upload).send().status, 204);
    assert_refused(&get(&feed, &upload), 404, "BLOB_UPLOAD_UNKNOWN");
    assert_refused(&patch(&feed, &upload, None, "more"), 404, "BLOB_UPLOAD_UNKNOWN");
    let answer = finish(&feed, &upload, &sha256(b"bytes"), "");
    assert_refused(&answer, 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn an_upload_belongs_to_its_repository() {
    let feed = feed();
    let upload = begin(&feed, "a").replace("/a/", "/b/");
    assert_refused(&get(&feed, &upload), 404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn a_blob_is_only_in_the_repository_that_it_was_brought_to() {
    let feed = feed();
    crate::support::upload(&feed, "a", b"bytes");
    let answer = get(&feed, &format!("/b/blobs/{}", sha256(b"bytes")));
    assert_refused(&answer, 404, "BLOB_UNKNOWN");
}
