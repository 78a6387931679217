//! API keys that belong to somebody: they never may more than their owner, and end with it.

use pakhus_tests::problem::is_problem;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, add_user, admin, publish, sign_in, site, status, token};

/// Makes a token as `npm token create` does.
async fn create(server: &Server, by: &str, body: Value) -> Value {
    let request = server.anonymous(Method::POST, "/npm/libs/-/npm/v1/tokens").bearer_auth(by);
    let answer = request.json(&body).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    answer.json().await.expect("JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_may_what_its_user_may_now() {
    let server = site().await;
    let alice = token(&server, "alice").await;
    assert!(alice.len() <= 80);
    assert_eq!(publish(&server, "1.0.0", &alice).await, 201);
    assert_eq!(status(&server, Method::DELETE, "tools/-rev/1-a", &alice).await, 403);
    admin(&server, Method::PATCH, "users/alice", &json!({ "scopes": ["view:libs"] })).await;
    assert_eq!(publish(&server, "1.1.0", &alice).await, 403);
    assert_eq!(status(&server, Method::GET, "tools", &alice).await, 200);
    admin(&server, Method::DELETE, "users/alice", &json!({})).await;
    assert_eq!(status(&server, Method::GET, "tools", &alice).await, 401);
    // Somebody else of that name has nothing of hers.
    add_user(&server, "alice", &["publish:libs"]).await;
    assert_eq!(status(&server, Method::GET, "tools", &alice).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_reads_only_changes_nothing() {
    let server = site().await;
    let alice = token(&server, "alice").await;
    assert_eq!(publish(&server, "1.0.0", &alice).await, 201);
    let body = json!({ "name": "reader", "password": PASSWORD, "readonly": true });
    let reader = text(&create(&server, &alice, body).await["token"]);
    assert_eq!(status(&server, Method::GET, "tools", &reader).await, 200);
    assert_eq!(status(&server, Method::GET, "-/whoami", &reader).await, 200);
    assert_eq!(publish(&server, "1.1.0", &reader).await, 403);
    let tokens = "-/npm/v1/tokens";
    assert_eq!(status(&server, Method::GET, tokens, &reader).await, 200);
    let request = server.anonymous(Method::POST, "/npm/libs/-/npm/v1/tokens").bearer_auth(&reader);
    let made = request.json(&json!({ "name": "more" })).send().await.expect("an answer");
    assert_eq!(made.status(), 403);
    // What it signs in to reads only as well.
    let more = sign_in(&server, "anybody", &reader).await.json::<Value>().await.expect("JSON");
    assert_eq!(publish(&server, "1.1.0", &text(&more["token"])).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_taken_from_its_networks_alone() {
    let server = site().await;
    let alice = token(&server, "alice").await;
    let from = async |networks: Value| {
        let body = json!({ "name": "ci", "password": PASSWORD, "cidr_whitelist": networks });
        text(&create(&server, &alice, body).await["token"])
    };
    let home = from(json!(["127.0.0.0/8", "::1/128"])).await;
    assert_eq!(status(&server, Method::GET, "-/whoami", &home).await, 200);
    let elsewhere = from(json!(["192.0.2.0/24"])).await;
    assert_eq!(status(&server, Method::GET, "-/whoami", &elsewhere).await, 403);
    assert_eq!(sign_in(&server, "anybody", &elsewhere).await.status(), 403);
    let request = server.anonymous(Method::POST, "/npm/libs/-/npm/v1/tokens").bearer_auth(&alice);
    let odd = request.json(&json!({ "name": "ci", "cidr_whitelist": ["home"] })).send().await;
    assert_eq!(odd.expect("an answer").status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_ends_is_refused_afterwards() {
    let server = site().await;
    let key = json!({ "name": "ci", "scopes": ["view:*"], "expires": "2s" });
    let made = admin(&server, Method::POST, "keys", &key).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.expect("JSON");
    assert!(made["expires_at"].is_string());
    let key = text(&made["key"]);
    assert_eq!(status(&server, Method::GET, "-/whoami", &key).await, 200);
    let made = sign_in(&server, "anybody", &key).await.json::<Value>().await.expect("JSON");
    until("it ends", async || {
        let ended = status(&server, Method::GET, "-/whoami", &key).await == 401;
        ended.then_some(())
    })
    .await;
    assert_eq!(status(&server, Method::GET, "-/whoami", &text(&made["token"])).await, 401);
    for (expires, said) in [("soon", "is no end of a key"), ("2020-01-01T00:00:00Z", "already")] {
        let key = json!({ "name": "ci", "scopes": ["view:*"], "expires": expires });
        let refused = is_problem(admin(&server, Method::POST, "keys", &key).await, 400).await;
        assert!(refused.contains(said), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_with_the_one_that_made_it_unless_it_stands_alone() {
    let server = site().await;
    let make = async |by: &str, name: &str, standalone: bool| -> Value {
        let body = json!({ "name": name, "scopes": ["admin"], "standalone": standalone });
        let request = server.anonymous(Method::POST, "/api/v1/keys").bearer_auth(by).json(&body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    };
    let maker = make(server.key(), "maker", false).await;
    let made = make(&text(&maker["key"]), "made", false).await;
    assert_eq!(made["owner"], json!({ "user": null, "key": maker["id"] }));
    let alone = make(&text(&maker["key"]), "alone", true).await;
    assert_eq!(alone["owner"], json!({ "user": null, "key": null }));
    let revoked =
        admin(&server, Method::DELETE, &format!("keys/{}", maker["id"]), &json!({})).await;
    assert_eq!(revoked.status(), 204);
    for (key, expected) in [(&maker, 401), (&made, 401), (&alone, 200)] {
        assert_eq!(status(&server, Method::GET, "-/whoami", &text(&key["key"])).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_never_may_more_than_its_maker() {
    let server = site().await;
    add_user(&server, "root", &["admin"]).await;
    let body = json!({ "name": "ci", "scopes": ["publish:libs"], "read_only": false });
    let request = server.anonymous(Method::POST, "/api/v1/keys").basic_auth("root", Some(PASSWORD));
    let made = request.json(&body).send().await.expect("an answer");
    let made: Value = made.json().await.expect("JSON");
    assert_eq!(made["owner"], json!({ "user": "root", "key": null }));
    let key = text(&made["key"]);
    assert_eq!(publish(&server, "1.0.0", &key).await, 201);
    let listed = server.json("/api/v1/keys").await;
    let listed = listed["keys"].as_array().expect("a list");
    assert!(listed.iter().any(|key| key["owner"]["user"] == "root"), "{listed:?}");
    admin(&server, Method::PATCH, "users/root", &json!({ "scopes": ["view:libs"] })).await;
    assert_eq!(publish(&server, "1.1.0", &key).await, 403);
    assert_eq!(status(&server, Method::GET, "tools", &key).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_ends_the_token_and_leaves_what_is_the_operators() {
    let server = site().await;
    let alice = token(&server, "alice").await;
    let path = format!("-/user/token/{alice}");
    assert_eq!(status(&server, Method::DELETE, &path, &alice).await, 200);
    assert_eq!(status(&server, Method::GET, "-/whoami", &alice).await, 401);
    let path = format!("-/user/token/{}", server.key());
    assert_eq!(status(&server, Method::DELETE, &path, server.key()).await, 403);
    assert_eq!(status(&server, Method::GET, "-/whoami", server.key()).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_shows_a_token() {
    let feed = "[[feeds]]\nname = \"libs\"\ntype = \"npm\"";
    let server = Setup::new().config(feed).log("debug").start().await;
    add_user(&server, "alice", &["publish:libs"]).await;
    let alice = token(&server, "alice").await;
    let made = create(&server, &alice, json!({ "name": "ci", "password": PASSWORD })).await;
    let key = text(&made["key"]);
    status(&server, Method::DELETE, &format!("-/npm/v1/tokens/token/{key}"), &alice).await;
    status(&server, Method::DELETE, &format!("-/user/token/{alice}"), &alice).await;
    let request = server.anonymous(Method::POST, "/npm/libs/-/v1/login");
    let begun: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    let (login, done) = (text(&begun["loginUrl"]), text(&begun["doneUrl"]));
    for url in [&login, &done] {
        let path = url.strip_prefix(&server.url("")).expect("an address here");
        server.get(path).await;
    }
    let log = server.log_text();
    assert!(log.contains("/-/user/token/…"), "the request is logged");
    let ticket = login.rsplit('/').next().expect("a ticket");
    let session = done.rsplit('=').next().expect("a session");
    for secret in [&alice, &key, ticket, session, PASSWORD] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
