use pakhus_plugin_api::testing::{Answer, MemoryFeed};
use serde_json::{Value, json};

use crate::support::{assert_refused, feed};

/// A feed with the user `alice`.
fn feed_of_alice() -> MemoryFeed {
    let feed = feed();
    feed.add_user("alice", "correct horse", Some("alice@example.org"));
    feed
}

fn send(feed: &MemoryFeed, method: &str, target: &str, by: Option<&str>, body: &Value) -> Answer {
    let mut request = feed.request(method, target).body(body.to_string());
    if let Some(name) = by {
        request = request.by(name);
    }
    request.send()
}

/// What npm 12 sends to sign in.
fn user_document(name: &str, password: &str) -> Value {
    json!({
        "_id": format!("org.couchdb.user:{name}"),
        "name": name,
        "password": password,
        "type": "user",
        "roles": [],
        "date": "2026-11-24T10:00:00.000Z",
    })
}

fn sign_in(feed: &MemoryFeed, target: &str, password: &str) -> Answer {
    send(feed, "PUT", target, None, &user_document("alice", password))
}

#[test]
fn a_user_signs_in_by_every_path_and_gets_a_token() {
    let feed = feed_of_alice();
    let document = "/-/user/org.couchdb.user:alice";
    let escaped = "/-/user/org.couchdb.user%3Aalice";
    for target in [document, escaped, &format!("{document}/-rev/undefined")] {
        let answer = sign_in(&feed, target, "correct horse");
        assert_eq!(answer.status, 201, "{target}: {}", answer.text());
        let body = answer.json();
        assert_eq!(body["id"], "org.couchdb.user:alice");
        assert!(body["ok"].as_str().unwrap().contains("alice"));
        assert!((8..=80).contains(&body["token"].as_str().unwrap().len()));
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    }
}

#[test]
fn an_api_key_is_taken_for_the_password() {
    let feed = feed_of_alice();
    let token = sign_in(&feed, "/-/user/org.couchdb.user:alice", "correct horse").json();
    let body = user_document("anybody", token["token"].as_str().unwrap());
    let answer = send(&feed, "PUT", "/-/user/org.couchdb.user:anybody", None, &body);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["ok"], "you are signed in as 'alice'");
}

#[test]
fn signing_in_is_refused_with_a_reason() {
    let feed = feed_of_alice();
    let target = "/-/user/org.couchdb.user:alice";
    assert_refused(&sign_in(&feed, target, "wrong"), 401, "no such user");
    assert_refused(&sign_in(&feed, target, ""), 400, "password");
    assert_refused(&sign_in(&feed, "/-/user/org.couchdb.user:bob", "x"), 400, "different users");
    let stranger =
        send(&feed, "PUT", "/-/user/org.couchdb.user:bob", None, &user_document("bob", "x"));
    assert_refused(&stranger, 401, "no such user");
    for broken in [json!([]), json!({ "password": 7 }), json!("x")] {
        assert_refused(&send(&feed, "PUT", target, None, &broken), 400, "malformed");
    }
}

#[test]
fn those_who_are_known_look_users_up() {
    let feed = feed_of_alice();
    let target = "/-/user/org.couchdb.user:alice";
    let answer = feed.request("GET", target).by("bob").send();
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["name"], &body["email"]), (&json!("alice"), &json!("alice@example.org")));
    assert_eq!(body["_id"], "org.couchdb.user:alice");
    assert_refused(&feed.request("GET", target).send(), 401, "npm login");
    let nobody = feed.request("GET", "/-/user/org.couchdb.user:carol").by("bob").send();
    assert_refused(&nobody, 404, "carol");
}

#[test]
fn a_browser_login_is_begun_waited_for_and_done_once() {
    let feed = feed_of_alice();
    // npm and pnpm send an empty object, yarn nothing.
    for body in ["{}", ""] {
        let begun = feed
            .request("POST", "/-/v1/login")
            .seen_at("https://packages.example/npm/libs")
            .body(body)
            .send();
        assert_eq!(begun.status, 200);
        let (login, done) = (begun.json()["loginUrl"].clone(), begun.json()["doneUrl"].clone());
        let done = done.as_str().unwrap();
        let target = done.strip_prefix("https://packages.example/npm/libs").unwrap();
        assert!(target.starts_with("/-/v1/done?sessionId="));
        let waiting = feed.request("GET", &target.replace(' ', "%20")).send();
        assert_eq!((waiting.status, waiting.json()), (202, json!({})));
        assert_eq!(waiting.header("retry-after"), Some("1"));
        feed.approve_login(login.as_str().unwrap(), "alice");
        let done = feed.request("GET", &target.replace(' ', "%20")).send();
        assert_eq!(done.status, 200);
        assert!(done.json()["token"].as_str().unwrap().len() >= 8);
        assert_refused(&feed.request("GET", &target.replace(' ', "%20")).send(), 404, "over");
    }
    assert_refused(&feed.request("GET", "/-/v1/done").send(), 404, "over");
}

#[test]
fn a_token_is_made_listed_and_revoked() {
    let feed = feed_of_alice();
    let body = json!({
        "name": "ci", "password": "correct horse", "packages_and_scopes_permission": "read-only",
        "cidr_whitelist": ["10.0.0.0/8"], "expires": 30, "packages_all": true, "bypass_2fa": true,
    });
    let made = send(&feed, "POST", "/-/npm/v1/tokens", Some("alice"), &body);
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["name"], &made["readonly"]), (&json!("ci"), &json!(true)));
    assert_eq!(made["cidr_whitelist"], json!(["10.0.0.0/8"]));
    let token = made["token"].as_str().unwrap();
    let listed = feed.request("GET", "/-/npm/v1/tokens").by("alice").send().json();
    assert_eq!((&listed["total"], &listed["urls"]), (&json!(1), &json!({})));
    let entry = &listed["objects"][0];
    assert_eq!((&entry["key"], &entry["expiry"]), (&made["key"], &made["expiry"]));
    let beginning = entry["token"].as_str().unwrap();
    assert!(beginning.len() >= 8 && token.starts_with(beginning) && beginning != token);
    let path = format!("/-/npm/v1/tokens/token/{}", made["key"].as_str().unwrap());
    assert_refused(&feed.request("DELETE", &path).by("bob").send(), 404, "no such token");
    assert_eq!(feed.request("DELETE", &path).by("alice").send().status, 204);
    assert_refused(&feed.request("DELETE", &path).by("alice").send(), 404, "no such token");
}

#[test]
fn a_token_is_revoked_by_itself_and_by_logging_out() {
    let feed = feed_of_alice();
    let make = || {
        let body = json!({ "name": null, "password": "correct horse" });
        let made = send(&feed, "POST", "/-/npm/v1/tokens", Some("alice"), &body).json();
        assert!(made["name"].as_str().unwrap().starts_with("npm token, "));
        made["token"].as_str().unwrap().to_owned()
    };
    let path = format!("/-/npm/v1/tokens/token/{}", make());
    assert_eq!(feed.request("DELETE", &path).by("alice").send().status, 204);
    // Who logs out has said all by the token, also when it has ended meanwhile.
    let path = format!("/-/user/token/{}", make());
    for _ in 0..2 {
        assert_eq!(feed.request("DELETE", &path).send().status, 200);
    }
    let listed = feed.request("GET", "/-/npm/v1/tokens").by("alice").send().json();
    assert_eq!(listed, json!({ "objects": [], "total": 0, "urls": {} }));
}

#[test]
fn tokens_are_listed_page_by_page_and_the_last_page_names_no_next() {
    let feed = feed_of_alice();
    for name in ["a", "b", "c"] {
        send(&feed, "POST", "/-/npm/v1/tokens", Some("alice"), &json!({ "name": name }));
    }
    let mut target = "/-/npm/v1/tokens?perPage=2".to_owned();
    let mut names = Vec::new();
    loop {
        let page = feed.request("GET", &target).by("alice").send().json();
        assert_eq!(page["total"], 3);
        let objects = page["objects"].as_array().unwrap();
        names.extend(objects.iter().map(|object| object["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["urls"].get("next") else { break };
        target = next.as_str().unwrap().replace("https://pakhus.test/npm/main", "");
    }
    assert_eq!(names, ["a", "b", "c"]);
    let odd = feed.request("GET", "/-/npm/v1/tokens?page=-1").by("alice").send();
    assert_refused(&odd, 400, "page");
}

#[test]
fn a_token_that_would_be_wider_than_was_asked_for_is_refused() {
    let feed = feed_of_alice();
    for (body, reason) in [
        (json!({ "packages": ["left-pad"] }), "--packages"),
        (json!({ "scopes": ["@acme"] }), "--packages"),
        (json!({ "orgs": ["acme"] }), "--packages"),
        (json!({ "packages_and_scopes_permission": "no-access" }), "no access"),
        (json!({ "expires": 0 }), "days"),
        (json!({ "expires": 99_999 }), "days"),
        (json!({ "cidr_whitelist": "10.0.0.0/8" }), "malformed"),
    ] {
        let answer = send(&feed, "POST", "/-/npm/v1/tokens", Some("alice"), &body);
        assert_refused(&answer, 400, reason);
    }
    let wrong = json!({ "name": "x", "password": "wrong" });
    let answer = send(&feed, "POST", "/-/npm/v1/tokens", Some("alice"), &wrong);
    assert_refused(&answer, 403, "password is wrong");
}

#[test]
fn a_profile_is_shown_and_its_address_and_password_change() {
    let feed = feed_of_alice();
    let show = || feed.request("GET", "/-/npm/v1/user").by("alice").send().json();
    let profile = show();
    assert_eq!((&profile["name"], &profile["tfa"]), (&json!("alice"), &json!(false)));
    assert_eq!(profile["email"], "alice@example.org");
    let change = |body: Value| send(&feed, "POST", "/-/npm/v1/user", Some("alice"), &body);
    // npm sends what it read, with what is empty as null.
    let answer = change(json!({ "email": "a@b.c", "fullname": null, "homepage": null }));
    assert_eq!((answer.status, &answer.json()["email"]), (200, &json!("a@b.c")));
    assert_eq!(change(json!({ "email": null })).json()["email"], "");
    assert_refused(&change(json!({ "fullname": "A B" })), 400, "fullname");
    assert_refused(&change(json!({ "tfa": { "mode": "auth-only" } })), 400, "two-factor");
    assert_refused(&change(json!({ "email": 7 })), 400, "email");
    let password = |old: &str| json!({ "password": { "old": old, "new": "battery staple" } });
    assert_refused(&change(password("wrong")), 403, "password is wrong");
    assert_eq!(change(password("correct horse")).status, 200);
    let document = "/-/user/org.couchdb.user:alice";
    assert_eq!(sign_in(&feed, document, "battery staple").status, 201);
    assert_refused(&sign_in(&feed, document, "correct horse"), 401, "");
}

#[test]
fn somebody_unknown_has_no_tokens_and_no_profile() {
    let feed = feed_of_alice();
    for (method, target) in [
        ("GET", "/-/npm/v1/tokens"),
        ("POST", "/-/npm/v1/tokens"),
        ("DELETE", "/-/npm/v1/tokens/token/abc"),
        ("GET", "/-/npm/v1/user"),
        ("POST", "/-/npm/v1/user"),
    ] {
        assert_refused(&send(&feed, method, target, None, &json!({})), 401, "");
    }
}
