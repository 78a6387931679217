//! What a replication client and an API client may not send: each is refused as a problem, and leaves
//! nothing behind.

use pakhus_core::Digest;
use pakhus_core::replication::{Content, RecordKey, Standing, State, VersionState};
use pakhus_core::{BlobRef, Metadata, Timestamp};
use pakhus_tests::package::Package;
use pakhus_tests::server::{SYNC_TOKEN, Server, Setup};
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn site(mode: &str) -> Server {
    let server = Setup::new().npm_feed("libs", mode).npm_feed("other", mode).start().await;
    server.publish("other", &Package::new("private", "1.0.0")).await;
    server
}

async fn post(server: &Server, path: &str, body: impl Into<reqwest::Body>) -> Response {
    let request = server.anonymous(Method::POST, path).bearer_auth(SYNC_TOKEN).body(body);
    request.header("content-type", "application/json").send().await.expect("an answer")
}

async fn is_problem(answer: Response, status: u16) -> String {
    let found = answer.status().as_u16();
    let kind = answer.headers().get("content-type").cloned();
    let text = answer.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    assert_eq!(kind.expect("a type"), "application/problem+json", "{text}");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["status"], status);
    body["detail"].as_str().expect("a detail").to_owned()
}

/// A record as another site would push it, of a blob that is not here.
fn record(change: impl FnOnce(&mut Content, &mut u64)) -> String {
    let mut content = Content {
        name: "fresh".to_owned(),
        version: "1.0.0".to_owned(),
        published_at: Some(Timestamp::from_millis(1)),
        origin: "elsewhere".to_owned(),
        blobs: vec![BlobRef { digest: Digest::of(b"x"), size: 1, role: "tarball".to_owned() }],
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
        is_problem(post(&server, "/replication/libs/uploads?digest=x", "").await, 403).await;
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
    let sent = request(Method::PATCH, "offset=0".to_owned()).body("other bytes").send().await;
    assert!(sent.expect("an answer").status().is_success());
    let ended = request(Method::PUT, format!("digest={digest}")).send().await.expect("an answer");
    is_problem(ended, 400).await;
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_known_by_their_ids_and_never_by_paths() {
    let server = site("read-write").await;
    for id in ["..%2f..%2fadmin.key", "admin.key", "0198c1a2-6d5e-7c3b-9f01-23456789abcd"] {
        let path = format!("/replication/libs/uploads/{id}?offset=0");
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
async fn the_admin_api_answers_nonsense_with_problems() {
    let server = site("read-only").await;
    let send = async |method: Method, path: &str, body: &str| {
        let request = server.request(method, &format!("/api/v1{path}")).body(body.to_owned());
        request.send().await.expect("an answer")
    };
    let cases = [
        (Method::POST, "/feeds", "{\"name\":\"x\",\"type\":\"npm\",\"odd\":1}", 400),
        (Method::POST, "/feeds", "{\"name\":\"../x\",\"type\":\"npm\"}", 400),
        (Method::POST, "/feeds", "{\"name\":\"x\",\"type\":\"odd\"}", 400),
        (Method::POST, "/feeds", "{", 400),
        (Method::GET, "/feeds/nothing", "", 404),
        (Method::DELETE, "/feeds/libs", "", 409),
        (Method::PUT, "/feeds/libs/replication", "{\"server\":{\"mode\":\"odd\"}}", 400),
        (Method::POST, "/feeds/libs/sync", "{}", 409),
        (Method::GET, "/executions/abc", "", 400),
        (Method::GET, "/executions/999", "", 404),
        (Method::GET, "/executions?status=odd", "", 400),
        (Method::GET, "/diagnostics?min_level=odd", "", 400),
        (Method::POST, "/keys", "{\"name\":\"k\",\"scopes\":[\"own:libs\"]}", 400),
        (Method::DELETE, "/keys/abc", "", 400),
        (Method::GET, "/nothing", "", 404),
        (Method::PATCH, "/keys", "", 405),
    ];
    for (method, path, body, status) in cases {
        println!("{method} {path} {body}");
        is_problem(send(method, path, body).await, status).await;
    }
    let stranger = server.anonymous(Method::GET, "/api/v1/feeds").send().await.expect("an answer");
    is_problem(stranger, 401).await;
}
