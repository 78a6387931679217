use serde_json::{Value, json};

use crate::support::{
    abbreviated, base64, feed, integrity, packument, publish, publish_document, publish_with, put,
    shasum, tarball,
};

#[test]
fn a_publish_is_one_change() {
    let feed = feed();
    let answer = put(&feed, "left-pad", &publish_document("left-pad", "1.0.0", &["latest"]));
    assert_eq!((answer.status, answer.header("content-type")), (201, Some("application/json")));
    assert_eq!(answer.json(), json!({"ok": "version published", "success": true}));
    let (size, read) = (answer.transcript[1].clone(), answer.transcript[3].clone());
    assert_eq!(
        answer.transcript,
        [
            "? receive_document, lift _attachments/*.tgz/data",
            &size,
            "? read_blob from 0 on",
            &read,
            "? commit publish left-pad 1.0.0; deprecated of 1.0.0 = nothing; tag latest = 1.0.0",
            "= sequence 2",
        ]
    );
    assert!(size.ends_with("bytes, 1 lifted"), "{size}");
    assert_eq!(feed.blob_count(), 1);

    let answer = put(&feed, "left-pad", &publish_document("left-pad", "1.1.0", &["latest"]));
    assert_eq!(answer.json()["ok"], "version published");
}

#[test]
fn attachments_may_come_first_or_last() {
    let feed = feed();
    let document = publish_document("left-pad", "1.0.0", &["latest"]);
    let mut berry = json!({ "_attachments": document["_attachments"] });
    for (member, value) in document.as_object().unwrap() {
        berry[member] = value.clone();
    }
    assert!(berry.to_string().starts_with("{\"_attachments\""));
    assert_eq!(put(&feed, "left-pad", &berry).status, 201);
}

#[test]
fn a_version_cannot_be_published_twice() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    for version in ["1.0.0", "1.0.0+other"] {
        let answer = put(&feed, "left-pad", &publish_document("left-pad", version, &["latest"]));
        assert_eq!(answer.status, 409);
        let message =
            format!("You cannot publish over the previously published versions: {version}.");
        assert_eq!(answer.json()["error"], message);
    }
    assert_eq!(packument(&feed, "left-pad")["versions"].as_object().unwrap().len(), 1);
}

#[test]
fn a_publish_that_is_refused_changes_nothing() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    let before = packument(&feed, "left-pad");
    let mut document = publish_document("left-pad", "1.1.0", &["latest"]);
    document["dist-tags"]["beta"] = json!("9.9.9");
    let answer = put(&feed, "left-pad", &document);
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("9.9.9"), "{}", answer.text());
    assert_eq!(packument(&feed, "left-pad"), before);
}

#[test]
fn exactly_the_tags_of_the_document_are_set() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0", &["latest"]);
    publish(&feed, "left-pad", "2.0.0-beta.1", &["beta", "next"]);
    let tags = json!({"beta": "2.0.0-beta.1", "latest": "1.0.0", "next": "2.0.0-beta.1"});
    assert_eq!(packument(&feed, "left-pad")["dist-tags"], tags);
    publish(&feed, "left-pad", "2.0.0-beta.2", &["latest"]);
    assert_eq!(packument(&feed, "left-pad")["dist-tags"]["latest"], "2.0.0-beta.2");
}

#[test]
fn a_first_publish_under_another_tag_sets_latest_too() {
    let feed = feed();
    publish(&feed, "left-pad", "1.0.0-beta.1", &["beta"]);
    let tags = json!({"beta": "1.0.0-beta.1", "latest": "1.0.0-beta.1"});
    assert_eq!(packument(&feed, "left-pad")["dist-tags"], tags);
    publish(&feed, "left-pad", "1.0.0-beta.2", &["beta"]);
    assert_eq!(packument(&feed, "left-pad")["dist-tags"]["latest"], "1.0.0-beta.1");
}

#[test]
fn the_server_says_who_published() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| {
        manifest["_npmUser"] = json!({"name": "mallory"});
        manifest["maintainers"] = json!([{"name": "mallory"}]);
    });
    let answer = feed
        .request("PUT", "/left-pad")
        .by("bob")
        .body(publish_document("left-pad", "1.1.0", &["latest"]).to_string())
        .send();
    assert_eq!(answer.status, 201);
    let packument = packument(&feed, "left-pad");
    let (alice, bob) = (json!({"name": "alice", "email": ""}), json!({"name": "bob", "email": ""}));
    assert_eq!(packument["versions"]["1.0.0"]["_npmUser"], alice);
    assert_eq!(packument["versions"]["1.0.0"]["maintainers"], json!([alice]));
    assert_eq!(packument["versions"]["1.1.0"]["_npmUser"], bob);
    assert_eq!(packument["maintainers"], json!([alice, bob]));
}

#[test]
fn the_hashes_are_computed_and_not_believed() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| {
        manifest["dist"] =
            json!({"fileCount": 3, "unpackedSize": 42, "signatures": [{"sig": "x"}]});
    });
    let bytes = tarball("left-pad", "1.0.0");
    let expected = json!({
        "shasum": shasum(&bytes),
        "integrity": integrity(&bytes),
        "fileCount": 3,
        "unpackedSize": 42,
        "tarball": "https://pakhus.test/npm/main/left-pad/-/left-pad-1.0.0.tgz",
    });
    assert_eq!(packument(&feed, "left-pad")["versions"]["1.0.0"]["dist"], expected);
}

#[test]
fn an_integrity_may_list_several_hashes() {
    let feed = feed();
    let bytes = tarball("left-pad", "1.0.0");
    let others = "md5-AAAA sha384-AAAA sha512-AAAA?option";
    publish_with(&feed, "1.0.0", |manifest| {
        manifest["dist"]["integrity"] = json!(format!("{others} {}?x", integrity(&bytes)));
        manifest["dist"]["shasum"] = json!(shasum(&bytes).to_uppercase());
    });
}

#[test]
fn what_clients_leave_in_a_manifest_is_left_out() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| {
        for member in ["_integrity", "integrity", "shasum", "_resolved", "_from", "_attachments"] {
            manifest[member] = json!("/home/alice/secret");
        }
        manifest["exports"] = json!({"./z": "./z.js", "./a": "./a.js"});
    });
    let manifest = packument(&feed, "left-pad")["versions"]["1.0.0"].clone();
    assert!(!manifest.to_string().contains("secret"), "{manifest}");
    assert!(manifest.get("readme").is_none() && manifest.get("readmeFilename").is_none());
    assert_eq!(manifest["exports"].to_string(), r#"{"./z":"./z.js","./a":"./a.js"}"#);
    assert_eq!(manifest["_id"], "left-pad@1.0.0");
    assert_eq!(manifest["_nodeVersion"], "24.21.0");
}

#[test]
fn install_scripts_are_worked_out_here() {
    let cases: [(Value, Value, bool); 6] = [
        (json!({"postinstall": "node x"}), json!(null), true),
        (json!({"preinstall": "x", "test": "y"}), json!(null), true),
        (json!({}), json!(true), true),
        (json!({"install": ""}), json!(false), false),
        (json!({"prepare": "x"}), json!(null), false),
        (json!("postinstall"), json!("yes"), false),
    ];
    for (scripts, gypfile, expected) in cases {
        let feed = feed();
        publish_with(&feed, "1.0.0", |manifest| {
            manifest["scripts"] = scripts.clone();
            manifest["gypfile"] = gypfile;
            manifest["hasInstallScript"] = json!(!expected);
        });
        for packument in [packument(&feed, "left-pad"), abbreviated(&feed, "left-pad")] {
            let says = &packument["versions"]["1.0.0"]["hasInstallScript"];
            assert_eq!(says.as_bool().unwrap_or(false), expected, "{scripts}");
        }
    }
}

#[test]
fn the_readme_may_stand_beside_the_versions() {
    let feed = feed();
    let mut document = publish_document("left-pad", "1.0.0", &["latest"]);
    document["versions"]["1.0.0"].as_object_mut().unwrap().remove("readme");
    document["readme"] = json!("# from Yarn");
    assert_eq!(put(&feed, "left-pad", &document).status, 201);
    assert_eq!(packument(&feed, "left-pad")["readme"], "# from Yarn");
}

#[test]
fn a_long_readme_is_cut_between_characters() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| {
        manifest["readme"] = json!(format!("x{}", "ä".repeat(40_000)));
    });
    let packument = packument(&feed, "left-pad");
    assert_eq!(packument["readme"].as_str().unwrap().len(), 65_535);
}

#[test]
fn a_provenance_bundle_beside_the_tarball_is_accepted() {
    let feed = feed();
    let mut document = publish_document("@acme/pad", "1.0.0", &["latest"]);
    let bundle = json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}).to_string();
    document["_attachments"]["@acme/pad-1.0.0.sigstore"] = json!({
        "content_type": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "data": bundle,
        "length": bundle.len(),
    });
    let answer = put(&feed, "@acme/pad", &document);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(feed.blob_count(), 1);
    document["_attachments"]["@acme/pad-1.0.0.sigstore"]["data"] = json!(base64(b"{}"));
    let answer = put(&feed, "@acme/pad", &document);
    assert_eq!(answer.status, 400, "{}", answer.text());
}

#[test]
fn a_manifest_may_be_deprecated_from_the_start() {
    let feed = feed();
    publish_with(&feed, "1.0.0", |manifest| manifest["deprecated"] = json!("use right-pad"));
    publish_with(&feed, "1.1.0", |manifest| manifest["deprecated"] = json!(false));
    let versions = packument(&feed, "left-pad")["versions"].clone();
    assert_eq!(versions["1.0.0"]["deprecated"], "use right-pad");
    assert!(versions["1.1.0"].get("deprecated").is_none());
}
