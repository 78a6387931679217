//! A server from its start to its end, and to its next start.

use futures_util::StreamExt as _;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn site() -> Server {
    Setup::new().npm_feed("libs", "read-write").start().await
}

/// A package of more bytes than sockets hold on their way.
fn large() -> Package {
    let mut bytes = vec![0; 32 << 20];
    rand::fill(&mut bytes[..]);
    Package::with_file("large", "1.0.0", &bytes)
}

/// Waits until the server takes no new connections.
async fn is_closed(server: &Server) {
    until("new connections are refused", async || {
        TcpStream::connect(server.address()).await.is_err().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_runs_when_the_server_is_stopped_comes_whole() {
    let mut server = site().await;
    let package = large();
    server.publish("libs", &package).await;
    let download = server.get("/npm/libs/large/-/large-1.0.0.tgz").await;
    let mut bytes = download.bytes_stream();
    let mut received = bytes.next().await.expect("bytes").expect("bytes").to_vec();
    server.ask_to_stop();
    is_closed(&server).await;
    while let Some(more) = bytes.next().await {
        received.extend(more.expect("the download is not cut off"));
    }
    assert!(received == package.tarball, "the bytes are those of the package");
    drop(bytes);
    assert!(server.ends().await.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_that_runs_when_the_server_is_stopped_is_taken() {
    let mut server = site().await;
    let document = Package::new("tools", "1.0.0").document().to_string();
    let head = format!(
        "PUT /npm/libs/tools HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\nexpect: 100-continue\r\n\r\n",
        server.address(),
        server.key(),
        document.len()
    );
    let mut line = TcpStream::connect(server.address()).await.expect("connected");
    line.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = [0; 25];
    line.read_exact(&mut answer).await.expect("the server reads the body now");
    assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.ask_to_stop();
    is_closed(&server).await;
    line.write_all(document.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    line.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(server.ends().await.success());
    server.restart().await;
    assert_eq!(server.holdings("libs").await, [("tools".to_owned(), "1.0.0".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_mirrored_stops_without_waiting_for_its_mirror() {
    let mut hub = site().await;
    let leaf =
        Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror").start().await;
    hub.publish("libs", &Package::new("tools", "1.0.0")).await;
    until("the mirror is in step, and waits for changes", async || {
        (leaf.holdings("libs").await.len() == 1).then_some(())
    })
    .await;
    hub.stop().await;
    let log = hub.log_text();
    assert!(!log.contains("cut off"), "{log}");
    hub.restart().await;
    hub.publish("libs", &Package::new("tools", "2.0.0")).await;
    until("the mirror goes on", async || (leaf.holdings("libs").await.len() == 2).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_metrics_are_answered_to_anybody() {
    let server = site().await;
    let live: Value = server.get("/healthz").await.json().await.expect("JSON");
    assert_eq!(live["status"], "ok");
    let ready: Value = server.get("/readyz").await.json().await.expect("JSON");
    assert_eq!(ready["status"], "ok");
    let metrics = server.get("/metrics").await.text().await.expect("a body");
    assert!(metrics.contains("pakhus_http_requests_total"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_blobs_are_gone_is_alive_and_not_ready() {
    let server = site().await;
    std::fs::remove_dir_all(server.data_dir().join("blobs")).expect("removed");
    std::fs::write(server.data_dir().join("blobs"), "no folder").expect("written");
    assert_eq!(server.get("/healthz").await.status(), 200);
    assert_eq!(server.get("/readyz").await.status(), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_with_its_id_or_with_a_new_one() {
    let server = site().await;
    let id_for = async |sent: Option<&str>| {
        let mut request = server.anonymous(Method::GET, "/healthz");
        if let Some(id) = sent {
            request = request.header("x-request-id", id);
        }
        let answer = request.send().await.expect("an answer");
        answer.headers()["x-request-id"].to_str().expect("a text").to_owned()
    };
    assert_eq!(id_for(Some("build-42")).await, "build-42");
    let (one, other) = (id_for(None).await, id_for(None).await);
    assert_ne!(one, other);
    let hostile = "a id\" that=would break logs";
    assert_ne!(id_for(Some(hostile)).await, hostile);
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_keys_and_packages_are_there_after_a_restart() {
    let mut server = site().await;
    let post = async |path: &str, body: Value| -> Value {
        let request = server.request(Method::POST, path).json(&body);
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        answer.json().await.expect("JSON")
    };
    post("/api/v1/feeds", json!({ "name": "made", "type": "npm" })).await;
    let made = post("/api/v1/keys", json!({ "name": "ci", "scopes": ["publish:made"] })).await;
    let key = made["key"].as_str().expect("a key").to_owned();
    server.publish("made", &Package::new("tools", "1.0.0")).await;
    let admin_key = server.key().to_owned();
    server.stop().await;
    server.restart().await;
    assert_eq!(server.key(), admin_key);
    assert_eq!(server.holdings("made").await, [("tools".to_owned(), "1.0.0".to_owned())]);
    let next = Package::new("tools", "1.1.0").document();
    let request = server.anonymous(Method::PUT, "/npm/made/tools").bearer_auth(&key).json(&next);
    assert_eq!(request.send().await.expect("an answer").status(), 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_of_the_configuration_file_are_not_changed_by_the_api() {
    let server = site().await;
    let before = server.json("/api/v1/feeds/libs").await;
    let attempts = [
        (Method::PATCH, "/api/v1/feeds/libs", json!({ "anonymous": "publish" })),
        (
            Method::PUT,
            "/api/v1/feeds/libs/replication",
            json!({ "server": { "mode": "disabled" } }),
        ),
        (Method::DELETE, "/api/v1/feeds/libs", json!({})),
    ];
    for (method, path, body) in attempts {
        let answer = server.request(method.clone(), path).json(&body).send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 409, "{method} {path}");
        let problem: Value = answer.json().await.expect("JSON");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("configuration file"), "{detail}");
    }
    assert_eq!(server.json("/api/v1/feeds/libs").await, before);
}
