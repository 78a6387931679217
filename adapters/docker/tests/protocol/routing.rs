use pakhus_plugin_api::{Action, PackageType};

use crate::support::{assert_refused, feed, get, sha256};

#[test]
fn the_limits_of_replication_are_said() {
    let docker = pakhus_docker::Docker::default();
    let capabilities = &docker.descriptor().capabilities;
    assert!(!capabilities.tracks_deletions);
    assert!(!capabilities.syncs_publish_date && !capabilities.syncs_download_count);
}

#[test]
fn every_endpoint_needs_the_permission_of_what_it_does() {
    let (feed, digest) = (feed(), sha256(b"x"));
    let id = "00000000-0000-4000-8000-000000000001";
    for (method, target, action) in [
        ("GET", "/".to_owned(), Action::View),
        ("GET", "/_catalog".to_owned(), Action::View),
        ("GET", "/a/tags/list".to_owned(), Action::View),
        ("GET", format!("/a/referrers/{digest}"), Action::View),
        ("GET", "/a/manifests/latest".to_owned(), Action::View),
        ("HEAD", format!("/a/manifests/{digest}"), Action::View),
        ("PUT", "/a/manifests/latest".to_owned(), Action::Publish),
        ("DELETE", "/a/manifests/latest".to_owned(), Action::Delete),
        ("GET", format!("/a/blobs/{digest}"), Action::View),
        ("DELETE", format!("/a/blobs/{digest}"), Action::Delete),
        ("POST", "/a/blobs/uploads/".to_owned(), Action::Publish),
        ("POST", "/a/blobs/uploads".to_owned(), Action::Publish),
        ("GET", format!("/a/blobs/uploads/{id}"), Action::Publish),
        ("PATCH", format!("/a/blobs/uploads/{id}"), Action::Publish),
        ("PUT", format!("/a/blobs/uploads/{id}"), Action::Publish),
        ("DELETE", format!("/a/blobs/uploads/{id}"), Action::Publish),
    ] {
        let route = feed.request(method, &target).send().route.expect("it is recognised");
        assert_eq!(route.action, action, "{method} {target}");
    }
}

#[test]
fn repositories_are_as_deep_as_one_likes_and_may_be_called_like_the_api() {
    let feed = feed();
    for name in ["a/b/c/d/e", "tags/list", "blobs", "manifests/blobs/uploads", "a%2fb"] {
        let answer = get(&feed, &format!("/{name}/tags/list"));
        let route = answer.route.expect("it is recognised");
        assert_eq!(route.package.unwrap().display(), name.replace("%2f", "/"));
    }
}

#[test]
fn names_that_no_repository_has_are_refused() {
    for name in ["A", "a..b", "-a", "a_-b", "ä", &"a".repeat(256)] {
        assert_refused(&get(&feed(), &format!("/{name}/tags/list")), 400, "NAME_INVALID");
    }
    assert_refused(&get(&feed(), "/a/../b/tags/list"), 400, "NAME_INVALID");
}

#[test]
fn malformed_digests_are_refused() {
    let feed = feed();
    for digest in ["sha256:wrong", "md5:abc", "sha512:00", "sha256:"] {
        for target in ["blobs", "manifests", "referrers"] {
            let answer = get(&feed, &format!("/a/{target}/{digest}"));
            assert_refused(&answer, 400, "DIGEST_INVALID");
        }
    }
}

#[test]
fn a_method_that_a_path_does_not_take_is_refused() {
    let answer = feed().request("POST", "/a/manifests/latest").send();
    assert_refused(&answer, 405, "UNSUPPORTED");
    let answer = feed().request("PUT", "/a/tags/list").send();
    assert_refused(&answer, 405, "UNSUPPORTED");
}

#[test]
fn an_address_that_the_api_does_not_have_is_not_found() {
    assert_refused(&get(&feed(), "/a/b/c"), 404, "NAME_UNKNOWN");
}
