use std::fs;

use pakhus_nuget::NuGet;
use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use pakhus_plugin_api::{Deletes, FeedPolicy};

use crate::support::{File, archive, assert_refused, feed, form, json, nuspec, push, pushed};

const TYPE: &str = "<packageTypes><packageType name=\"SymbolsPackage\"/></packageTypes>";

/// A package that was made with real tools.
fn made(file: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/packages");
    fs::read(format!("{folder}/{file}")).unwrap()
}

fn push_symbols(feed: &MemoryFeed, package: &[u8]) -> Answer {
    let (kind, body) = form(package);
    let request = feed.request("PUT", "/v3/symbols/").header("content-type", kind);
    request.by("alice").body(body).send()
}

/// A feed with a package and its symbols.
fn with_symbols(policy: FeedPolicy) -> MemoryFeed {
    let feed = feed().with_policy(policy);
    for version in ["1.0.0", "1.0.1"] {
        pushed(&feed, &made(&format!("Acme.Lib1.{version}.nupkg")));
        let answer = push_symbols(&feed, &made(&format!("Acme.Lib1.{version}.snupkg")));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    feed
}

const PDB_OF_1_0_0: &str = "/symbols/lib1.pdb/c2508068273e49529de520a3effe9e6fffffffff/lib1.pdb";
const PDB_OF_1_0_1: &str = "/symbols/lib1.pdb/33274ca6fb004be083f9b166ee120779ffffffff/lib1.pdb";

/// Symbols with this file in them.
fn symbols(name: &str, content: &[u8]) -> Vec<u8> {
    let text = nuspec("Acme.Lib1", "1.0.0", TYPE);
    archive(&[File::packed("Acme.nuspec", text), File::packed(name, content)])
}

#[test]
fn a_debugger_finds_a_pdb_by_its_signature() {
    let feed = with_symbols(FeedPolicy::default());
    for path in [
        PDB_OF_1_0_0.to_owned(),
        PDB_OF_1_0_0.replace("lib1", "LIB1"),
        PDB_OF_1_0_0.replace("c250", "C250").replace("ffffffff", "FFFFFFFF"),
        PDB_OF_1_0_0.replace("ffffffff/", "1/"),
    ] {
        let answer = feed.request("GET", &path).send();
        assert_eq!((answer.status, answer.body.len()), (200, 612), "{path}");
        assert!(answer.body.starts_with(b"BSJB"));
    }
    let body = |path: &str| feed.request("GET", path).send().body;
    assert_ne!(body(PDB_OF_1_0_0), body(PDB_OF_1_0_1));
    for path in [
        "/symbols/lib1.pdb/00000000000000000000000000000000ffffffff/lib1.pdb",
        "/symbols/lib1.pd_/c2508068273e49529de520a3effe9e6fffffffff/lib1.pd_",
        "/symbols/other.pdb/c2508068273e49529de520a3effe9e6fffffffff/other.pdb",
        "/symbols/lib1.pdb/c250/lib1.pdb",
        "/symbols/index2.txt",
        "/symbols/pingme.txt",
    ] {
        assert_refused(&feed.request("GET", path).send(), 404, "no such PDB");
    }
}

#[test]
fn the_package_of_symbols_comes_back_byte_for_byte() {
    let feed = with_symbols(FeedPolicy::default());
    let path = "/v3/flat/acme.lib1/1.0.0/acme.lib1.1.0.0.snupkg";
    assert_eq!(feed.request("GET", path).send().body, made("Acme.Lib1.1.0.0.snupkg"));
    let path = "/v3/flat/acme.lib1/2.0.0/acme.lib1.2.0.0.snupkg";
    assert_refused(&feed.request("GET", path).send(), 404, "no symbols of acme.lib1 2.0.0");
}

#[test]
fn symbols_may_be_sent_where_packages_are() {
    let feed = feed();
    pushed(&feed, &made("TestData.1.2.3.nupkg"));
    pushed(&feed, &made("TestData.1.2.3.snupkg"));
    let path = "/symbols/TestData.pdb/16f71ed8dd574aa2ad4a22d29e9c981bffffffff/TestData.pdb";
    assert_eq!(feed.request("GET", path).send().body.len(), 9516);
}

#[test]
fn symbols_are_not_shown_as_packages() {
    let feed = with_symbols(FeedPolicy::default());
    let found = json(&feed, "/v3/search?prerelease=true&semVerLevel=2.0.0");
    assert_eq!(found["totalHits"], 1);
    let versions = json(&feed, "/v3/flat/acme.lib1/index.json");
    assert_eq!(versions["versions"].as_array().unwrap().len(), 2);
    assert_eq!(feed.request("GET", "/v3/flat/.symbols/index.json").send().status, 400);
}

#[test]
fn symbols_need_their_package_and_are_pushed_once() {
    let feed = feed();
    let package = made("Acme.Lib1.1.0.0.snupkg");
    assert_refused(&push_symbols(&feed, &package), 404, "no version 1.0.0 of Acme.Lib1");
    pushed(&feed, &made("Acme.Lib1.1.0.0.nupkg"));
    assert_eq!(push_symbols(&feed, &package).status, 201);
    assert_refused(&push_symbols(&feed, &package), 409, "are here already");
    let feed = with_symbols(FeedPolicy { overwrite: true, ..FeedPolicy::default() });
    assert_eq!(push_symbols(&feed, &package).status, 201);
    assert_eq!(feed.request("GET", PDB_OF_1_0_0).send().status, 200);
}

#[test]
fn what_is_no_package_of_symbols_is_refused() {
    let feed = feed();
    pushed(&feed, &made("Acme.Lib1.1.0.0.nupkg"));
    let refused = |package: &[u8], message| {
        assert_refused(&push_symbols(&feed, package), 400, message);
    };
    refused(&made("Acme.Lib1.1.0.1.nupkg"), "no package of symbols");
    refused(&symbols("lib/a.dll", b"MZ"), "only PDBs may be in it");
    refused(&symbols("a.xml", b""), "no PDB in it");
    refused(&symbols("a.pdb", b"Microsoft C/C++ MSF 7.00\r\n"), "is a Windows PDB");
    for content in [b"".as_slice(), b"BSJB", &[b"BSJB".as_slice(), &[0xff; 2000]].concat()] {
        refused(&symbols("a.pdb", content), "is no portable PDB");
    }
    let broken = File { packed: vec![0xff; 9], ..File::packed("a.pdb", "BSJB") };
    let text = nuspec("Acme.Lib1", "1.0.0", TYPE);
    refused(&archive(&[File::packed("Acme.nuspec", text), broken]), "unpack");
    assert_eq!(push(&feed, &symbols("a.pdb", b"")).status, 400);
}

#[test]
fn symbols_go_with_the_version_that_is_removed() {
    let feed = with_symbols(FeedPolicy { deletes: Deletes::Remove, ..FeedPolicy::default() });
    assert_eq!(feed.request("DELETE", "/v3/package/acme.lib1/1.0.0").send().status, 204);
    assert_eq!(feed.request("GET", PDB_OF_1_0_0).send().status, 404);
    assert_eq!(feed.request("GET", PDB_OF_1_0_1).send().status, 200);
    let path = "/v3/flat/acme.lib1/1.0.0/acme.lib1.1.0.0.snupkg";
    assert_eq!(feed.request("GET", path).send().status, 404);
    // It may all come again.
    pushed(&feed, &made("Acme.Lib1.1.0.0.nupkg"));
    assert_eq!(push_symbols(&feed, &made("Acme.Lib1.1.0.0.snupkg")).status, 201);
    assert_eq!(feed.request("GET", PDB_OF_1_0_0).send().status, 200);
}

#[test]
fn symbols_are_at_the_other_site_too() {
    let la = with_symbols(FeedPolicy::default());
    let tokyo = MemoryFeed::new(NuGet::default()).at_site("tokyo");
    tokyo.pull_from(&la).unwrap();
    for path in [PDB_OF_1_0_0, "/v3/flat/acme.lib1/1.0.0/acme.lib1.1.0.0.snupkg"] {
        let (here, there) = (la.request("GET", path).send(), tokyo.request("GET", path).send());
        assert_eq!((there.status, there.body), (200, here.body), "{path}");
    }
}
