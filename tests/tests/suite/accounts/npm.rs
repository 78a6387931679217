//! Signing in and out by the real npm.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use pakhus_tests::login_page::LoginPage;
use pakhus_tests::npm::Npm;
use pakhus_tests::server::{Server, client};
use serde_json::{Value, json};

use super::{PASSWORD, site};

const HERE: &str = ".";

fn stranger(server: &Server) -> Npm {
    Npm::new(&server.registry("libs"), None)
}

/// Runs npm on a terminal, where it asks these questions and gets these answers.
fn run_on_terminal(npm: &Npm, arguments: &[&str], answers: &Value) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/terminal.py");
    let npm = npm.command(Path::new(HERE), arguments);
    let mut command = Command::new("python3");
    command.arg(script).arg(npm.get_program()).args(npm.get_args());
    for (name, value) in npm.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = command.env("ANSWERS", answers.to_string()).output().expect("python3 runs");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    shown
}

fn sign_in(npm: &Npm) {
    let answers = json!([["Username:", "alice"], ["Password:", PASSWORD]]);
    run_on_terminal(npm, &["login", "--auth-type=legacy"], &answers);
}

fn here(npm: &Npm, arguments: &[&str]) -> String {
    npm.run(Path::new(HERE), arguments)
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_signs_in_on_the_terminal_is_known_and_signs_out() {
    let server = site().await;
    let npm = stranger(&server);
    sign_in(&npm);
    assert_eq!(here(&npm, &["whoami"]), "alice\n");
    let folder = tempfile::tempdir().expect("a folder");
    let manifest = json!({ "name": "tools", "version": "1.0.0" }).to_string();
    std::fs::write(folder.path().join("package.json"), manifest).expect("written");
    npm.run(folder.path(), &["publish"]);
    let kept = npm.settings();
    here(&npm, &["logout"]);
    let said = npm.fails(Path::new(HERE), &["whoami"]);
    assert!(said.contains("ENEEDAUTH"), "{said}");
    npm.set_settings(&kept);
    let said = npm.fails(Path::new(HERE), &["whoami"]);
    assert!(said.contains("E401"), "the token has ended: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_signs_in_with_an_api_key_for_the_password() {
    let server = site().await;
    let npm = stranger(&server);
    let answers = json!([["Username:", "me"], ["Password:", server.key()]]);
    run_on_terminal(&npm, &["login", "--auth-type=legacy"], &answers);
    assert_eq!(here(&npm, &["whoami"]), "admin\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_signs_in_with_a_browser() {
    let server = site().await;
    let npm = stranger(&server);
    let mut login = npm
        .command(Path::new(HERE), &["login"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("npm runs");
    let mut lines = BufReader::new(login.stdout.take().expect("its output")).lines();
    let url = lines.by_ref().map_while(Result::ok).find(|line| line.contains("/login/"));
    let url = url.expect("npm names the page");
    let url = &url[url.find("http").expect("a URL")..];
    let page = LoginPage::open(&client(None), url.trim()).await;
    let signed_in = page.send(&[("name", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(signed_in.status(), 200);
    lines.for_each(drop);
    let mut said = String::new();
    let _ = login.stderr.take().expect("its errors").read_to_string(&mut said);
    assert!(login.wait().expect("npm ends").success(), "{said}");
    assert_eq!(here(&npm, &["whoami"]), "alice\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_makes_lists_and_revokes_tokens() {
    let server = site().await;
    let npm = stranger(&server);
    sign_in(&npm);
    let create = ["token", "create", "--json", "--name=ci", "--password", PASSWORD];
    let limits = ["--cidr=127.0.0.0/8", "--expires=30"];
    let made = here(&npm, &[&create[..], &limits].concat());
    let made: Value = serde_json::from_str(&made).expect("JSON");
    let token = made["token"].as_str().expect("a token");
    let ci = Npm::new(&server.registry("libs"), Some(token));
    assert_eq!(here(&ci, &["whoami"]), "alice\n");
    let listed: Value =
        serde_json::from_str(&here(&npm, &["token", "list", "--json"])).expect("JSON");
    let listed = listed.as_array().expect("a list");
    let names: Vec<_> =
        listed.iter().map(|token| token["name"].as_str().expect("a name")).collect();
    assert_eq!(names.len(), 2);
    assert!(names[0].starts_with("npm login, ") && names[1] == "ci", "{names:?}");
    // By what the list calls it, and by the token itself.
    let id = listed[1]["id"].as_str().expect("an id");
    here(&npm, &["token", "revoke", id]);
    let said = ci.fails(Path::new(HERE), &["whoami"]);
    assert!(said.contains("E401"), "{said}");
    let made: Value = serde_json::from_str(&here(&npm, &create)).expect("JSON");
    here(&npm, &["token", "revoke", made["token"].as_str().expect("a token")]);
    let shown = here(&npm, &["token", "list"]);
    assert!(shown.contains("npm login, ") && !shown.contains("name ci"), "{shown}");
    let wrong = ["token", "create", "--name=x", "--password=wrong"];
    let said = npm.fails(Path::new(HERE), &wrong);
    assert!(said.contains("the password is wrong"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_shows_and_changes_the_profile() {
    let server = site().await;
    let npm = stranger(&server);
    sign_in(&npm);
    let profile = || -> Value {
        serde_json::from_str(&here(&npm, &["profile", "get", "--json"])).expect("JSON")
    };
    assert_eq!(
        (&profile()["name"], &profile()["email"]),
        (&json!("alice"), &json!("alice@example.org"))
    );
    here(&npm, &["profile", "set", "email", "a@b.c"]);
    assert_eq!(profile()["email"], "a@b.c");
    let answers = json!([
        ["Current password:", PASSWORD],
        ["New password:", "battery staple"],
        ["Again:", "battery staple"],
    ]);
    run_on_terminal(&npm, &["profile", "set", "password"], &answers);
    assert_eq!(super::sign_in(&server, "alice", PASSWORD).await.status(), 401);
    assert_eq!(super::sign_in(&server, "alice", "battery staple").await.status(), 201);
}
