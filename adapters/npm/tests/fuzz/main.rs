//! Mutated publishes: whatever is sent, it is answered, and what is accepted can be read.
//!
//! Every run replays the corpus. `PAKHUS_FUZZ_SECONDS` then has each target fed with mutations of the
//! corpus for so long (`tests/run --long` does); an input that fails is written beside the test's
//! program and belongs into the corpus, and so does what finds a path that nothing else does.

#![allow(clippy::unwrap_used, missing_docs)]

mod archive;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_npm::Npm;
use pakhus_plugin_api::testing::{Fuzz, MemoryFeed};
use serde_json::json;

/// Texts that mean something to the code under test.
const WORDS: [&str; 22] = [
    "\"_attachments\":",
    "\"versions\":{",
    "\"dist-tags\":{",
    "\"maintainers\":[",
    "\"users\":{}",
    "\"deprecated\":",
    "\"__proto__\":",
    "\"1.0.0\":",
    "\"latest\":",
    "null",
    "-1",
    "1e999",
    "9007199254740993",
    "\\ud800",
    "{\"a\":",
    "[[[[[[[[",
    "\"\"",
    "../",
    "package.json",
    "binding.gyp",
    "0000000",
    "77777777777",
];

fn put(feed: &MemoryFeed, body: Vec<u8>) -> u16 {
    let answer = feed.request("PUT", "/left-pad").by("alice").body(body).send();
    assert!(answer.status < 500, "{}", answer.text());
    assert!(answer.json().is_object());
    answer.status
}

fn is_readable(feed: &MemoryFeed) {
    for accept in ["application/json", "application/vnd.npm.install-v1+json"] {
        let answer = feed.request("GET", "/left-pad").header("accept", accept).send();
        assert!(matches!(answer.status, 200 | 404), "{}", answer.text());
        let document = answer.json();
        for manifest in document["versions"].as_object().into_iter().flat_map(|it| it.values()) {
            assert_eq!(manifest["name"], "left-pad");
            let tarball = manifest["dist"]["tarball"].as_str().unwrap();
            let path = tarball.strip_prefix("https://pakhus.test/npm/main").unwrap();
            assert_eq!(feed.request("GET", path).send().status, 200, "{path}");
        }
    }
}

/// The body of a `PUT`, as it is; `REV` stands for the package's revision.
fn document(input: &[u8]) {
    let feed = MemoryFeed::new(Npm::default());
    let version = br#"{"name":"left-pad","version":"0.9.0"}"#;
    assert_eq!(put(&feed, publish("0.9.0", &archive::of_manifest(version))), 201);
    let rev = feed.request("GET", "/left-pad?write=true").send().json()["_rev"].clone();
    let body = match std::str::from_utf8(input) {
        Ok(text) => text.replace("REV", rev.as_str().unwrap()).into_bytes(),
        Err(_) => input.to_vec(),
    };
    put(&feed, body.clone());
    is_readable(&feed);
    // The same once more finds its own traces.
    put(&feed, body);
    let path = "/left-pad/-rev/1-0";
    let answer = feed.request("PUT", path).by("alice").body(input.to_vec()).send();
    assert!(answer.status < 500, "{}", answer.text());
}

/// A tarball, compressed by gzip.
fn tarball(input: &[u8]) {
    let feed = MemoryFeed::new(Npm::default());
    put(&feed, publish("1.0.0", input));
    is_readable(&feed);
}

fn publish(version: &str, tarball: &[u8]) -> Vec<u8> {
    json!({
        "name": "left-pad",
        "versions": { version: { "name": "left-pad", "version": version } },
        "_attachments": { "left-pad.tgz": { "data": STANDARD.encode(tarball) } },
    })
    .to_string()
    .into_bytes()
}

fn corpus(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(folder);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn publish_documents() {
    let (fuzz, corpus) = (Fuzz::new("document", document, &WORDS), corpus("documents"));
    for (path, input) in &corpus {
        assert!(path.extension().is_some_and(|extension| extension == "json"), "{path:?}");
        fuzz.check(input);
    }
    let seeds: Vec<_> = corpus.into_iter().map(|(_, input)| input).collect();
    fuzz.run(&seeds, |input| input);
}

#[test]
fn tarballs() {
    let fuzz = Fuzz::new("tarball", tarball, &WORDS);
    let (mut archives, mut files) = (Vec::new(), Vec::new());
    for (path, input) in corpus("tarballs") {
        if path.extension().is_some_and(|extension| extension == "tar") {
            fuzz.check(&archive::compressed(&input));
            archives.push(input);
        } else {
            fuzz.check(&input);
            files.push(input);
        }
    }
    // What is within the compression is out of reach for mutations of the file.
    fuzz.run(&archives, |input| archive::compressed(&archive::with_checksums(input)));
    fuzz.run(&files, |input| input);
}
