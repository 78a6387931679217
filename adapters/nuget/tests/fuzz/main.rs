//! Mutated packages: whatever is pushed, it is answered, and what is accepted can be read.
//!
//! Every run replays the corpus. `PAKHUS_FUZZ_SECONDS` then has each target fed with mutations of the
//! corpus for so long (`tests/run --long` does); an input that fails is written beside the test's
//! program and belongs into the corpus.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../protocol/support/zip.rs"]
mod zip;

use std::fs;
use std::path::Path;

use pakhus_nuget::NuGet;
use pakhus_plugin_api::testing::{Fuzz, MemoryFeed};

use crate::zip::{File, archive};

/// Texts that mean something to the code under test.
const WORDS: [&str; 22] = [
    "<id>",
    "</metadata>",
    "<dependencies>",
    "<dependency id=\"",
    "<group targetFramework=\"",
    "<license type=\"file\">",
    "<icon>a</icon>",
    "<packageTypes>",
    "<!DOCTYPE a",
    "<![CDATA[",
    "&#x110000;",
    "&amp;",
    "encoding=\"utf-16\"",
    "\u{feff}",
    "2147483648",
    "[1.0.0, )",
    "1.0.0-a.1+b",
    "../",
    "%2e%2e",
    "PK\x05\x06",
    "PK\x01\x02",
    "\x01\0\x18\0",
];

fn push(feed: &MemoryFeed, package: Vec<u8>) {
    let answer = feed.request("PUT", "/v3/package").by("alice").body(package).send();
    assert!(answer.status < 500, "{}", answer.text());
    if answer.status != 201 {
        assert!(answer.json()["error"].is_string());
        return;
    }
    let all = "prerelease=true&semVerLevel=2.0.0";
    let found = feed.request("GET", &format!("/v3/search?{all}")).send().json();
    let (id, version) = (&found["data"][0]["id"], &found["data"][0]["version"]);
    let id = id.as_str().unwrap().to_lowercase();
    let version = version.as_str().unwrap().split('+').next().unwrap().to_lowercase();
    for path in [
        format!("/v3/registration-gz-semver2/{id}/index.json"),
        format!("/v3/registration-gz-semver2/{id}/{version}.json"),
        format!("/v3/details/{id}/{version}.json"),
        format!("/v3/flat/{id}/index.json"),
        format!("/v3/flat/{id}/{version}/{id}.nuspec"),
        format!("/v3/flat/{id}/{version}/{id}.{version}.nupkg"),
        format!("/v2/FindPackagesById()?id='{id}'&semVerLevel=2.0.0"),
    ] {
        let answer = feed.request("GET", &path).send();
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let other = MemoryFeed::new(NuGet::default()).at_site("other");
    other.pull_from(feed).unwrap();
}

fn feed() -> MemoryFeed {
    MemoryFeed::new(NuGet::default())
}

/// A nuspec in a package that is as it should be.
fn nuspec(input: &[u8]) {
    push(&feed(), archive(&[File::stored("a.nuspec", input), File::stored("a", "a")]));
}

/// A package file.
fn package(input: &[u8]) {
    push(&feed(), input.to_vec());
}

/// A PDB in a package of symbols that is as it should be.
fn pdb(input: &[u8]) {
    let metadata = |more| {
        format!("<package><metadata><id>A</id><version>1.0.0</version>{more}</metadata></package>")
    };
    let feed = feed();
    push(&feed, archive(&[File::packed("a.nuspec", metadata(""))]));
    let kind = "<packageTypes><packageType name=\"SymbolsPackage\"/></packageTypes>";
    let symbols = [File::stored("a.nuspec", metadata(kind)), File::stored("a.pdb", input)];
    let request = feed.request("PUT", "/v3/symbols").by("alice");
    let answer = request.body(archive(&symbols)).send();
    assert!(answer.status < 500, "{}", answer.text());
}

fn files(folder: &str, extensions: &[&str]) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| extensions.iter().any(|it| path.extension().is_some_and(|is| is == *it)));
    files.sort();
    assert!(!files.is_empty());
    files.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

fn replay(fuzz: &Fuzz<'_>, seeds: &[Vec<u8>]) {
    seeds.iter().for_each(|input| fuzz.check(input));
    fuzz.run(seeds, |input| input);
}

#[test]
fn nuspecs() {
    replay(&Fuzz::new("nuspec", nuspec, &WORDS), &files("fuzz/corpus/nuspecs", &["nuspec"]));
}

#[test]
fn packages() {
    let packages = files("data/packages", &["nupkg", "snupkg"]);
    replay(&Fuzz::new("package", package, &WORDS), &packages);
}

#[test]
fn pdbs() {
    // A file with a version, one stream and its GUID.
    let pdb = b"BSJB\x01\0\x01\0\0\0\0\0\x0c\0\0\0PDB v1.0\0\0\0\0\0\0\x01\0\
        \x34\0\0\0\x18\0\0\0#Pdb\0\0\0\x000123456789abcdefstamp";
    replay(&Fuzz::new("pdb", self::pdb, &WORDS), &[pdb.to_vec()]);
}
