//! Answers that come before a request was sent to its end.

use pakhus_tests::server::{SYNC_TOKEN, Server, Setup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More than the buffers between the two hold.
const LENGTH: usize = 32 << 20;

async fn begin(server: &Server, method: &str, path: &str, headers: &str) -> TcpStream {
    let mut line = TcpStream::connect(server.address()).await.expect("connected");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {}\r\n{headers}content-length: {LENGTH}\r\n\r\n",
        server.address()
    );
    line.write_all(head.as_bytes()).await.expect("sent");
    line
}

async fn answer(line: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        assert_ne!(line.read_buf(&mut answer).await.expect("an answer"), 0, "it is cut off");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_answer_gets_it_without_sending_the_rest() {
    let server = Setup::new().npm_feed("libs", "read-only").start().await;
    for (method, path) in [
        ("PUT", "/npm/libs/fresh"),
        ("POST", "/replication/libs/changes"),
        ("PUT", "/npm/nothing/fresh"),
        ("POST", "/api/v1/feeds"),
    ] {
        let mut line = begin(&server, method, path, "").await;
        let answer = answer(&mut line).await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{method} {path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_first_and_reads_then_gets_the_answer_and_keeps_the_connection() {
    let server = Setup::new().npm_feed("libs", "read-only").start().await;
    let wrong = "authorization: Bearer wrong\r\n";
    let right = format!("authorization: Bearer {SYNC_TOKEN}\r\n");
    for (method, path, headers, status) in [
        ("PUT", "/npm/libs/fresh", wrong, "401"),
        ("POST", "/replication/libs/changes", wrong, "401"),
        ("POST", "/replication/libs/changes", right.as_str(), "403"),
        ("POST", "/nothing", "", "404"),
    ] {
        let mut line = begin(&server, method, path, headers).await;
        line.write_all(&vec![b' '; LENGTH]).await.expect("the body is taken");
        let refused = answer(&mut line).await;
        assert!(refused.starts_with(&format!("HTTP/1.1 {status}")), "{method} {path}: {refused}");
        let next = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", server.address());
        line.write_all(next.as_bytes()).await.expect("sent");
        assert!(answer(&mut line).await.starts_with("HTTP/1.1 200"));
    }
}
