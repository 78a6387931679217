use pakhus_npm::Npm;
use pakhus_plugin_api::{BlobRef, Digest, Metadata, NewVersion, PackageType, RefusalKind};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::support::{feed, integrity, publish_document, put, shasum};

/// A version as a publish stores it, by hand: what other sites send must keep being accepted.
fn metadata() -> Value {
    json!({
        "format": 1,
        "install": {"name": "@acme/pad", "version": "1.0.0", "dependencies": {"a": "^1.0.0"}},
        "details": {"license": "MIT"},
        "dist": {"shasum": shasum(b"x"), "integrity": integrity(b"x"), "fileCount": 3},
        "publisher": "alice",
        "readme": "# pad",
        "readme_filename": "README.md",
        "provenance": {"mediaType": "x"},
    })
}

fn version(metadata: &Value) -> NewVersion {
    let npm = Npm::default();
    NewVersion {
        name: npm.parse_name("@acme/pad").unwrap(),
        version: npm.parse_version("1.0.0").unwrap(),
        metadata: Metadata::from_value(metadata).unwrap(),
        blobs: vec![BlobRef {
            digest: Digest::of(b"x"),
            size: 1,
            role: "tarball".to_owned(),
            sha512: None,
        }],
    }
}

#[track_caller]
fn assert_refused(version: &NewVersion, message: &str) {
    let refusal = Npm::default().check_version(version).expect_err("it must be refused");
    assert_eq!(refusal.kind, RefusalKind::Invalid);
    assert!(refusal.message.contains(message), "{refusal}");
}

/// The form is never changed, only followed by others: databases and other sites are full of it.
#[test]
fn a_publish_stores_format_1() {
    let golden = include_str!("../data/metadata-format-1.json").trim_end();
    let feed = feed();
    let mut document = publish_document("@acme/pad", "1.0.0", &["latest"]);
    document["_attachments"]["x.sigstore"] = json!({"data": r#"{ "mediaType": "x" }"#});
    document["versions"]["1.0.0"]["scripts"]["postinstall"] = json!("node build.js");
    document["versions"]["1.0.0"]["dist"]["fileCount"] = json!(3);
    assert_eq!(put(&feed, "@acme/pad", &document).status, 201);
    let stored = feed.stored_version("@acme/pad", "1.0.0").unwrap();
    // Compressors differ, and with them the hashes of what they make.
    let said: Value = serde_json::from_str(golden).unwrap();
    let made: Value = serde_json::from_str(stored.metadata.as_json()).unwrap();
    let mut text = stored.metadata.as_json().to_owned();
    for hash in ["shasum", "integrity"] {
        let hash = |of: &Value| of["dist"][hash].as_str().unwrap().to_owned();
        text = text.replace(&hash(&made), &hash(&said));
    }
    assert_eq!(text, golden);
    let golden: Box<RawValue> = serde_json::from_str(golden).unwrap();
    let sent =
        NewVersion { metadata: Metadata::from_value(&golden).unwrap(), ..version(&metadata()) };
    assert_eq!(Npm::default().check_version(&sent), Ok(()));
}

#[test]
fn what_a_publish_stores_is_accepted() {
    assert_eq!(Npm::default().check_version(&version(&metadata())), Ok(()));
    let mut least = metadata();
    for member in ["publisher", "readme", "readme_filename", "provenance"] {
        least.as_object_mut().unwrap().remove(member);
    }
    least["a_member_of_a_later_version"] = json!({});
    assert_eq!(Npm::default().check_version(&version(&least)), Ok(()));
}

type Edit = fn(&mut Value);

#[test]
fn metadata_of_another_shape_is_refused() {
    let edits: [(&str, Edit); 16] = [
        ("format", |metadata| metadata["format"] = json!(2)),
        ("malformed", |metadata| *metadata = json!([])),
        ("malformed", |metadata| metadata["install"] = json!(7)),
        ("malformed", |metadata| metadata["details"] = json!(null)),
        ("malformed", |metadata| metadata["dist"] = json!({})),
        ("shasum", |metadata| metadata["dist"]["shasum"] = json!("AB")),
        ("integrity", |metadata| metadata["dist"]["integrity"] = json!("sha512-AAAA")),
        ("integrity", |metadata| metadata["dist"]["integrity"] = json!("sha1-AAAA")),
        ("another name", |metadata| metadata["install"]["name"] = json!("@acme/other")),
        ("another name", |metadata| metadata["install"]["version"] = json!("1.0.1")),
        ("`license`", |metadata| metadata["install"]["license"] = json!("MIT")),
        ("`dist`", |metadata| metadata["details"]["dist"] = json!({})),
        ("`bin`", |metadata| metadata["details"]["bin"] = json!("x")),
        ("`_id`", |metadata| metadata["details"]["_id"] = json!("x")),
        ("readme", |metadata| metadata["readme"] = json!(7)),
        ("__proto__", |metadata| metadata["details"]["a"] = json!({"__proto__": 1})),
    ];
    for (message, edit) in edits {
        let mut metadata = metadata();
        edit(&mut metadata);
        assert_refused(&version(&metadata), message);
    }
}

#[test]
fn metadata_is_bounded() {
    let mut long = metadata();
    long["details"]["x"] = json!("x".repeat(5 << 20));
    assert_refused(&version(&long), "longer than");
    let mut deep = metadata();
    deep["details"]["x"] = json!(0);
    let nested = format!("{}{}", "[".repeat(100), "]".repeat(100));
    let text = deep.to_string().replace(r#""x":0"#, &format!(r#""x":{nested}"#));
    let raw: Box<RawValue> = serde_json::from_str(&text).unwrap();
    let deep = NewVersion { metadata: Metadata::from_value(&raw).unwrap(), ..version(&metadata()) };
    assert_refused(&deep, "nested");
}

#[test]
fn a_version_has_one_blob_its_tarball() {
    let good = version(&metadata());
    let blob = good.blobs[0].clone();
    for blobs in [
        vec![],
        vec![blob.clone(), blob.clone()],
        vec![BlobRef { role: "layer".to_owned(), ..blob }],
    ] {
        assert_refused(&NewVersion { blobs, ..good.clone() }, "one blob");
    }
}
