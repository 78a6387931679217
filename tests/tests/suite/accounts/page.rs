//! The page on which somebody signs in.

use pakhus_tests::login_page::LoginPage;
use pakhus_tests::server::{Server, Setup, client};
use reqwest::Method;
use serde_json::{Value, json};

use super::{PASSWORD, site, status};

/// Begins to sign in: the URLs of the page and of what the client asks.
async fn begin(server: &Server) -> (String, String) {
    let request = server.anonymous(Method::POST, "/npm/libs/-/v1/login").json(&json!({}));
    let begun: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    let url = |member: &str| begun[member].as_str().expect("a URL").to_owned();
    (url("loginUrl"), url("doneUrl"))
}

/// Asks for the token: the status and the token.
async fn poll(done: &str) -> (u16, Option<String>) {
    let answer = client(None).get(done).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.expect("JSON");
    (status, body["token"].as_str().map(str::to_owned))
}

async fn html(answer: reqwest::Response, expected: u16) -> String {
    assert_eq!(answer.status(), expected);
    answer.text().await.expect("a body")
}

const ALICE: [(&str, &str); 2] = [("name", "alice"), ("password", PASSWORD)];

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_by_password_and_the_client_gets_one_token() {
    let server = site().await;
    let (login, done) = begin(&server).await;
    assert!(done.starts_with(&server.registry("libs")), "{done}");
    assert_eq!(poll(&done).await, (202, None));
    let page = LoginPage::open(&client(None), &login).await;
    for said in ["libs", "127.0.0.1", "User name", "Password", "API key"] {
        assert!(page.html.contains(said), "{said}");
    }
    let said = html(page.send(&ALICE).await, 200).await;
    assert!(said.contains("You are signed in"), "{said}");
    let (status_of_poll, token) = poll(&done).await;
    assert_eq!(status_of_poll, 200);
    let token = token.expect("a token");
    assert_eq!(status(&server, Method::GET, "-/whoami", &token).await, 200);
    assert_eq!(poll(&done).await, (404, None));
    let over = client(None).get(&login).send().await.expect("an answer");
    assert!(html(over, 404).await.contains("is over"));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_by_an_api_key_and_is_whom_it_is() {
    let server = site().await;
    let (login, done) = begin(&server).await;
    let page = LoginPage::open(&client(None), &login).await;
    let said = html(page.send(&[("key", "wrong")]).await, 403).await;
    assert!(
        said.contains("no API key of this server") && said.contains("<details open>"),
        "{said}"
    );
    assert!(
        html(page.send(&[("key", server.key())]).await, 200).await.contains("You are signed in")
    );
    let token = poll(&done).await.1.expect("a token");
    assert_ne!(token, server.key());
    let who = server.anonymous(Method::GET, "/npm/libs/-/whoami").bearer_auth(&token);
    let who: Value = who.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(who, json!({ "username": "admin" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_on_the_page_and_throttled() {
    let server = site().await;
    let (login, done) = begin(&server).await;
    let page = LoginPage::open(&client(None), &login).await;
    for number in 0..5 {
        let guess = format!("guess {number}");
        let answer = page.send(&[("name", "alice"), ("password", &guess)]).await;
        let said = html(answer, 403).await;
        assert!(
            said.contains("the password is wrong") && said.contains("value=\"alice\""),
            "{said}"
        );
        assert!(!said.contains(&guess));
    }
    let answer = page.send(&[("name", "alice"), ("password", "guess 5")]).await;
    assert!(answer.headers().contains_key("retry-after"));
    assert!(html(answer, 429).await.contains("Wait a minute"));
    assert_eq!(poll(&done).await, (202, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_or_of_another_sign_in_is_not_taken() {
    let server = site().await;
    let (login, done) = begin(&server).await;
    let page = LoginPage::open(&client(None), &login).await;
    for origin in ["https://evil.example", "null"] {
        let answer = page.send_from(origin, &ALICE).await;
        assert!(html(answer, 403).await.contains("try again"), "{origin}");
    }
    // Without the cookie, or with the token of another page.
    let (other, _) = begin(&server).await;
    let other = LoginPage::open(&client(None), &other).await;
    let (_, token) = other.html.split_once("name=\"token\" value=\"").expect("a token");
    let token = &token[..64];
    let body = format!("token={token}&name=alice&password=x");
    let request = client(None).post(&login).body(body);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    html(request.send().await.expect("an answer"), 403).await;
    assert_eq!(poll(&done).await, (202, None));
    assert_eq!(page.send(&ALICE).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_nothing_and_is_in_no_frame() {
    let server = site().await;
    let (login, _) = begin(&server).await;
    let answer = client(None).get(&login).send().await.expect("an answer");
    let headers = answer.headers().clone();
    let header = |name: &str| headers[name].to_str().expect("a text").to_owned();
    let policy = header("content-security-policy");
    for rule in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    let html = answer.text().await.expect("a body");
    for loading in ["<script", "src=", "@import", "url("] {
        assert!(!html.contains(loading), "{loading}");
    }
    let nothing = server.get("/login/nothing").await;
    assert_eq!(nothing.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_works_under_the_public_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("an address").to_string();
    drop(free);
    let feed = "public_url = \"https://packages.example/pakhus\"\n\
                [[feeds]]\nname = \"libs\"\ntype = \"npm\"";
    // It names itself by the public address, so what is asked here is asked at the other.
    let server = Setup::new().config(feed).listen(&address).start().await;
    let post = |path: &str, body: Value| {
        let request = client(None).post(format!("http://{address}{path}"));
        request.bearer_auth(server.key()).json(&body).send()
    };
    let alice = json!({ "name": "alice", "scopes": [], "password": PASSWORD });
    assert_eq!(post("/api/v1/users", alice).await.expect("an answer").status(), 201);
    let begun = post("/npm/libs/-/v1/login", json!({})).await.expect("an answer");
    let begun: Value = begun.json().await.expect("JSON");
    let url = |member: &str| begun[member].as_str().expect("a URL").to_owned();
    let public = "https://packages.example/pakhus";
    assert!(url("doneUrl").starts_with(&format!("{public}/npm/libs/-/v1/done?sessionId=")));
    let path = url("loginUrl").replace(public, "");
    let page = LoginPage::open(&client(None), &format!("http://{address}{path}")).await;
    let answer = page.send_from("https://packages.example", &ALICE).await;
    assert_eq!(answer.status(), 200);
}
