//! What a replication client may not send: each is refused as a problem, and leaves nothing behind.

use pakhus_core::Digest;
use pakhus_core::replication::{Content, RecordKey, Standing, State, VersionState};
use pakhus_core::{BlobRef, Metadata, Timestamp};
use pakhus_tests::package::Package;
use pakhus_tests::problem::is_problem;
use pakhus_tests::server::{SYNC_TOKEN, Server, Setup};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn site(mode: &str) -> Server {
    let server = Setup::new().npm_feed("libs", mode).npm_feed("other", mode).start().await;
    server.publish("other", &Package::new("private", "1.0.0")).await;
    server
}

async fn post(server: &Server, path: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = server.anonymous(Method::POST, path).bearer_auth(SYNC_TOKEN).body(body);
    request.header("content-type", "application/json").send().await.expect("an answer")
}

/// A record as another site would push it, of a blob that is not here.
fn record(change: impl FnOnce(&mut Content, &mut u64)) -> String {
    let mut content = Content {
        name: "fresh".to_owned(),
        version: "1.0.0".to_owned(),
        published_at: Some(Timestamp::from_millis(1)),
        origin: "elsewhere".to_owned(),
        blobs: vec![BlobRef {
            digest: Digest::of(b"x"),
            size: 1,
            role: "tarball".to_owned(),
            sha512: None,
        }],
        metadata: Metadata::from_value(&json!({ "format": 1 })).expect("JSON"),
    };
    let mut incarnation = 1;
    change(&mut content, &mut incarnation);
    let key = RecordKey::Version { name: "fresh".to_owned(), version: "1.0.0".to_owned() };
    let standing = Standing::Content(content);
    let state = State::Version(VersionState { incarnation, standing });
    json!({ "key": key, "state": state }).to_string() + "\n"
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_records_that_lie_are_refused_and_nothing_is_stored() {
    let server = site("read-write").await;
    let before = server.stored("libs").await;
    let pages = [
        "not json".to_owned(),
        "{}".to_owned(),
        record(|_, _| {}),
        record(|content, _| content.name = "another".to_owned()),
        record(|content, _| content.name = "../evil".to_owned()),
        record(|content, _| content.version = "9.9.9".to_owned()),
        record(|content, _| content.published_at = None),
        record(|_, incarnation| *incarnation = 0),
        record(|_, incarnation| *incarnation = u64::MAX),
        record(|_, _| {}).repeat(2),
    ];
    for page in pages {
        println!("{page}");
        is_problem(post(&server, "/replication/libs/changes", page).await, 400).await;
        server.is_as_before("libs", &before).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_read_write_feed_takes_changes() {
    for mode in ["read-only", "disabled"] {
        let server = site(mode).await;
        let answer = post(&server, "/replication/libs/changes", "").await;
        let detail = is_problem(answer, 403).await;
        assert!(detail.contains(mode), "{detail}");
        for path in ["uploads?digest=x", "uploads/batch"] {
            is_problem(post(&server, &format!("/replication/libs/{path}"), "").await, 403).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_other_bytes_than_announced_is_removed() {
    let server = site("read-write").await;
    let before = server.stored("libs").await;
    let digest = Digest::of(b"announced");
    let begun = post(&server, &format!("/replication/libs/uploads?digest={digest}"), "").await;
    let begun: Value = begun.json().await.expect("JSON");
    let path = format!("/replication/libs/uploads/{}", begun["id"].as_str().expect("an id"));
    let request = |method, query: String| {
        server.anonymous(method, &format!("{path}?{query}")).bearer_auth(SYNC_TOKEN)
    };
    let sent = request(Method::PATCH, format!("digest={digest}&offset=0"))
        .body("other bytes")
        .send()
        .await;
    assert!(sent.expect("an answer").status().is_success());
    let ended = request(Method::PUT, format!("digest={digest}")).send().await.expect("an answer");
    is_problem(ended, 400).await;
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_known_by_their_ids_and_never_by_paths() {
    let server = site("read-write").await;
    for id in ["..%2f..%2fadmin.key", "admin.key", "0198c1a2-6d5e-7c3b-9f01-23456789abcd"] {
        let path = format!("/replication/libs/uploads/{id}?offset=0&digest={}", Digest::of(b"x"));
        let request = server.anonymous(Method::PATCH, &path).bearer_auth(SYNC_TOKEN).body("x");
        is_problem(request.send().await.expect("an answer"), 404).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_another_feed_is_not_found() {
    let server = site("read-only").await;
    let digest = Digest::of(&Package::new("private", "1.0.0").tarball);
    let of = async |feed: &str| {
        let path = format!("/replication/{feed}/blobs/{digest}");
        let request = server.anonymous(Method::GET, &path).bearer_auth(SYNC_TOKEN);
        request.send().await.expect("an answer")
    };
    assert_eq!(of("other").await.status(), 200);
    is_problem(of("libs").await, 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_log_is_refused_and_never_skipped() {
    let server = site("read-only").await;
    let ask = async |query: &str| {
        let path = format!("/replication/other/changes?{query}");
        let request = server.anonymous(Method::GET, &path).bearer_auth(SYNC_TOKEN);
        request.send().await.expect("an answer")
    };
    assert_eq!(ask("since=0").await.status(), 200);
    let chain = Digest::of(b"another history");
    for query in [
        "lineage=another&since=0".to_owned(),
        "since=1000".to_owned(),
        format!("since=1&witness=1&chain={chain}"),
        format!("since=1&witness=1000&chain={chain}"),
    ] {
        let detail = is_problem(ask(&query).await, 409).await;
        assert!(detail.contains("diverged"), "{detail}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_taken_only_with_its_blob_and_with_the_length_that_it_has() {
    let server = site("read-write").await;
    let tarball = Package::new("private", "1.0.0").tarball;
    let digest = Digest::of(&tarball);
    let get = server.anonymous(Method::GET, "/replication/other/changes").bearer_auth(SYNC_TOKEN);
    let page = get.send().await.expect("an answer").text().await.expect("a page");
    let page: String = page
        .lines()
        .filter(|line| line.contains("key"))
        .fold(String::new(), |page, line| page + line + "\n");
    let size = format!("\"size\":{}", tarball.len());
    assert!(page.contains(&size), "{page}");

    // The other feed has the blob, which is no reason for this one to have it.
    let before = server.stored("libs").await;
    let answer = post(&server, "/replication/libs/changes", page.clone()).await;
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["missing_blobs"], json!([digest]));
    server.is_as_before("libs", &before).await;

    let begun = post(&server, &format!("/replication/libs/uploads?digest={digest}"), "").await;
    let begun: Value = begun.json().await.expect("JSON");
    let path = format!("/replication/libs/uploads/{}", begun["id"].as_str().expect("an id"));
    let sent = server
        .anonymous(Method::PATCH, &format!("{path}?digest={digest}&offset=0"))
        .body(tarball.clone());
    let sent = sent.bearer_auth(SYNC_TOKEN).send().await.expect("an answer");
    assert_eq!(sent.status(), 200);
    let ended = server.anonymous(Method::PUT, &format!("{path}?digest={digest}"));
    let ended = ended.bearer_auth(SYNC_TOKEN).send().await.expect("an answer");
    assert_eq!(ended.status(), 201);

    let before = server.stored("libs").await;
    for lie in [0, tarball.len() as u64 + 1, u64::MAX] {
        let lying = page.replace(&size, &format!("\"size\":{lie}"));
        let detail = is_problem(post(&server, "/replication/libs/changes", lying).await, 400).await;
        assert!(detail.contains("length"), "{detail}");
        server.is_as_before("libs", &before).await;
    }
    let answer = post(&server, "/replication/libs/changes", page).await;
    assert_eq!(answer.status(), 200);
    let held = server.holdings("libs").await;
    assert_eq!(held, [("private".to_owned(), "1.0.0".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_giant_page_is_refused_before_it_is_sent() {
    let server = site("read-write").await;
    let before = server.stored("libs").await;
    let mut line = tokio::net::TcpStream::connect(server.address()).await.expect("connected");
    let head = format!(
        "POST /replication/libs/changes HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SYNC_TOKEN}\r\n\
         content-length: 1000000000000\r\n\r\n"
    );
    line.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(line.read_buf(&mut answer).await.expect("an answer"), 0, "it is cut off");
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_one_endless_line_is_refused_in_bounded_memory() {
    let server = site("read-write").await;
    let before = server.stored("libs").await;
    let endless = vec![b'x'; 39 << 20];
    is_problem(post(&server, "/replication/libs/changes", endless).await, 400).await;
    server.is_as_before("libs", &before).await;
    let peak = server.peak_memory();
    assert!(peak < 150 << 20, "{} MiB", peak >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_protocol_does_not_know_is_answered_with_a_problem() {
    let server = site("read-write").await;
    let before = server.stored("libs").await;
    let cases = [
        (Method::DELETE, "changes", "", 405),
        (Method::GET, "nothing", "", 404),
        (Method::GET, "changes?since=odd", "", 400),
        (Method::GET, "changes?since=-1", "", 400),
        (Method::GET, "changes?chain=odd", "", 400),
        (Method::GET, "fingerprint?prefix=zz", "", 400),
        (Method::GET, "fingerprint?prefix=%2b1", "", 400),
        (Method::GET, "blobs/..%2f..%2fadmin.key", "", 400),
        (Method::GET, "blobs/%ff", "", 400),
        (Method::POST, "records", "no JSON", 400),
        (Method::POST, "records", "{\"keys\":[{\"kind\":\"odd\"}]}", 400),
        (Method::POST, "blobs/missing", "{\"digests\":[\"sha256:1\"]}", 400),
        (Method::POST, "blobs/batch", "[", 400),
        (Method::POST, "uploads", "", 400),
        (Method::POST, "uploads?digest=..%2fx", "", 400),
        (Method::POST, "uploads/batch", "no frame", 400),
        (Method::PATCH, "uploads/batch", "", 405),
    ];
    for (method, path, body, status) in cases {
        println!("{method} {path} {body}");
        let request = server.anonymous(method, &format!("/replication/libs/{path}"));
        let request = request.bearer_auth(SYNC_TOKEN).body(body);
        is_problem(request.send().await.expect("an answer"), status).await;
    }
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_sync_token_of_the_feed_sees_and_changes_nothing() {
    let server = site("read-write").await;
    for token in ["wrong", "", server.key()] {
        for (method, path) in [
            (Method::GET, "/replication/libs/"),
            (Method::GET, "/replication/libs/changes"),
            (Method::POST, "/replication/libs/changes"),
            (Method::POST, "/replication/libs/uploads?digest=x"),
            (Method::POST, "/replication/libs/uploads/batch"),
        ] {
            let request = server.anonymous(method, path).bearer_auth(token).body("x");
            is_problem(request.send().await.expect("an answer"), 401).await;
        }
    }
    is_problem(post(&server, "/replication/nothing/changes", "").await, 404).await;
}
