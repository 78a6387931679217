//! Uploads, as the server holds them.

use pakhus_core::Digest;
use pakhus_tests::images::{Repository, check_all};
use pakhus_tests::server::{Server, Setup};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

async fn begin(server: &Server, repository: &Repository) -> String {
    let request = server.request(Method::POST, &repository.path("blobs/uploads/"));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    answer.headers()["location"].to_str().expect("a text").to_owned()
}

async fn send(server: &Server, method: Method, path: &str, body: &[u8]) -> Response {
    let request = server.request(method, path).body(body.to_vec());
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_the_server_was_killed() {
    let mut server = Setup::new().docker_feed("images", "disabled").start().await;
    let repository = Repository::new("images", "a");
    let upload = begin(&server, &repository).await;
    let (first, second) = (vec![1; 3 << 20], vec![2; 1 << 20]);
    let answer = send(&server, Method::PATCH, &upload, &first).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    server.restart().await;
    let answer = send(&server, Method::GET, &upload, &[]).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert_eq!(answer.headers()["range"], format!("0-{}", first.len() - 1));
    let all = [first, second.clone()].concat();
    let end = format!("{upload}?digest={}", Digest::of(&all));
    assert_eq!(send(&server, Method::PUT, &end, &second).await.status(), StatusCode::CREATED);
    server.restart().await;
    let stored = repository.get(&server, &format!("blobs/{}", Digest::of(&all))).await;
    assert_eq!(stored.bytes().await.expect("all of it"), all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_known_to_its_feed_and_repository_alone() {
    let setup = Setup::new().docker_feed("images", "disabled").docker_feed("others", "disabled");
    let server = setup.start().await;
    let upload = begin(&server, &Repository::new("images", "a")).await;
    for other in ["/v2/others/a/", "/v2/images/b/"] {
        let path = upload.replace("/v2/images/a/", other);
        let answer = send(&server, Method::PATCH, &path, b"bytes").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_somebody_may_not_read_cannot_be_mounted() {
    let setup = Setup::new().docker_feed("images", "disabled");
    let setup = setup.config("[[feeds]]\nname = \"secret\"\ntype = \"docker\"");
    let setup =
        setup.config("[[api_keys]]\nkey = \"a-key-of-the-tests\"\nscopes = [\"publish:images\"]");
    let server = setup.start().await;
    Repository::new("secret", "a").upload(&server, b"secret").await;
    let (repository, digest) = (Repository::new("images", "a"), Digest::of(b"secret"));
    let path = repository.path(&format!("blobs/uploads/?mount={digest}&from=secret/a"));
    let mount = async |key: &str| {
        let request = server.anonymous(Method::POST, &path).bearer_auth(key);
        request.send().await.expect("an answer").status()
    };
    assert_eq!(mount("a-key-of-the-tests").await, StatusCode::ACCEPTED);
    let blob = format!("blobs/{digest}");
    assert_eq!(repository.get(&server, &blob).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(mount(server.key()).await, StatusCode::CREATED);
    assert_eq!(repository.get(&server, &blob).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_two_upload_at_once_is_stored_once() {
    let server = Setup::new().docker_feed("images", "read-only").start().await;
    let bytes = vec![7; 8 << 20];
    let repositories = [Repository::new("images", "a"), Repository::new("images", "b")];
    let uploads = repositories.iter().map(|repository| repository.upload(&server, &bytes));
    futures_util::future::join_all(uploads).await;
    let stored = server.stored("images").await;
    assert_eq!((stored.blobs.len(), stored.uploads.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_layer_goes_through_little_memory() {
    let server = Setup::new().docker_feed("images", "disabled").start().await;
    let repository = Repository::new("images", "a");
    let layer = vec![9; 256 << 20];
    repository.push(&server, "latest", &[&layer]).await;
    assert_eq!(check_all(&server, "images").await, 1);
    let peak = server.peak_memory() >> 20;
    assert!(peak < 128, "{peak} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_100_mb_is_refused_before_it_has_come() {
    let server = Setup::new().docker_feed("images", "disabled").start().await;
    let manifest = json!({ "mediaType": "x".repeat(100 << 20) });
    let path = Repository::new("images", "a").path("manifests/latest");
    // A server that answers early closes the connection, which the client may see first.
    let request = server.request(Method::PUT, &path).body(manifest.to_string());
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    assert!(server.peak_memory() >> 20 < 128);
}
