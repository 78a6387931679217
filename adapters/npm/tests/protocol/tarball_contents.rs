//! What must be in a tarball for it to be published.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use pakhus_plugin_api::testing::Answer;
use serde_json::{Value, json};

use crate::support::{abbreviated, archive, assert_refused, attach, feed, publish_document, put};

fn publish_bytes(bytes: &[u8]) -> Answer {
    let mut document = publish_document("left-pad", "1.0.0", &["latest"]);
    attach(&mut document, bytes);
    put(&feed(), "left-pad", &document)
}

fn publish_manifest(manifest: &str) -> Answer {
    publish_bytes(&archive(&[("package/package.json", manifest.as_bytes())]))
}

const RIGHT: &[u8] = br#"{"name":"left-pad","version":"1.0.0"}"#;

#[test]
fn the_manifest_in_it_says_what_is_published() {
    for manifest in [
        r#"{"name":"left-pad","version":"1.0.0"}"#,
        r#"{"name":" left-pad ","version":" v1.0.0+build "}"#,
        r#"{"name":"left-pad","version":"=1.0.0","scripts":[],"gypfile":"no"}"#,
        "\u{feff}{\"name\":\"left-pad\",\"version\":\"1.0.0\"}",
    ] {
        assert_eq!(publish_manifest(manifest).status, 201, "{manifest}");
    }
    for (manifest, message) in [
        (r#"{"name":"right-pad","version":"1.0.0"}"#, "`right-pad`, but `left-pad`"),
        (r#"{"name":"Left-pad","version":"1.0.0"}"#, "`Left-pad`, but `left-pad`"),
        (r#"{"name":"left-pad","version":"1.0.1"}"#, "`1.0.1`, but `1.0.0`"),
        (r#"{"name":"left-pad","version":"one"}"#, "`one`, but `1.0.0`"),
        (r#"{"name":"left-pad"}"#, "malformed"),
        (r#"{"name":"left-pad","version":1}"#, "malformed"),
        (r#"{"name":"left-pad","name":"other","version":"1.0.0"}"#, "malformed"),
        ("[]", "malformed"),
        ("", "malformed"),
    ] {
        assert_refused(&publish_manifest(manifest), 400, message);
    }
}

#[test]
fn it_lies_in_the_top_folder_whatever_that_is_called() {
    for path in ["package/package.json", "left-pad/package.json", "a//package.json"] {
        let files: &[(&str, &[u8])] = &[("package/dist/package.json", b"{}"), (path, RIGHT)];
        assert_eq!(publish_bytes(&archive(files)).status, 201, "{path}");
    }
    for path in ["package.json", "a/b/package.json", "package/Package.json", "package/x"] {
        let answer = publish_bytes(&archive(&[(path, RIGHT)]));
        assert_refused(&answer, 400, "no `package.json`");
    }
    let files: &[(&str, &[u8])] = &[("a/package.json", RIGHT), ("b/package.json", b"{}")];
    assert_refused(&publish_bytes(&archive(files)), 400, "two `package.json`");
}

#[test]
fn a_tarball_that_is_none_is_refused() {
    let whole = archive(&[("package/package.json", RIGHT), ("package/x", &[7; 5000])]);
    for length in [20, whole.len() / 2, whole.len() - 1] {
        assert_refused(&publish_bytes(&whole[..length]), 400, "damaged");
    }
    let mut flipped = whole.clone();
    flipped[30] ^= 0xff;
    assert_eq!(publish_bytes(&flipped).status, 400);
    let mut no_tar = GzEncoder::new(Vec::new(), Compression::fast());
    no_tar.write_all(&[b'x'; 5000]).unwrap();
    assert_refused(&publish_bytes(&no_tar.finish().unwrap()), 400, "no header of a tar file");
}

#[test]
fn what_follows_the_archive_is_not_looked_at() {
    let mut bytes = archive(&[("package/package.json", RIGHT)]);
    bytes.extend_from_slice(&[7; 100_000]);
    assert_eq!(publish_bytes(&bytes).status, 201);
}

/// A tarball with an entry of this kind and a `package.json` behind it.
fn with_entry(kind: tar::EntryType, path: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    archive.append_data(&mut header, path, content).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(RIGHT.len() as u64);
    archive.append_data(&mut header, "package/package.json", RIGHT).unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn entries_of_other_kinds_are_read_past() {
    use tar::EntryType;
    let long = format!("package/{}/x", "folder/".repeat(60));
    for (kind, path) in [
        (EntryType::Directory, "package/"),
        (EntryType::Symlink, "package/package.json"),
        (EntryType::Link, "package/package.json"),
        (EntryType::XGlobalHeader, "pax_global_header"),
        (EntryType::Regular, long.as_str()),
    ] {
        let answer = publish_bytes(&with_entry(kind, path, b""));
        assert_eq!(answer.status, 201, "{kind:?}: {}", answer.text());
    }
    let sparse = with_entry(EntryType::GNUSparse, "package/x", b"");
    assert_refused(&publish_bytes(&sparse), 400, "sparse");
    // The real path is in the extended header, in which clients look first.
    let path = b"29 path=package/package.json\n";
    let hidden = with_entry(EntryType::XHeader, "x", path);
    assert_eq!(publish_bytes(&hidden).status, 201);
    let path = b"16 path=package\n";
    let hidden = with_entry(EntryType::XHeader, "x", path);
    assert_refused(&publish_bytes(&hidden), 400, "no `package.json`");
}

#[test]
fn a_bomb_is_given_up() {
    let started = std::time::Instant::now();
    let mut zeros = GzEncoder::new(Vec::new(), Compression::fast());
    let mut archive = tar::Header::new_ustar();
    archive.set_path("package/package.json").unwrap();
    archive.set_size(8 << 30);
    archive.set_cksum();
    zeros.write_all(archive.as_bytes()).unwrap();
    zeros.write_all(&vec![0; 1 << 20]).unwrap();
    assert_refused(&publish_bytes(&zeros.finish().unwrap()), 400, "longer than 4194304 bytes");
    assert!(started.elapsed().as_secs() < 10);
}

fn has_install_script(files: &[(&str, &[u8])], document_says: Option<Value>) -> bool {
    let feed = feed();
    let mut document = publish_document("left-pad", "1.0.0", &["latest"]);
    attach(&mut document, &archive(files));
    if let Some(says) = document_says {
        document["versions"]["1.0.0"]["hasInstallScript"] = says;
    }
    let answer = put(&feed, "left-pad", &document);
    assert_eq!(answer.status, 201, "{}", answer.text());
    abbreviated(&feed, "left-pad")["versions"]["1.0.0"].get("hasInstallScript")
        == Some(&json!(true))
}

#[test]
fn what_runs_at_install_is_read_from_the_tarball() {
    let manifest = |rest: &str| format!(r#"{{"name":"left-pad","version":"1.0.0"{rest}}}"#);
    for (rest, has_gyp, expected) in [
        ("", false, false),
        ("", true, true),
        (r#","scripts":{"test":"x"}"#, true, true),
        (r#","scripts":{"postinstall":"x"}"#, false, true),
        (r#","scripts":{"install":"x"}"#, false, true),
        (r#","scripts":{"install":""}"#, false, false),
        (r#","gypfile":false"#, true, false),
        (r#","gypfile":true"#, false, false),
    ] {
        let manifest = manifest(rest);
        let mut files: Vec<(&str, &[u8])> = vec![("package/package.json", manifest.as_bytes())];
        if has_gyp {
            files.push(("package/binding.gyp", b"{}"));
        }
        assert_eq!(has_install_script(&files, None), expected, "{manifest} {has_gyp}");
        assert_eq!(has_install_script(&files, Some(json!(!expected))), expected, "{manifest}");
    }
    // Only at the top.
    let files: &[(&str, &[u8])] =
        &[("package/package.json", RIGHT), ("package/deps/binding.gyp", b"{}")];
    assert!(!has_install_script(files, None));
}
