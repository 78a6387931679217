use serde_json::json;

use crate::support::{
    CORGI, abbreviated, assert_refused, escaped, feed, packument, packument_to_write, publish,
    publish_with,
};

#[test]
fn the_full_packument_has_everything() {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    let answer = feed.request("GET", "/@acme%2fpad").header("accept", "application/json").send();
    let rev = answer.json()["_rev"].as_str().unwrap().to_owned();
    let manifest = answer.json()["versions"]["1.0.0"].clone();
    let (person, at) = (json!({"name": "alice", "email": ""}), "2023-11-14T22:13:21.000Z");
    assert_eq!(
        answer.json(),
        json!({
            "_id": "@acme/pad",
            "_rev": rev,
            "name": "@acme/pad",
            "time": {"modified": at, "created": at, "1.0.0": at},
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": manifest},
            "maintainers": [person],
            "description": "pads on the left",
            "author": {"name": "A B", "email": "a@b.c"},
            "license": "MIT",
            "keywords": ["pad"],
            "readme": "# @acme/pad",
            "readmeFilename": "README.md",
        })
    );
    assert_eq!(
        manifest["dist"]["tarball"],
        "https://pakhus.test/npm/main/@acme/pad/-/pad-1.0.0.tgz"
    );
}

#[test]
fn the_abbreviated_packument_has_what_installing_needs() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| {
        manifest["libc"] = json!(["musl"]);
        manifest["os"] = json!(["linux"]);
        manifest["bin"] = json!({"pad": "pad.js"});
        manifest["peerDependenciesMeta"] = json!({"a": {"optional": true}});
        manifest["_hasShrinkwrap"] = json!(false);
    });
    let packument = abbreviated(&feed, "left-pad");
    let dist = packument["versions"]["1.0.0"]["dist"].clone();
    let at = "2023-11-14T22:13:21.000Z";
    assert_eq!(
        packument,
        json!({
            "name": "left-pad",
            "modified": at,
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": {
                "name": "left-pad",
                "version": "1.0.0",
                "dependencies": {"is-odd": "^3.0.1"},
                "libc": ["musl"],
                "os": ["linux"],
                "bin": {"pad": "pad.js"},
                "peerDependenciesMeta": {"a": {"optional": true}},
                "_hasShrinkwrap": false,
                "dist": dist,
            }},
            "time": {"modified": at, "created": at, "1.0.0": at},
        })
    );
    assert!(dist["integrity"].as_str().unwrap().starts_with("sha512-"));
}

#[test]
fn the_form_follows_what_the_client_accepts() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let form = |accept: Option<&str>, target: &str| {
        let request = feed.request("GET", target);
        let request =
            accept.into_iter().fold(request, |request, accept| request.header("accept", accept));
        let answer = request.send();
        let is_full = answer.json().get("_id").is_some();
        (answer.header("content-type").unwrap().to_owned(), is_full)
    };
    let abbreviated = ("application/vnd.npm.install-v1+json".to_owned(), false);
    let full = ("application/json".to_owned(), true);
    for accept in [
        CORGI,
        "application/vnd.npm.install-v1+json",
        "a/b, Application/vnd.npm.install-v1+JSON;q=0.9",
    ] {
        assert_eq!(form(Some(accept), "/left-pad"), abbreviated, "{accept}");
    }
    for accept in [
        "application/json",
        "application/json; q=1.0, */*",
        "*/*",
        "text/html",
        "application/json, application/vnd.npm.install-v1+json; q=0.5",
        "application/vnd.npm.install-v1+json; q=0",
    ] {
        assert_eq!(form(Some(accept), "/left-pad"), full, "{accept}");
    }
    assert_eq!(form(None, "/left-pad"), full);
    assert_eq!(form(Some(CORGI), "/left-pad?write=true"), full);
}

#[test]
fn every_spelling_of_a_scoped_name_is_the_same_document() {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    let etags: Vec<_> = ["/@acme%2fpad", "/@acme%2Fpad", "/@acme/pad", "/%40acme%2Fpad"]
        .iter()
        .map(|path| feed.request("GET", path).send().header("etag").unwrap().to_owned())
        .collect();
    assert!(etags.iter().all(|etag| *etag == etags[0]), "{etags:?}");
}

#[test]
fn forms_and_urls_have_entity_tags_of_their_own() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let etag = |accept: &str, base_url: &str| {
        let answer =
            feed.request("GET", "/left-pad").header("accept", accept).seen_at(base_url).send();
        answer.header("etag").unwrap().to_owned()
    };
    let etags = [
        etag(CORGI, "https://a.test/npm/main"),
        etag("*/*", "https://a.test/npm/main"),
        etag(CORGI, "http://b.test"),
        etag("*/*", "http://b.test"),
    ];
    let distinct: std::collections::BTreeSet<_> = etags.iter().collect();
    assert_eq!(distinct.len(), 4);
    let answer = feed.request("GET", "/left-pad").seen_at("http://b.test").send();
    let tarball = &answer.json()["versions"]["1.0.0"]["dist"]["tarball"];
    assert_eq!(tarball, "http://b.test/left-pad/-/left-pad-1.0.0.tgz");
}

#[test]
fn clients_ask_each_time_and_get_what_is_kept() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let first = feed.request("GET", "/left-pad").send();
    assert_eq!(first.header("cache-control"), Some("private, no-cache"));
    assert_eq!(first.header("vary"), Some("accept, accept-encoding"));
    assert_eq!(first.header("last-modified"), Some("Tue, 14 Nov 2023 22:13:21 GMT"));
    assert!(first.transcript.iter().any(|line| line.starts_with("? contents")));

    let second = feed.request("GET", "/left-pad").send();
    assert!(!second.transcript.iter().any(|line| line.starts_with("? contents")));
    assert_eq!((second.headers, second.body), (first.headers, first.body));

    publish(&feed, "left-pad", "1.1.0", &["latest"]);
    let third = feed.request("GET", "/left-pad").header("accept", CORGI).send();
    assert_eq!(third.json()["dist-tags"]["latest"], "1.1.0");
    assert_eq!(third.header("last-modified"), Some("Tue, 14 Nov 2023 22:13:24 GMT"));
}

#[test]
fn versions_are_in_their_order_with_exact_times() {
    let feed = feed();
    for version in ["1.10.0", "1.9.0", "1.10.0-rc.1"] {
        publish(&feed, "left-pad", version, &["latest"]);
    }
    let packument = packument(&feed, "left-pad");
    let versions: Vec<_> = packument["versions"].as_object().unwrap().keys().collect();
    assert_eq!(versions, ["1.9.0", "1.10.0-rc.1", "1.10.0"]);
    assert_eq!(
        packument["time"],
        json!({
            "modified": "2023-11-14T22:13:23.000Z",
            "created": "2023-11-14T22:13:21.000Z",
            "1.9.0": "2023-11-14T22:13:22.000Z",
            "1.10.0-rc.1": "2023-11-14T22:13:23.000Z",
            "1.10.0": "2023-11-14T22:13:21.000Z",
        })
    );
}

#[test]
fn one_manifest_is_found_by_version_and_by_tag() {
    let feed = feed();
    publish(&feed, "@acme/pad", "1.0.0", &["latest"]);
    publish(&feed, "@acme/pad", "2.0.0-beta.1", &["beta"]);
    let packument = packument(&feed, "@acme/pad");
    for (wanted, version) in
        [("1.0.0", "1.0.0"), ("latest", "1.0.0"), ("beta", "2.0.0-beta.1"), ("1.0.0+x", "1.0.0")]
    {
        let answer = feed.request("GET", &format!("/@acme%2fpad/{wanted}")).send();
        assert_eq!(answer.status, 200, "{wanted}");
        assert_eq!(answer.json(), packument["versions"][version], "{wanted}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    for wanted in ["9.9.9", "next", "^2.0.0"] {
        let answer = feed.request("GET", &format!("/@acme%2fpad/{wanted}")).send();
        assert_refused(&answer, 404, &format!("`{wanted}` of `@acme/pad` not found"));
    }
}

#[test]
fn a_package_that_is_not_there_is_not_found_in_any_form() {
    let feed = feed();
    for target in ["/left-pad", "/left-pad?write=true", "/left-pad/latest", "/@acme%2fpad"] {
        assert_refused(&feed.request("GET", target).send(), 404, "not found");
        assert_refused(
            &feed.request("GET", target).header("accept", CORGI).send(),
            404,
            "not found",
        );
    }
}

#[test]
fn build_metadata_is_shown_as_it_was_published() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0+build.5", &["latest"]);
    let packument = packument(&feed, "left-pad");
    assert_eq!(packument["dist-tags"]["latest"], "1.0.0+build.5");
    let manifest = &packument["versions"]["1.0.0+build.5"];
    assert_eq!(manifest["version"], "1.0.0+build.5");
    let url = manifest["dist"]["tarball"].as_str().unwrap();
    let path = url.strip_prefix("https://pakhus.test/npm/main").unwrap();
    assert_eq!(feed.request("GET", path).send().status, 200);
}

#[test]
fn the_revision_changes_with_every_change_and_not_otherwise() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let (_, first) = packument_to_write(&feed, "left-pad");
    assert!(first.starts_with("1-") && first.len() == 34, "{first}");
    publish(&feed, "right-pad", "1.0.0", &["latest"]);
    assert_eq!(packument_to_write(&feed, "left-pad").1, first);
    publish(&feed, "left-pad", "1.1.0", &["latest"]);
    assert_ne!(packument_to_write(&feed, "left-pad").1, first);
    assert_eq!(escaped("@a/b"), "@a%2fb");
}
