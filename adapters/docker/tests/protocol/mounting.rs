use pakhus_plugin_api::testing::{Answer, MemoryFeed};

use crate::support::{below_the_feed, feed, get, push, sha256, sha512, upload};

fn mount(feed: &MemoryFeed, digest: &str, from: &str) -> Answer {
    feed.request("POST", &format!("/b/blobs/uploads/?mount={digest}{from}")).send()
}

#[test]
fn a_blob_is_mounted_from_another_repository() {
    let feed = feed();
    upload(&feed, "a", b"bytes");
    let digest = sha256(b"bytes");
    let answer = mount(&feed, &digest, "&from=main/a");
    assert_eq!(answer.status, 201);
    let location = below_the_feed(answer.header("location").unwrap());
    assert_eq!(get(&feed, &location).text(), "bytes");
}

#[test]
fn a_blob_of_an_image_is_mounted_from_wherever_it_is() {
    let feed = feed();
    push(&feed, "a", "latest", "layer");
    assert_eq!(mount(&feed, &sha256(b"layer"), "").status, 201);
    assert_eq!(get(&feed, &format!("/b/blobs/{}", sha256(b"layer"))).status, 200);
}

#[test]
fn what_cannot_be_mounted_begins_an_upload() {
    let feed = feed();
    upload(&feed, "a", b"bytes");
    for (digest, from) in [
        (sha256(b"other"), "&from=main/a"),
        (sha256(b"bytes"), "&from=main/c"),
        (sha256(b"bytes"), "&from=secret/a"),
        (sha512(b"bytes"), ""),
    ] {
        let answer = mount(&feed, &digest, from);
        assert_eq!(answer.status, 202, "{digest} {from}");
        let location = below_the_feed(answer.header("location").unwrap());
        assert_eq!(get(&feed, &location).status, 204);
        assert_eq!(get(&feed, &format!("/b/blobs/{digest}")).status, 404);
    }
}
