use serde_json::{Value, json};

use crate::support::{assert_refused, base64, feed, integrity, publish_document, put};

const TARBALL: &str = "left-pad-1.0.0.tgz";

/// Publishes after `edit` has broken the document, which must be refused as malformed.
#[track_caller]
fn assert_invalid(message: &str, edit: impl FnOnce(&mut Value)) {
    let feed = feed();
    let mut document = publish_document("left-pad", "1.0.0", &["latest"]);
    edit(&mut document);
    assert_refused(&put(&feed, "left-pad", &document), 400, message);
    assert_eq!(feed.request("GET", "/left-pad").send().status, 404);
}

#[test]
fn the_document_is_about_the_package_of_its_path() {
    assert_invalid("`name` is `right-pad`", |document| document["name"] = json!("right-pad"));
    assert_invalid("`_id` is `Left-Pad`", |document| document["_id"] = json!("Left-Pad"));
    assert_invalid("no `name`", |document| {
        document.as_object_mut().unwrap().remove("name");
    });
}

#[test]
fn a_publish_has_one_version() {
    assert_invalid("exactly one version", |document| document["versions"] = json!({}));
    assert_invalid("exactly one version", |document| {
        document["versions"]["1.1.0"] = document["versions"]["1.0.0"].clone();
    });
    assert_invalid("neither versions", |document| document["versions"] = json!(null));
}

#[test]
fn the_manifest_is_of_the_version_published() {
    assert_invalid("version is `1.0.1`", |document| {
        document["versions"]["1.0.0"]["version"] = json!("1.0.1");
    });
    assert_invalid("name is `right-pad`", |document| {
        document["versions"]["1.0.0"]["name"] = json!("right-pad");
    });
    assert_invalid("version is ``", |document| {
        document["versions"]["1.0.0"]["version"] = json!(1);
    });
    for version in ["1.0", "v1.0.0", "latest", "01.0.0", "9007199254740992.0.0"] {
        assert_invalid("invalid version", |document| {
            document["versions"] = json!({ version: document["versions"]["1.0.0"].clone() });
        });
    }
}

#[test]
fn a_publish_has_one_tarball() {
    assert_invalid("exactly one tarball", |document| {
        document["_attachments"] = json!({"x.sigstore": {"data": "{}"}});
    });
    assert_invalid("1 attachments", |document| {
        document["_attachments"]["b.tgz"] = document["_attachments"][TARBALL].clone();
    });
    assert_invalid("exactly one tarball", |document| {
        document["_attachments"]["b.tgz"] = json!({});
    });
    assert_invalid("no `data`", |document| document["_attachments"][TARBALL]["data"] = json!(1));
    assert_invalid("not base64", |document| {
        document["_attachments"][TARBALL]["data"] = json!("?");
    });
}

#[test]
fn a_damaged_tarball_is_refused() {
    assert_invalid("its `length` says 7", |document| {
        document["_attachments"][TARBALL]["length"] = json!(7);
    });
    assert_invalid("SHA-512", |document| {
        document["versions"]["1.0.0"]["dist"]["integrity"] = json!(integrity(b"other"));
    });
    assert_invalid("SHA-1", |document| {
        document["versions"]["1.0.0"]["dist"]["shasum"] = json!("00");
    });
    assert_invalid("SHA-1", |document| {
        document["versions"]["1.0.0"]["dist"]["integrity"] = json!("sha1-AAAA");
    });
}

#[test]
fn a_tarball_is_gzip() {
    for bytes in [b"PK\x03\x04".as_slice(), b"\x1f", b""] {
        assert_invalid("gzip", |document| {
            document["_attachments"][TARBALL] = json!({"data": base64(bytes)});
            document["versions"]["1.0.0"]["dist"] = json!({});
        });
    }
}

#[test]
fn dist_tags_are_words_that_point_to_versions() {
    for tag in ["1.0", "^2", "*", "", "a b", "__proto__"] {
        assert_invalid("dist-tag", |document| document["dist-tags"] = json!({ tag: "1.0.0" }));
    }
    for version in [json!("x"), json!(1), json!(null), json!("^1.0.0")] {
        assert_invalid("", |document| document["dist-tags"] = json!({ "latest": version }));
    }
    assert_invalid("at most 100", |document| {
        let tags = (0..101).map(|number| (format!("tag-{number}"), json!("1.0.0")));
        document["dist-tags"] = tags.collect();
    });
}

#[test]
fn a_document_is_an_object_of_npm_s_shape() {
    let feed = feed();
    for body in ["", "null", "[]", "{", "\"x\"", "7", "{\"_attachments\":[]}", "{\"versions\":1}"] {
        let answer = feed.request("PUT", "/left-pad").by("alice").body(body).send();
        assert_refused(&answer, 400, "");
    }
}
