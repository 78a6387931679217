//! What a publish may not be: each is refused in npm's form, and leaves nothing behind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::stream;
use pakhus_tests::npm::Npm;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::{Body, Method, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

/// A site with one package, so that there is something to collide with.
async fn site() -> Server {
    let server = Setup::new().npm_feed("libs", "read-only").start().await;
    server.publish("libs", &Package::new("taken", "1.0.0")).await;
    server
}

async fn put(server: &Server, path: &str, body: impl Into<Body>) -> Response {
    let request = server.request(Method::PUT, path).body(body);
    request.header("content-type", "application/json").send().await.expect("the server answers")
}

/// The answer has this status, npm's form, and says something.
async fn is_refused(answer: Response, status: u16, says: &str) {
    assert_eq!(answer.status().as_u16(), status);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = answer.text().await.expect("a body");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    let error = body["error"].as_str().expect("an error");
    assert!(error.contains(says), "`{error}` does not say `{says}`");
}

/// Refused as malformed or as what does not exist.
async fn is_refused_somehow(answer: Response) {
    let status = answer.status().as_u16();
    assert!(matches!(status, 400 | 404), "{status}");
    is_refused(answer, status, "").await;
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut document = Package::new("fresh", "1.0.0").document();
    change(&mut document);
    document.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_lies_is_refused_and_nothing_of_it_is_stored() {
    let server = site().await;
    let before = server.stored("libs").await;
    let not_gzip = STANDARD.encode(b"this is no archive, and long enough to be looked at");
    let file = "fresh-1.0.0.tgz";
    type Case = (&'static str, String, u16, &'static str);
    let cases: Vec<Case> = vec![
        (
            "no gzip",
            changed(|d| {
                d["_attachments"][file]["data"] = json!(not_gzip);
                d["_attachments"][file]["length"] = json!(51);
                d["versions"]["1.0.0"]["dist"] = json!({});
            }),
            400,
            "gzip",
        ),
        (
            "wrong integrity",
            changed(|d| {
                d["versions"]["1.0.0"]["dist"]["integrity"] =
                    json!(format!("sha512-{}", STANDARD.encode([7; 64])));
            }),
            400,
            "integrity",
        ),
        (
            "wrong shasum",
            changed(|d| {
                d["versions"]["1.0.0"]["dist"]["shasum"] = json!("0".repeat(40));
            }),
            400,
            "shasum",
        ),
        ("wrong length", changed(|d| d["_attachments"][file]["length"] = json!(1)), 400, "length"),
        ("no base64", changed(|d| d["_attachments"][file]["data"] = json!("!!!!")), 400, "base64"),
        ("another's name", changed(|d| d["name"] = json!("taken")), 400, "name"),
        (
            "another's version",
            changed(|d| d["versions"]["1.0.0"]["version"] = json!("2.0.0")),
            400,
            "version",
        ),
        (
            "two versions",
            changed(|d| d["versions"]["2.0.0"] = d["versions"]["1.0.0"].clone()),
            400,
            "version",
        ),
        (
            "a tag that is a range",
            changed(|d| d["dist-tags"] = json!({ "1.x": "1.0.0" })),
            400,
            "tag",
        ),
        ("no JSON", "{\"name\": ".to_owned(), 400, ""),
        ("nothing", String::new(), 400, ""),
        ("a list", "[]".to_owned(), 400, ""),
        ("deep", format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200)), 400, ""),
    ];
    for (what, document, status, says) in cases {
        println!("{what}");
        is_refused(put(&server, "/npm/libs/fresh", document).await, status, says).await;
        server.is_as_before("libs", &before).await;
    }
    is_refused(put(&server, "/npm/libs/fresh", vec![b'{', 0xff, 0xfe, b'}']).await, 400, "").await;
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_refused_however_they_are_written() {
    let server = site().await;
    let before = server.stored("libs").await;
    for path in ["..%2f..%2fetc", "a%2f..%2fb", "%2e%2e", "@a%2f..", "a%00b", "%ff", ".hidden"] {
        let document = Package::new("fresh", "1.0.0").document().to_string();
        let answer = put(&server, &format!("/npm/libs/{path}"), document).await;
        is_refused_somehow(answer).await;
    }
    for name in ["../evil", "..", "a/../b", "/etc/passwd", "node_modules"] {
        let document = Package::new(name, "1.0.0").document().to_string();
        let answer = put(&server, "/npm/libs/fresh", document).await;
        is_refused(answer, 400, "").await;
    }
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_there_conflicts() {
    let server = site().await;
    let before = server.stored("libs").await;
    let again = Package::with_file("taken", "1.0.0", b"other bytes").document().to_string();
    is_refused(put(&server, "/npm/libs/taken", again).await, 409, "previously published").await;
    assert_eq!(server.stored("libs").await.end, before.end);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_of_a_hundred_megabytes_is_refused_in_bounded_memory() {
    let server = site().await;
    let before = server.stored("libs").await;
    let piece = Bytes::from(vec![b'x'; 1 << 20]);
    let pieces = std::iter::once(Bytes::from_static(b"{\"name\":\"fresh\",\"readme\":\""))
        .chain(std::iter::repeat_n(piece, 100))
        .chain(std::iter::once(Bytes::from_static(b"\"}")));
    let body = Body::wrap_stream(stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)));
    is_refused(put(&server, "/npm/libs/fresh", body).await, 413, "larger").await;
    server.is_as_before("libs", &before).await;
    let peak = server.peak_memory();
    assert!(peak < 150 << 20, "{} MiB", peak >> 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_nothing() {
    let server = site().await;
    let before = server.stored("libs").await;
    let mut index = vec![0; 3_000_000];
    rand::fill(&mut index[..]);
    let document = Package::with_file("fresh", "1.0.0", &index).document().to_string();
    let mut line = tokio::net::TcpStream::connect(server.address()).await.expect("connected");
    let head = format!(
        "PUT /npm/libs/fresh HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-length: {}\r\n\r\n",
        server.address(),
        server.key(),
        document.len() + 10
    );
    line.write_all(head.as_bytes()).await.expect("sent");
    line.write_all(document.as_bytes()).await.expect("sent");
    until("a part of it is on the disk", async || {
        (!server.stored("libs").await.incoming.is_empty()).then_some(())
    })
    .await;
    drop(line);
    server.is_as_before("libs", &before).await;
    assert_eq!(server.get("/npm/libs/fresh").await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_so_in_npms_form() {
    let server = Setup::new()
        .config("[[api_keys]]\nkey = \"reader\"\nscopes = [\"view:libs\"]")
        .npm_feed("libs", "read-only")
        .start()
        .await;
    let before = server.stored("libs").await;
    let document = Package::new("fresh", "1.0.0").document();
    let put = async |path: &str, key: Option<&str>| {
        let mut request = server.anonymous(Method::PUT, path).json(&document);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        request.send().await.expect("the server answers")
    };
    is_refused(put("/npm/libs/fresh", None).await, 401, "API key").await;
    is_refused(put("/npm/libs/fresh", Some("wrong")).await, 401, "API key").await;
    is_refused(put("/npm/libs/fresh", Some("reader")).await, 403, "may not").await;
    is_refused(put("/npm/nothing/fresh", Some("reader")).await, 404, "nothing").await;
    server.is_as_before("libs", &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_publish_with_a_wrong_key_is_told_so_and_not_cut_off() {
    let server = site().await;
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = json!({ "name": "large", "version": "1.0.0" }).to_string();
    std::fs::write(folder.path().join("package.json"), manifest).expect("written");
    let mut bytes = vec![0; 60_000_000];
    rand::fill(&mut bytes[..]);
    std::fs::write(folder.path().join("data.bin"), bytes).expect("written");
    let npm = Npm::new(&server.registry("libs"), Some("wrong"));
    let said = npm.fails(folder.path(), &["publish"]);
    assert!(said.contains("E401"), "{said}");
}

/// Sends these bytes, and returns all that is answered until the server hangs up.
async fn exchange(server: &Server, bytes: &[u8]) -> String {
    let mut line = tokio::net::TcpStream::connect(server.address()).await.expect("connected");
    line.write_all(bytes).await.expect("sent");
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut line, &mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_host_is_not_repeated_into_documents() {
    let server = site().await;
    for host in ["evil\"onload=", "user@evil", "evil/path", "evil?x", "evil#x", "evil\\x", ""] {
        let head =
            format!("GET /npm/libs/taken HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = exchange(&server, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1"), "{host}: {answer}");
        assert!(!answer.contains("evil") && !answer.contains("http:///"), "{host}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_or_method_that_npm_does_not_have_is_refused_in_its_form() {
    let server = site().await;
    let odd = || Method::from_bytes(b"BREW").expect("a method");
    let cases = [
        (odd(), "/npm/libs/taken", 405),
        (Method::OPTIONS, "/npm/libs/taken", 405),
        (Method::POST, "/npm/libs/taken", 405),
        (Method::GET, "/npm/libs/-/nothing", 404),
        (Method::GET, "/npm/libs/", 404),
        (Method::GET, "/npm/libs", 404),
        (Method::GET, "/npm/nothing/taken", 404),
        (Method::GET, "/npm/", 404),
        (Method::GET, "/npm/libs/taken/-/taken-9.9.9.tgz", 404),
        (Method::GET, "/npm/libs/taken/-/..%2f..%2fadmin.key", 400),
        (Method::GET, "/npm/libs/%zz", 400),
    ];
    for (method, path, status) in cases {
        println!("{method} {path}");
        let request = server.request(method, path).send().await.expect("an answer");
        is_refused(request, status, " ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_and_the_server_goes_on() {
    let server = site().await;
    let huge = "x".repeat(1 << 20);
    for bytes in [
        format!("GET /npm/libs/taken HTTP/1.1\r\nhost: x\r\nx: {huge}\r\n\r\n"),
        format!("GET /{huge} HTTP/1.1\r\nhost: x\r\n\r\n"),
        "PUT /npm/libs/a HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "GET /npm/libs/a b HTTP/9.9\r\n\r\n".to_owned(),
    ] {
        let mut line = tokio::net::TcpStream::connect(server.address()).await.expect("connected");
        // It may hang up while this is being sent.
        let _ = line.write_all(bytes.as_bytes()).await;
        let mut answer = [0; 12];
        if tokio::io::AsyncReadExt::read_exact(&mut line, &mut answer).await.is_ok() {
            assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
        }
        assert_eq!(server.get("/npm/libs/taken").await.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_document_is_refused_with_what_to_do() {
    let server = site().await;
    let before = server.stored("libs").await;
    let request = server.request(Method::PUT, "/npm/libs/fresh").header("content-encoding", "gzip");
    let answer = request.body(vec![0x1f, 0x8b, 8, 0]).send().await.expect("the server answers");
    is_refused(answer, 415, "Content-Encoding").await;
    server.is_as_before("libs", &before).await;
}
