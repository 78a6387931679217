//! What is above the feeds: the challenge, tokens, and the catalog.

use pakhus_tests::images::Repository;
use pakhus_tests::server::{Server, Setup};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn start() -> Server {
    let open = Setup::new().docker_feed("open", "disabled");
    open.config("[[feeds]]\nname = \"secret\"\ntype = \"docker\"").start().await
}

async fn token(server: &Server, name: &str, password: &str) -> (StatusCode, Value) {
    let request = server.anonymous(Method::GET, "/v2/token?service=x&scope=repository:a:pull");
    let answer = request.basic_auth(name, Some(password)).send().await.expect("an answer");
    (answer.status(), answer.json().await.expect("JSON"))
}

async fn status(server: &Server, path: &str, token: &str) -> StatusCode {
    let request = server.anonymous(Method::GET, path).bearer_auth(token);
    request.send().await.expect("an answer").status()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_nothing_is_told_where_to_get_a_token() {
    let server = start().await;
    for path in ["/v2/", "/v2", "/v2/secret/a/tags/list"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        let challenge = answer.headers()["www-authenticate"].to_str().expect("a text").to_owned();
        let realm = format!("Bearer realm=\"{}\"", server.url("/v2/token"));
        assert!(challenge.starts_with(&realm), "{challenge}");
        let errors: Value = answer.json().await.expect("JSON");
        assert_eq!(errors["errors"][0]["code"], "UNAUTHORIZED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_key_and_a_password_get_a_token_that_opens_what_they_do() {
    let server = start().await;
    let user = json!({ "name": "alice", "password": "correct horse", "scopes": ["view:secret"] });
    let made = server.request(Method::POST, "/api/v1/users").json(&user).send().await;
    assert!(made.expect("an answer").status().is_success());
    Repository::new("secret", "a").push(&server, "latest", &[b"layer"]).await;
    for (name, password) in [("anybody", server.key()), ("alice", "correct horse")] {
        let (answered, given) = token(&server, name, password).await;
        assert_eq!(answered, StatusCode::OK);
        assert_eq!(given["token"], given["access_token"]);
        let given = given["token"].as_str().expect("a token");
        assert_eq!(status(&server, "/v2/", given).await, StatusCode::OK);
        assert_eq!(status(&server, "/v2/secret/a/tags/list", given).await, StatusCode::OK);
    }
    for (name, password) in [("alice", "wrong"), ("nobody", "correct horse")] {
        assert_eq!(token(&server, name, password).await.0, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_credentials_gets_a_token_that_opens_what_anybody_may() {
    let server = start().await;
    Repository::new("open", "a").push(&server, "latest", &[b"layer"]).await;
    let given: Value = server.get("/v2/token").await.json().await.expect("JSON");
    let given = given["token"].as_str().expect("a token");
    assert_eq!(status(&server, "/v2/", given).await, StatusCode::OK);
    assert_eq!(status(&server, "/v2/open/a/tags/list", given).await, StatusCode::OK);
    assert_eq!(status(&server, "/v2/secret/a/tags/list", given).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_has_what_the_one_who_asks_may_read() {
    let server = start().await;
    for (feed, name) in [("open", "b/c"), ("open", "a"), ("secret", "a")] {
        Repository::new(feed, name).push(&server, "latest", &[b"layer"]).await;
    }
    let all = server.json("/v2/_catalog").await;
    assert_eq!(all, json!({ "repositories": ["open/a", "open/b/c", "secret/a"] }));
    let open: Value = server.get("/v2/_catalog").await.json().await.expect("JSON");
    assert_eq!(open, json!({ "repositories": ["open/a", "open/b/c"] }));
    let first = server.request(Method::GET, "/v2/_catalog?n=2").send().await.expect("an answer");
    let link = first.headers()["link"].to_str().expect("a text").to_owned();
    let next = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    let rest = server.json(next.expect("a link")).await;
    assert_eq!(rest, json!({ "repositories": ["secret/a"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_is_not_there_or_holds_no_images_is_not_found() {
    let server = Setup::new().docker_feed("open", "disabled").npm_feed("libs", "disabled");
    let server = server.start().await;
    for feed in ["absent", "libs"] {
        let answer = Repository::new(feed, "a").get(&server, "tags/list").await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let errors: Value = answer.json().await.expect("JSON");
        assert_eq!(errors["errors"][0]["code"], "NAME_UNKNOWN");
    }
    assert_eq!(server.get("/docker/open/a/tags/list").await.status(), StatusCode::NOT_FOUND);
}
