//! Two sites that hold the same.

use serde_json::json;

use crate::support::{IMAGE, descriptor, digest_of, feed, get, index, push, pushed};

#[test]
fn an_index_with_its_images_and_their_signatures_is_the_same_at_another_site() {
    let (here, there) = (feed(), feed().at_site("there"));
    let image = push(&here, "a", "image", "layer");
    let list = index(std::slice::from_ref(&image));
    pushed(&here, "a", "latest", &list);
    let empty = descriptor("application/vnd.oci.empty.v1+json", b"{}");
    let signature = json!({
        "schemaVersion": 2, "mediaType": IMAGE, "config": empty, "layers": [empty],
        "subject": descriptor(IMAGE, image.to_string().as_bytes()),
    });
    pushed(&here, "a", "signature", &signature);
    there.pull_from(&here).expect("what is pushed here is taken there");
    let referrers = format!("/a/referrers/{}", digest_of(&image));
    let child = format!("/a/manifests/{}", digest_of(&image));
    for target in ["/a/manifests/latest", &referrers, &child, "/a/tags/list"] {
        let (one, other) = (get(&here, target), get(&there, target));
        assert_eq!((one.status, other.status), (200, 200), "{target}");
        assert_eq!((one.body, one.headers), (other.body, other.headers), "{target}");
    }
}

#[test]
fn what_is_deleted_here_stays_there_and_does_not_come_back() {
    let (here, there) = (feed(), feed().at_site("there"));
    let image = push(&here, "a", "latest", "layer");
    there.pull_from(&here).expect("it is taken");
    let target = format!("/a/manifests/{}", digest_of(&image));
    assert_eq!(here.request("DELETE", &target).send().status, 202);
    there.pull_from(&here).expect("it is taken");
    here.pull_from(&there).expect("it is taken");
    for (feed, status) in [(&here, 404), (&there, 200)] {
        assert_eq!(get(feed, &target).status, status);
        assert_eq!(get(feed, "/a/manifests/latest").status, status);
    }
}

#[test]
fn a_tag_that_is_moved_at_one_site_is_moved_at_the_other() {
    let (here, there) = (feed(), feed().at_site("there"));
    push(&here, "a", "latest", "one");
    there.pull_from(&here).expect("it is taken");
    push(&there, "a", "latest", "two");
    here.pull_from(&there).expect("it is taken");
    let digest =
        |feed| get(feed, "/a/manifests/latest").header("docker-content-digest").map(str::to_owned);
    assert_eq!(digest(&here), digest(&there));
}
