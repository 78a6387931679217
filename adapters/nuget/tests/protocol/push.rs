use pakhus_plugin_api::FeedPolicy;
use serde_json::json;

use crate::support::{
    File, archive, assert_refused, feed, form, json, nuspec, package, package_of, push, pushed,
};

#[test]
fn a_push_is_one_change() {
    let feed = feed();
    let answer = push(&feed, &package("Acme.Lib", "1.0.0"));
    assert_eq!((answer.status, answer.text()), (201, ""));
    let questions: Vec<_> =
        answer.transcript.iter().filter(|line| !line.contains("read_blob")).collect();
    assert_eq!(questions[0], "? receive_file");
    let commit = "? commit publish Acme.Lib 1.0.0; listed of 1.0.0 = nothing";
    assert_eq!(questions[questions.len() - 2], commit);
    assert_eq!(feed.blob_count(), 1);
}

#[test]
fn a_package_may_be_the_body_itself() {
    let feed = feed();
    let body = package("Acme.Lib", "1.0.0");
    for path in ["/v3/package", "/v3/package/"] {
        let request = feed.request("PUT", path).header("content-type", "application/octet-stream");
        let status = request.by("alice").body(body.clone()).send().status;
        assert_eq!(status, if path.ends_with('/') { 409 } else { 201 }, "{path}");
    }
}

#[test]
fn the_oldest_clients_end_a_push_with_a_bare_line_feed() {
    let feed = feed();
    let package = package("Acme.Lib", "1.0.0");
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"package\"; \
        filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        .to_vec();
    body.extend_from_slice(&package);
    body.extend_from_slice(b"\n--b--");
    let request = feed.request("PUT", "/v3/package/");
    let answer =
        request.header("content-type", "multipart/form-data; boundary=b").body(body).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let path = "/v3/flat/acme.lib/1.0.0/acme.lib.1.0.0.nupkg";
    assert_eq!(feed.request("GET", path).send().body, package);
}

#[test]
fn a_version_cannot_be_pushed_twice_however_it_is_written() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0-Beta"));
    for (id, version) in [
        ("Acme.Lib", "1.0.0-Beta"),
        ("ACME.lib", "1.0.0-Beta"),
        ("Acme.Lib", "1.0-beta"),
        ("Acme.Lib", "01.0.0.0-BETA+build"),
    ] {
        assert_refused(&push(&feed, &package(id, version)), 409, "is here already");
    }
    let versions = json(&feed, "/v3/flat/acme.lib/index.json");
    assert_eq!(versions, json!({ "versions": ["1.0.0-beta"] }));
}

#[test]
fn a_feed_may_let_a_push_replace_a_version() {
    let feed = feed().with_policy(FeedPolicy { overwrite: true, ..FeedPolicy::default() });
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    assert_eq!(feed.request("DELETE", "/v3/package/acme.lib/1.0.0").send().status, 204);
    let other = package_of(nuspec("Acme.Lib", "1.0.0", "<title>Other</title>"));
    for bytes in [&other, &other] {
        pushed(&feed, bytes);
    }
    let path = "/v3/flat/acme.lib/1.0.0/acme.lib.1.0.0.nupkg";
    assert_eq!(feed.request("GET", path).send().body, other);
    let details = json(&feed, "/v3/details/acme.lib/1.0.0.json");
    assert_eq!((&details["title"], &details["listed"]), (&json!("Other"), &json!(true)));
}

#[test]
fn a_package_is_shown_as_it_was_first_pushed() {
    let feed = feed();
    pushed(&feed, &package("Acme.Lib", "1.0.0"));
    pushed(&feed, &package("acme.LIB", "1.1.0"));
    let index = json(&feed, "/v3/registration/ACME.LIB/index.json");
    for item in index["items"][0]["items"].as_array().unwrap() {
        assert_eq!(item["catalogEntry"]["id"], "Acme.Lib");
    }
}

#[test]
fn a_form_without_a_file_and_an_empty_body_are_refused() {
    let feed = feed();
    let (kind, _) = form(b"");
    let request = feed.request("PUT", "/v3/package/").header("content-type", kind);
    assert_refused(&request.body("--25b33b71-0f7b--").send(), 400, "no file");
    assert_refused(&feed.request("PUT", "/v3/package/").send(), 400, "empty");
}

#[test]
fn the_nuspec_may_be_in_any_encoding_that_clients_read() {
    let text = nuspec("Acme.Lib", "1.0.0", "<tags>größer</tags>");
    let utf16 = text.replace("utf-8", "utf-16");
    let little: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = utf16.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin: Vec<u8> = text
        .replace("utf-8", "iso-8859-1")
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect();
    for encoded in [
        text.clone().into_bytes(),
        ["\u{feff}", &text].concat().into_bytes(),
        [b"\xff\xfe".as_slice(), &little].concat(),
        [b"\xfe\xff".as_slice(), &big].concat(),
        little,
        big,
        latin,
        text.replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", "").into_bytes(),
    ] {
        let feed = feed();
        pushed(&feed, &package_of(&encoded));
        let details = json(&feed, "/v3/details/acme.lib/1.0.0.json");
        assert_eq!(details["tags"], json!(["größer"]));
        let stored = feed.request("GET", "/v3/flat/acme.lib/1.0.0/acme.lib.nuspec").send();
        assert_eq!(stored.body, encoded);
    }
}

#[test]
fn packages_of_zip64_and_uncompressed_ones_are_read() {
    let text = nuspec("Acme.Lib", "1.0.0", "");
    let long = File { is_zip64: true, ..File::packed("Acme.nuspec", &text) };
    for file in [long, File::stored("Acme.NuSpec", &text)] {
        let feed = feed();
        pushed(&feed, &archive(&[File::stored("a.txt", "a"), file]));
    }
}
