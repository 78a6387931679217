//! Many small blobs that a client sends in one stream.

use pakhus_core::Digest;
use pakhus_tests::liar::Liar;
use pakhus_tests::package::Package;
use pakhus_tests::problem::is_problem;
use pakhus_tests::relay::Relay;
use pakhus_tests::server::{SYNC_TOKEN, Server, Setup};
use pakhus_tests::wait::until;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

/// The most bytes of a blob in a stream.
const SMALL: usize = 256 * 1024;

fn frame(digest: Digest, bytes: &[u8]) -> Vec<u8> {
    [digest.as_bytes(), &(bytes.len() as u64).to_be_bytes()[..], bytes].concat()
}

fn blob(number: usize) -> Vec<u8> {
    format!("blob {number}").into_bytes()
}

/// So many frames, each right.
fn frames(numbers: std::ops::Range<usize>) -> Vec<u8> {
    numbers.flat_map(|number| frame(Digest::of(&blob(number)), &blob(number))).collect()
}

fn digests(numbers: std::ops::Range<usize>) -> Vec<Digest> {
    numbers.map(|number| Digest::of(&blob(number))).collect()
}

async fn site() -> Server {
    Setup::new().npm_feed("libs", "read-write").npm_feed("other", "read-write").start().await
}

fn ask(server: &Server, path: &str) -> RequestBuilder {
    server.anonymous(Method::POST, path).bearer_auth(SYNC_TOKEN)
}

async fn send(server: &Server, body: Vec<u8>) -> Response {
    let request = ask(server, "/replication/libs/uploads/batch").body(body);
    request.send().await.expect("an answer")
}

/// Which of them a feed lacks.
async fn missing(server: &Server, feed: &str, digests: &[Digest]) -> Value {
    let path = format!("/replication/{feed}/blobs/missing");
    let answer = ask(server, &path).json(&json!({ "digests": digests })).send().await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    answer["digests"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_whole_stream_are_stored_and_are_this_feed_s_alone() {
    let server = site().await;
    let answer = send(&server, frames(0..1024)).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer, json!({ "stored": digests(0..1024), "refused": [] }));
    assert_eq!(server.stored("libs").await.blobs.len(), 1024);
    assert_eq!(missing(&server, "libs", &digests(0..1024)).await, json!([]));
    assert_eq!(missing(&server, "other", &digests(0..1)).await, json!(digests(0..1)));
    // Again, and nothing at all.
    assert_eq!(send(&server, frames(0..2)).await.status(), 200);
    assert_eq!(send(&server, Vec::new()).await.status(), 200);
    assert_eq!(server.stored("libs").await.blobs.len(), 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_another_digest_or_that_is_not_sent_is_refused_alone() {
    let server = site().await;
    let (wrong, unsent) = (Digest::of(b"announced"), Digest::of(b"unsent"));
    let mut nothing = unsent.as_bytes().to_vec();
    nothing.extend([0xff; 8]);
    let body = [frames(0..1), frame(wrong, b"other bytes"), nothing, frames(1..2)].concat();
    let answer: Value = send(&server, body).await.json().await.expect("JSON");
    assert_eq!(answer["stored"], json!(digests(0..2)));
    let refused = answer["refused"].as_array().expect("a list");
    let detail_of = |digest: Digest| {
        let of = |blob: &&Value| blob["digest"] == json!(digest);
        refused.iter().find(of).and_then(|blob| blob["detail"].as_str()).expect("it is refused")
    };
    assert_eq!(refused.len(), 2, "{answer}");
    assert!(detail_of(wrong).contains(&Digest::of(b"other bytes").to_string()), "{answer}");
    assert!(detail_of(unsent).contains("not sent"), "{answer}");
    assert_eq!(missing(&server, "libs", &[wrong, unsent]).await, json!([wrong, unsent]));
    assert_eq!(server.stored("libs").await.blobs.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_stream_that_breaks_off_what_is_whole_counts() {
    let server = site().await;
    let third = frame(Digest::of(&blob(9)), &blob(9));
    // In the middle of its bytes, and of what stands before them.
    for (half, known) in [(45, 0..2), (20, 2..4)] {
        let body = [frames(known.clone()), third[..half].to_vec()].concat();
        let detail = is_problem(send(&server, body).await, 400).await;
        assert!(detail.contains("breaks off"), "{detail}");
        assert_eq!(missing(&server, "libs", &digests(known)).await, json!([]));
    }
    // A client that hangs up gets no answer at all.
    let mut line = tokio::net::TcpStream::connect(server.address()).await.expect("connected");
    let body = [frames(4..6), third[..45].to_vec()].concat();
    let head = format!(
        "POST /replication/libs/uploads/batch HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {SYNC_TOKEN}\r\ncontent-length: 1000000\r\n\r\n"
    );
    line.write_all(&[head.into_bytes(), body].concat()).await.expect("sent");
    drop(line);
    until("what came counts", async || {
        (missing(&server, "libs", &digests(4..6)).await == json!([])).then_some(())
    })
    .await;
    assert_eq!(server.stored("libs").await.blobs.len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_too_many_or_too_large_blobs_is_refused() {
    let server = site().await;
    let large = |size: usize| frame(Digest::of(&vec![7; size]), &vec![7; size]);
    let mut endless = frame(Digest::of(b""), b"");
    endless[32..40].copy_from_slice(&(u64::MAX - 1).to_be_bytes());
    let cases = [
        ("too many", frames(0..1025)),
        ("too large a one", large(SMALL + 1)),
        ("an endless one", endless),
        ("all too large", large(SMALL).repeat(65)),
        ("more than anything allows", vec![0; 40 << 20]),
    ];
    for (what, body) in cases {
        println!("{what}");
        is_problem(send(&server, body).await, 413).await;
    }
    assert_eq!(missing(&server, "libs", &digests(0..1025)).await, json!(digests(1024..1025)));
    let packed = ask(&server, "/replication/libs/uploads/batch").header("content-encoding", "gzip");
    is_problem(packed.body(frames(0..1)).send().await.expect("an answer"), 415).await;
    assert_eq!(server.stored("libs").await.incoming.len(), 0);
    // The largest that may be.
    let answer: Value = send(&server, large(SMALL).repeat(64)).await.json().await.expect("JSON");
    assert_eq!(answer["stored"].as_array().expect("a list").len(), 64);
    let peak = server.peak_memory();
    assert!(peak < 150 << 20, "{} MiB", peak >> 20);
}

/// A site with so many packages of so many bytes.
async fn filled(setup: Setup, packages: usize, bytes: usize) -> Server {
    let server = setup.start().await;
    for number in 0..packages {
        let mut file = vec![0; bytes];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut file);
        server.publish("libs", &Package::with_file(&format!("p{number}"), "1.0.0", &file)).await;
    }
    server
}

fn client_of(url: &str) -> Setup {
    Setup::new().npm_feed("libs", "disabled").client_of_url(url, "push-only", "200ms")
}

async fn has_all(server: &Server, packages: usize) {
    until("all packages are there", async || {
        let held = server.json("/api/v1/feeds/libs").await["versions"].as_u64();
        (held == Some(packages as u64)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_push_of_many_small_packages_takes_few_requests() {
    let source = site().await;
    let line = Relay::start(source.address()).await;
    line.close();
    let _client = filled(client_of(&line.url("/replication/libs")), 300, 1_000).await;
    line.open();
    has_all(&source, 300).await;
    let requests = line.traffic().requests;
    assert!(requests < 30, "{requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_cut_sends_hardly_anything_twice() {
    let source = site().await;
    let line = Relay::start(source.address()).await;
    line.close();
    let client = filled(client_of(&line.url("/replication/libs")), 150, 100_000).await;
    line.cut_every(4 << 20);
    line.open();
    has_all(&source, 150).await;
    let (carried, cuts) = (line.traffic().bytes, line.cuts());
    line.leave_alone();
    println!("{carried} bytes, {cuts} cuts");
    assert!(cuts >= 3, "only {cuts} cuts");
    assert!(carried < 15_000_000 / 2 * 3, "{carried} bytes on the wire");
    client.agrees_with_its_source("libs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_takes_no_batches_gets_blobs_one_by_one() {
    let source = site().await;
    let older = Liar::in_front_of(&source).await;
    older.hides("/uploads/batch");
    let client = filled(client_of(&older.url("/replication/libs")), 5, 1_000).await;
    has_all(&source, 5).await;
    client.agrees_with_its_source("libs").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_is_damaged_or_lost_here_holds_nothing_else_up() {
    let source = site().await;
    let line = Relay::start(source.address()).await;
    line.close();
    let client = filled(client_of(&line.url("/replication/libs")), 3, 1_000).await;
    let [damaged, lost] = [Package::new("damaged", "1.0.0"), Package::new("lost", "1.0.0")];
    for package in [&damaged, &lost] {
        client.publish("libs", package).await;
    }
    let file = |package: &Package| {
        let hex = Digest::of(&package.tarball).hex();
        client.data_dir().join(format!("blobs/sha256/{}/{}/{hex}", &hex[..2], &hex[2..4]))
    };
    std::fs::write(file(&damaged), vec![7; damaged.tarball.len()]).expect("written");
    std::fs::remove_file(file(&lost)).expect("removed");
    line.open();
    has_all(&source, 3).await;
    let log = until("a run ends", async || {
        let executions = client.json("/api/v1/executions?feed=libs&limit=100").await;
        let executions = executions["executions"].as_array().expect("a list").clone();
        let mut log = Vec::new();
        for execution in executions.iter().filter(|execution| execution["status"] == "done") {
            log.extend(client.log_of(execution).await);
        }
        (!log.is_empty()).then(|| log.join("\n"))
    })
    .await;
    assert!(log.contains("damaged 1.0.0 is set aside after 1 attempts: the source"), "{log}");
    assert!(log.contains("restore it from a backup"), "{log}");
}
