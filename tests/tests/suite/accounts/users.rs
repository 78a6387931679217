//! `/api/v1/users`, and users at the door.

use std::process::{Command, Stdio};

use pakhus_tests::problem::is_problem;
use pakhus_tests::server::{Server, Setup, binary};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, add_user, admin, sign_in, site, status, token};

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_shown_changed_and_deleted_and_passwords_are_shown_once() {
    let server = site().await;
    let made = admin(&server, Method::POST, "users", &json!({ "name": "bob", "scopes": [] })).await;
    assert_eq!(made.status(), 201);
    let made: Value = made.json().await.expect("JSON");
    let password = made["password"].as_str().expect("a generated password");
    assert_eq!(sign_in(&server, "bob", password).await.status(), 201);
    let shown = server.json("/api/v1/users/bob").await;
    assert_eq!(
        (&shown["name"], &shown["email"], &shown["password"]),
        (&json!("bob"), &Value::Null, &Value::Null)
    );
    let listed = server.json("/api/v1/users?limit=1").await;
    assert_eq!((&listed["users"][0]["name"], &listed["next"]), (&json!("alice"), &json!("alice")));
    let listed = server.json("/api/v1/users?after=alice").await;
    assert_eq!((&listed["users"][0]["name"], &listed["next"]), (&json!("bob"), &Value::Null));
    let change = json!({ "email": "bob@example.org", "scopes": ["view:*"] });
    let changed = admin(&server, Method::PATCH, "users/bob", &change).await;
    let changed: Value = changed.json().await.expect("JSON");
    assert_eq!((&changed["email"], &changed["scopes"]), (&change["email"], &change["scopes"]));
    let changed = admin(&server, Method::PATCH, "users/bob", &json!({ "email": null })).await;
    assert_eq!(changed.json::<Value>().await.expect("JSON")["email"], Value::Null);
    let answer = admin(&server, Method::DELETE, "users/bob", &json!({})).await;
    assert_eq!(answer.status(), 204);
    is_problem(admin(&server, Method::GET, "users/bob", &json!({})).await, 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_do_is_refused_and_changes_nothing() {
    let server = site().await;
    let before = server.json("/api/v1/users").await;
    let user = |name: &str, more: Value| {
        let mut user = json!({ "name": name, "scopes": [], "password": PASSWORD });
        for (member, value) in more.as_object().expect("an object") {
            user[member] = value.clone();
        }
        (Method::POST, "users", user)
    };
    for ((method, path, body), refused) in [
        (user("Bob", json!({})), 400),
        (user(".bob", json!({})), 400),
        (user("b/b", json!({})), 400),
        (user("bob", json!({ "scopes": ["own:libs"] })), 400),
        (user("bob", json!({ "password": "short" })), 400),
        (user("bob", json!({ "email": "bob" })), 400),
        (user("bob", json!({ "odd": 1 })), 400),
        (user("alice", json!({})), 409),
        ((Method::PATCH, "users/alice", json!({ "scopes": ["odd"] })), 400),
        ((Method::PATCH, "users/alice", json!({ "password": "short" })), 400),
        (
            (
                Method::PATCH,
                "users/alice",
                json!({ "password": PASSWORD, "generate_password": true }),
            ),
            400,
        ),
        ((Method::PATCH, "users/nobody", json!({})), 404),
        ((Method::DELETE, "users/nobody", json!({})), 404),
    ] {
        println!("{method} {path} {body}");
        is_problem(admin(&server, method, path, &body).await, refused).await;
    }
    assert_eq!(server.json("/api/v1/users").await, before);
    let alice = token(&server, "alice").await;
    for (method, path) in [(Method::GET, "/api/v1/users"), (Method::DELETE, "/api/v1/users/alice")]
    {
        let request = server.anonymous(method, path).bearer_auth(&alice);
        is_problem(request.send().await.expect("an answer"), 403).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_known_by_name_and_password_wherever_a_key_is_taken() {
    let server = site().await;
    add_user(&server, "root", &["admin"]).await;
    let ask = async |path: &str, name: &str, password: &str| {
        let request = server.anonymous(Method::GET, path).basic_auth(name, Some(password));
        request.send().await.expect("an answer")
    };
    let who = ask("/npm/libs/-/whoami", "alice", PASSWORD).await;
    assert_eq!(who.json::<Value>().await.expect("JSON"), json!({ "username": "alice" }));
    assert_eq!(ask("/api/v1/users", "root", PASSWORD).await.status(), 200);
    is_problem(ask("/api/v1/users", "alice", PASSWORD).await, 403).await;
    let said = is_problem(ask("/api/v1/users", "alice", "wrong").await, 401).await;
    assert!(said.contains("no such user, or the password is wrong"), "{said}");
    // An API key is the password of anybody, as ever.
    assert_eq!(ask("/api/v1/users", "anybody", server.key()).await.status(), 200);
    let stranger = sign_in(&server, "stranger", PASSWORD).await;
    assert_eq!(stranger.status(), 401);
    let said = stranger.text().await.expect("a body");
    assert!(said.contains("the operator of this server adds users"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_is_not_asked_what_the_headers_say() {
    let server = site().await;
    let path = "/npm/libs/-/user/org.couchdb.user:alice";
    let body = json!({ "name": "alice", "password": PASSWORD });
    let request = server.anonymous(Method::PUT, path).json(&body);
    // pnpm and yarn 1 send Basic on the first request already; npm may send a token that has ended.
    let basic = request.try_clone().expect("a copy").basic_auth("alice", Some("old password"));
    assert_eq!(basic.send().await.expect("an answer").status(), 201);
    assert_eq!(request.bearer_auth("ended").send().await.expect("an answer").status(), 201);
    let begin = server.anonymous(Method::POST, "/npm/libs/-/v1/login").bearer_auth("ended");
    assert_eq!(begin.send().await.expect("an answer").status(), 200);
    assert_eq!(status(&server, Method::DELETE, "-/user/token/ended", "ended").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_throttled_and_what_is_right_elsewhere_goes_on() {
    let server = site().await;
    add_user(&server, "bob", &[]).await;
    let alice = token(&server, "alice").await;
    for number in 0..5 {
        assert_eq!(sign_in(&server, "alice", &format!("guess {number}")).await.status(), 401);
    }
    let throttled = sign_in(&server, "alice", PASSWORD).await;
    // The right one was right a moment ago, and is remembered.
    assert_eq!(throttled.status(), 201);
    let throttled = sign_in(&server, "alice", "guess 6").await;
    assert_eq!(throttled.status(), 429);
    let wait = throttled.headers()["retry-after"].to_str().expect("a text").parse::<u32>();
    assert!((1..=61).contains(&wait.expect("seconds")));
    let said: Value = throttled.json().await.expect("JSON");
    assert!(said["error"].as_str().expect("npm's form").contains("too many"), "{said}");
    let basic = server.anonymous(Method::GET, "/api/v1/feeds").basic_auth("alice", Some("guess 7"));
    let basic = basic.send().await.expect("an answer");
    assert!(basic.headers().contains_key("retry-after"));
    is_problem(basic, 429).await;
    assert_eq!(sign_in(&server, "bob", PASSWORD).await.status(), 201);
    assert_eq!(status(&server, Method::GET, "-/whoami", &alice).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_counts_at_once_on_every_node() {
    let server = site().await;
    assert_eq!(sign_in(&server, "alice", PASSWORD).await.status(), 201);
    let change = json!({ "password": "another password" });
    let changed = admin(&server, Method::PATCH, "users/alice", &change).await;
    assert_eq!(changed.json::<Value>().await.expect("JSON")["password"], Value::Null);
    assert_eq!(sign_in(&server, "alice", PASSWORD).await.status(), 401);
    assert_eq!(sign_in(&server, "alice", "another password").await.status(), 201);
}

/// Runs `pakhus user …` with `input` on its standard input.
fn run(server: &Server, arguments: &[&str], input: &str) -> (bool, String, String) {
    let mut child = Command::new(binary())
        .arg("user")
        .args(arguments)
        .args(["--server", &server.url(""), "--api-key", server.key()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdin = child.stdin.take().expect("its input");
    // A command that reads nothing may have ended already.
    let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_makes_lists_changes_and_deletes_users() {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    let email = ["--email", "alice@example.org"];
    let create = ["create", "alice", "--scope", "publish:libs"];
    let (done, out, _) = run(&server, &[&create[..], &email].concat(), "correct horse battery\n");
    assert!(done && out == "made the user `alice`\n", "{out}");
    assert_eq!(sign_in(&server, "alice", PASSWORD).await.status(), 201);
    let (done, out, err) = run(&server, &["password", "alice", "--generate"], "");
    assert!(done && err.contains("shown only now"), "{err}");
    assert_eq!(sign_in(&server, "alice", out.trim()).await.status(), 201);
    let (done, ..) = run(&server, &["update", "alice", "--scope", "view:*"], "");
    assert!(done);
    let (_, out, _) = run(&server, &["list"], "");
    assert!(out.contains("alice@example.org") && out.contains("view:*"), "{out}");
    let (done, _, err) = run(&server, &["create", "bob", "--scope", "view:*"], "");
    assert!(!done && err.contains("no password on standard input"), "{err}");
    assert!(run(&server, &["delete", "alice"], "").0);
    let (done, _, err) = run(&server, &["delete", "alice"], "");
    assert!(!done && err.contains("no user called `alice`"), "{err}");
}
