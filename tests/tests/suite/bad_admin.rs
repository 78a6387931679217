//! What a client of the admin API may not send: each is answered with a problem, and changes nothing.

use pakhus_tests::problem::is_problem;
use pakhus_tests::server::{Server, Setup};
use reqwest::{Method, Response};

async fn site() -> Server {
    Setup::new().npm_feed("libs", "read-only").start().await
}

async fn send(server: &Server, method: Method, path: &str, body: &str) -> Response {
    let request = server.request(method, path).body(body.to_owned());
    request.send().await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_fit_is_refused_and_changes_nothing() {
    let server = site().await;
    let before = (server.json("/api/v1/feeds").await, server.json("/api/v1/keys").await);
    let post = Method::POST;
    let cases = [
        (post.clone(), "feeds", "{"),
        (post.clone(), "feeds", ""),
        (post.clone(), "feeds", "[]"),
        (post.clone(), "feeds", "{\"name\":\"x\",\"type\":\"npm\",\"odd\":1}"),
        (post.clone(), "feeds", "{\"name\":7,\"type\":\"npm\"}"),
        (post.clone(), "feeds", "{\"name\":\"../x\",\"type\":\"npm\"}"),
        (post.clone(), "feeds", "{\"name\":\"x\",\"type\":\"odd\"}"),
        (post.clone(), "feeds", "{\"name\":\"x\",\"type\":\"npm\",\"anonymous\":\"all\"}"),
        (post.clone(), "feeds", "{\"name\":\"x\",\"type\":\"npm\",\"overwrite\":true}"),
        (post.clone(), "feeds", "{\"name\":\"x\",\"type\":\"nuget\",\"deletes\":\"all\"}"),
        (post.clone(), "feeds/libs/sync", "{\"full\":\"yes\"}"),
        (post.clone(), "feeds/libs/sync", "{\"odd\":true}"),
        (post.clone(), "keys", "{\"name\":\"k\",\"scopes\":[\"own:libs\"]}"),
        (post.clone(), "keys", "{\"name\":\"k\",\"scopes\":\"admin\"}"),
        (post.clone(), "keys", "{\"name\":\"k\",\"scopes\":[]}"),
        (post.clone(), "keys", "{\"name\":\" \",\"scopes\":[\"admin\"]}"),
        (post.clone(), "keys", "{\"name\":\"k\",\"scopes\":[\"admin\"],\"expires\":\"soon\"}"),
        (post.clone(), "keys", "{\"name\":\"k\",\"scopes\":[\"admin\"],\"networks\":[\"home\"]}"),
        (post.clone(), "users", "{\"name\":\"bob\"}"),
        (post, "users", "{\"name\":\"Bob\",\"scopes\":[]}"),
        (Method::PATCH, "users/bob", "{\"email\":7}"),
        (Method::PUT, "feeds/libs/replication", "{\"server\":{\"mode\":\"odd\"}}"),
        (Method::PUT, "feeds/libs/replication", "{\"server\":{\"odd\":1}}"),
        (Method::PUT, "feeds/libs/replication", "{\"client\":{\"source_url\":\"file:///x\"}}"),
        (Method::PUT, "feeds/libs/replication", "{\"client\":{\"interval\":\"-1s\"}}"),
        (Method::PATCH, "feeds/libs", "{\"odd\":1}"),
        (Method::PATCH, "settings", "{\"diagnostics\":{\"minimum_log_level\":\"loud\"}}"),
        (Method::PATCH, "settings", "{\"diagnostics.minimum_log_level\":31}"),
        (Method::PATCH, "settings", "{\"odd\":1}"),
    ];
    for (method, path, body) in cases {
        println!("{method} {path} {body}");
        is_problem(send(&server, method, &format!("/api/v1/{path}"), body).await, 400).await;
    }
    let after = (server.json("/api/v1/feeds").await, server.json("/api/v1/keys").await);
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_or_a_query_that_is_none_is_refused() {
    let server = site().await;
    let cases = [
        (Method::GET, "executions/abc"),
        (Method::GET, "executions/99999999999999999999"),
        (Method::GET, "executions?status=odd"),
        (Method::GET, "executions?after=odd"),
        (Method::GET, "executions?limit=-1"),
        (Method::GET, "diagnostics?min_level=odd"),
        (Method::GET, "feeds/libs/packages?limit=many"),
        (Method::GET, "feeds/%ff"),
        (Method::DELETE, "keys/abc"),
        (Method::DELETE, "feeds/libs/replication/sync-tokens/abc"),
    ];
    for (method, path) in cases {
        println!("{method} {path}");
        is_problem(send(&server, method, &format!("/api/v1/{path}"), "").await, 400).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_problem_as_well() {
    let server = site().await;
    let odd = Method::from_bytes(b"BREW").expect("a method");
    let cases = [
        (Method::GET, "/api/v1", 404),
        (Method::GET, "/api/v1/", 404),
        (Method::GET, "/api/v1/nothing", 404),
        (Method::GET, "/api/v1/feeds/nothing", 404),
        (Method::GET, "/api/v1/feeds/..%2flibs", 404),
        (Method::GET, "/api/v1/feeds/nothing/packages", 404),
        (Method::POST, "/api/v1/feeds/nothing/sync", 404),
        (Method::GET, "/api/v1/executions/999", 404),
        (Method::DELETE, "/api/v1/keys/999", 404),
        (Method::DELETE, "/api/v1/feeds/libs/replication/sync-tokens/999", 404),
        (Method::PATCH, "/api/v1/keys", 405),
        (odd, "/api/v1/feeds", 405),
        // The feed belongs to the configuration file, and is no client.
        (Method::DELETE, "/api/v1/feeds/libs", 409),
        (Method::POST, "/api/v1/feeds/libs/sync", 409),
    ];
    for (method, path, status) in cases {
        println!("{method} {path}");
        is_problem(send(&server, method, path, "").await, status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_megabytes_is_refused_and_the_client_is_told() {
    let server = site().await;
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(8 << 20));
    is_problem(send(&server, Method::POST, "/api/v1/feeds", &body).await, 413).await;
    assert_eq!(server.get("/healthz").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_is_told_so() {
    let server = Setup::new()
        .config("[[api_keys]]\nkey = \"reader\"\nscopes = [\"view:libs\"]")
        .npm_feed("libs", "read-only")
        .start()
        .await;
    let paths = ["/api/v1/feeds", "/api/v1/keys", "/api/v1/users", "/api/v1/settings"];
    for path in paths {
        is_problem(server.get(path).await, 401).await;
        let wrong = server.anonymous(Method::GET, path).bearer_auth("wrong");
        is_problem(wrong.send().await.expect("an answer"), 401).await;
    }
    for (method, path) in [(Method::GET, "/api/v1/keys"), (Method::POST, "/api/v1/feeds/libs/sync")]
    {
        let request = server.anonymous(method, path).bearer_auth("reader");
        is_problem(request.send().await.expect("an answer"), 403).await;
    }
}
