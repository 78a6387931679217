//! Users, the API keys of users, and signing in.

mod keys;
mod npm;
mod page;
mod users;

use pakhus_tests::server::{Server, Setup};
use reqwest::{Method, Response};
use serde_json::{Value, json};

/// The password of the users here.
const PASSWORD: &str = "correct horse battery";

/// A site with a feed that nobody may see without a key, and the user `alice` who may publish to it.
async fn site() -> Server {
    let feed = "[[feeds]]\nname = \"libs\"\ntype = \"npm\"\nanonymous = \"none\"";
    let server = Setup::new().config(feed).start().await;
    add_user(&server, "alice", &["publish:libs"]).await;
    server
}

async fn add_user(server: &Server, name: &str, scopes: &[&str]) {
    let user = json!({
        "name": name, "scopes": scopes, "password": PASSWORD, "email": format!("{name}@example.org"),
    });
    let answer = admin(server, Method::POST, "users", &user).await;
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
}

/// Asks the admin API with the admin key.
async fn admin(server: &Server, method: Method, path: &str, body: &Value) -> Response {
    let request = server.request(method, &format!("/api/v1/{path}"));
    request.json(body).send().await.expect("an answer")
}

/// Signs in as `npm login --auth-type=legacy` does.
async fn sign_in(server: &Server, name: &str, password: &str) -> Response {
    let path = format!("/npm/libs/-/user/org.couchdb.user:{name}");
    let body = json!({ "name": name, "password": password, "type": "user" });
    server.anonymous(Method::PUT, &path).json(&body).send().await.expect("an answer")
}

/// A token of the user.
async fn token(server: &Server, name: &str) -> String {
    let answer = sign_in(server, name, PASSWORD).await;
    assert_eq!(answer.status(), 201);
    let body: Value = answer.json().await.expect("JSON");
    body["token"].as_str().expect("a token").to_owned()
}

/// The status of a request of the feed with this token.
async fn status(server: &Server, method: Method, path: &str, token: &str) -> u16 {
    let request = server.anonymous(method, &format!("/npm/libs/{path}")).bearer_auth(token);
    request.send().await.expect("an answer").status().as_u16()
}

/// The status of a publish with this token.
async fn publish(server: &Server, version: &str, token: &str) -> u16 {
    let package = pakhus_tests::package::Package::new("tools", version);
    let request = server.anonymous(Method::PUT, "/npm/libs/tools").bearer_auth(token);
    let answer = request.json(&package.document()).send().await.expect("an answer");
    answer.status().as_u16()
}
