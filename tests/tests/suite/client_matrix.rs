//! What each client can do with a registry, done by each client. Commands that a client does not have
//! have no cell; Yarn 1 audits with a registry that it has built in, so that is none either.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use pakhus_tests::clients::{Client, Worker};
use pakhus_tests::login_page::LoginPage;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup, client};
use reqwest::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// Makes a test of each cell.
macro_rules! matrix {
    ($($name:ident = $client:ident: $($cell:ident)+;)+) => {$(
        mod $name {
            use pakhus_tests::clients::Client;
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $cell() {
                    super::$cell(Client::$client).await;
                }
            )+
        }
    )+};
}

matrix! {
    npm = Npm: publish publish_under_a_tag install dist_tags deprecate unpublish log_in who_am_i
        search audit owners access access_in_public;
    npm_newest = NpmNewest: publish publish_under_a_tag install dist_tags deprecate unpublish log_in
        who_am_i search audit owners access access_in_public;
    pnpm = Pnpm: publish publish_under_a_tag install dist_tags deprecate unpublish log_in_with_a_browser
        who_am_i search audit;
    yarn_classic = YarnClassic: publish publish_under_a_tag install dist_tags log_in_and_publish;
    yarn_berry = YarnBerry: publish publish_under_a_tag install dist_tags log_in who_am_i audit;
    bun = Bun: publish publish_under_a_tag install who_am_i audit;
}

async fn site() -> Server {
    let feed = "[[feeds]]\nname = \"libs\"\ntype = \"npm\"\nanonymous = \"none\"";
    Setup::new().config(feed).start().await
}

async fn site_with_alice() -> Server {
    let server = site().await;
    let user = json!({
        "name": "alice", "scopes": ["publish:libs"], "password": PASSWORD, "email": "alice@example.org",
    });
    let answer = server.request(Method::POST, "/api/v1/users").json(&user).send().await;
    assert_eq!(answer.expect("an answer").status(), 201);
    server
}

fn worker(client: Client, server: &Server) -> Worker {
    Worker::new(client, &server.registry("libs"), Some(server.key()))
}

fn manifest(name: &str, version: &str) -> Value {
    json!({
        "name": name, "version": version, "license": "MIT", "description": "A tool of Acme",
        "keywords": ["acme"],
    })
}

async fn packument(server: &Server, name: &str) -> Value {
    server.json(&format!("/npm/libs/{}", name.replace('/', "%2f"))).await
}

/// What publishes the package of a folder.
fn publish_arguments(client: Client) -> &'static [&'static str] {
    match client {
        Client::Pnpm => &["publish", "--no-git-checks"],
        Client::YarnClassic => &["publish", "--non-interactive"],
        Client::YarnBerry => &["npm", "publish"],
        Client::Npm | Client::NpmNewest | Client::Bun => &["publish"],
    }
}

/// Publishes a package in one call of the client, after what the client wants done before.
fn publish_folder(worker: &Worker, client: Client, folder: &Path, more: &[&str]) {
    if client == Client::YarnBerry {
        worker.run(folder, &["install"]);
    }
    worker.run(folder, &[publish_arguments(client), more].concat());
}

async fn publish(client: Client) {
    let server = site().await;
    let worker = worker(client, &server);
    for name in ["tool", "@acme/tool"] {
        let folder = worker.folder(&manifest(name, "1.0.0"));
        publish_folder(&worker, client, folder.path(), &[]);
        let packument = packument(&server, name).await;
        assert_eq!(packument["dist-tags"], json!({ "latest": "1.0.0" }));
        assert_eq!(packument["versions"]["1.0.0"]["description"], "A tool of Acme");
    }
}

async fn publish_under_a_tag(client: Client) {
    let server = site().await;
    server.publish("libs", &Package::new("tool", "1.0.0")).await;
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("tool", "2.0.0-beta.1"));
    publish_folder(&worker, client, folder.path(), &["--tag", "beta"]);
    let tags = packument(&server, "tool").await["dist-tags"].clone();
    assert_eq!(tags, json!({ "latest": "1.0.0", "beta": "2.0.0-beta.1" }));
}

async fn install(client: Client) {
    let server = site().await;
    for (name, version) in
        [("tool", "1.0.0"), ("tool", "1.2.0"), ("tool", "2.0.0"), ("@acme/tool", "1.0.0")]
    {
        server.publish("libs", &Package::new(name, version)).await;
    }
    let worker = worker(client, &server);
    let folder = worker.folder(&json!({
        "name": "app", "version": "1.0.0", "private": true,
        "dependencies": { "tool": "^1.0.0", "@acme/tool": "1.x" },
    }));
    let (lockfile, locked): (_, &[&str]) = match client {
        Client::Npm | Client::NpmNewest => ("package-lock.json", &["ci"]),
        Client::Pnpm => ("pnpm-lock.yaml", &["install", "--frozen-lockfile"]),
        Client::YarnClassic => ("yarn.lock", &["install", "--frozen-lockfile"]),
        Client::YarnBerry => ("yarn.lock", &["install", "--immutable"]),
        Client::Bun => ("bun.lock", &["install", "--frozen-lockfile"]),
    };
    worker.run(folder.path(), &["install"]);
    let lock = std::fs::read_to_string(folder.path().join(lockfile)).expect("a lockfile");
    assert!(lock.contains("@acme/tool"), "{lock}");
    // A newer version does not matter to who has a lockfile.
    server.publish("libs", &Package::new("tool", "1.9.0")).await;
    let modules = folder.path().join("node_modules");
    std::fs::remove_dir_all(&modules).expect("it was installed");
    worker.run(folder.path(), locked);
    for (name, version) in [("tool", "1.2.0"), ("@acme/tool", "1.0.0")] {
        let manifest = std::fs::read_to_string(modules.join(name).join("package.json"));
        let manifest: Value =
            serde_json::from_str(&manifest.expect("it is installed")).expect("JSON");
        assert_eq!(manifest["version"], version);
    }
}

async fn dist_tags(client: Client) {
    let server = site().await;
    server.publish("libs", &Package::new("@acme/tool", "1.0.0")).await;
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    let tag: &[&str] = match client {
        Client::YarnClassic => &["tag"],
        Client::YarnBerry => &["npm", "tag"],
        _ => &["dist-tag"],
    };
    let run = |arguments: &[&str]| worker.run(folder.path(), &[tag, arguments].concat());
    let list = if client == Client::YarnBerry { "list" } else { "ls" };
    let remove = if client == Client::YarnBerry { "remove" } else { "rm" };
    run(&["add", "@acme/tool@1.0.0", "stable"]);
    assert!(run(&[list, "@acme/tool"]).contains("stable"));
    run(&[remove, "@acme/tool", "stable"]);
    let tags = packument(&server, "@acme/tool").await["dist-tags"].clone();
    assert_eq!(tags, json!({ "latest": "1.0.0" }));
}

async fn deprecate(client: Client) {
    let server = site().await;
    for version in ["1.0.0", "2.0.0"] {
        server.publish("libs", &Package::new("tool", version)).await;
    }
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    worker.run(folder.path(), &["deprecate", "tool@1.0.0", "use 2.0.0"]);
    let versions = packument(&server, "tool").await["versions"].clone();
    assert_eq!(versions["1.0.0"]["deprecated"], "use 2.0.0");
    assert_eq!(versions["2.0.0"].get("deprecated"), None);
    if client == Client::Pnpm {
        worker.run(folder.path(), &["undeprecate", "tool@1.0.0"]);
    } else {
        worker.run(folder.path(), &["deprecate", "tool@1.0.0", ""]);
    }
    let versions = packument(&server, "tool").await["versions"].clone();
    assert_eq!(versions["1.0.0"].get("deprecated"), None);
}

async fn unpublish(client: Client) {
    let server = site().await;
    for (name, version) in [("tool", "1.0.0"), ("tool", "2.0.0"), ("@acme/tool", "1.0.0")] {
        server.publish("libs", &Package::new(name, version)).await;
    }
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    worker.run(folder.path(), &["unpublish", "tool@2.0.0", "--force"]);
    let packument = packument(&server, "tool").await;
    assert_eq!(packument["dist-tags"], json!({ "latest": "1.0.0" }));
    assert_eq!(packument["versions"].as_object().expect("versions").len(), 1);
    worker.run(folder.path(), &["unpublish", "@acme/tool", "--force"]);
    let gone = server.request(Method::GET, "/npm/libs/@acme%2ftool").send().await;
    assert_eq!(gone.expect("an answer").status(), 404);
}

async fn who_am_i(client: Client) {
    let server = site().await;
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    assert!(who_is(&worker, client, folder.path()).contains("admin"));
}

fn who_is(worker: &Worker, client: Client, folder: &Path) -> String {
    let arguments: &[&str] = match client {
        Client::YarnBerry => &["npm", "whoami"],
        Client::Bun => &["pm", "whoami"],
        _ => &["whoami"],
    };
    worker.run(folder, arguments)
}

async fn log_in(client: Client) {
    let server = site_with_alice().await;
    let worker = Worker::new(client, &server.registry("libs"), None);
    let folder = worker.folder(&manifest("tool", "1.0.0"));
    let arguments: &[&str] = match client {
        Client::YarnBerry => &["npm", "login"],
        _ => &["login", "--auth-type=legacy"],
    };
    let answers = [("sername:", "alice"), ("assword:", PASSWORD)];
    worker.run_on_terminal(folder.path(), arguments, &answers);
    assert!(who_is(&worker, client, folder.path()).contains("alice"));
    publish_folder(&worker, client, folder.path(), &[]);
    let publisher = packument(&server, "tool").await["versions"]["1.0.0"]["_npmUser"].clone();
    assert_eq!(publisher["name"], "alice");
}

/// Yarn 1 logs in for the time of a publish, and out afterwards.
async fn log_in_and_publish(client: Client) {
    let server = site_with_alice().await;
    let worker = Worker::new(client, &server.registry("libs"), None);
    let folder = worker.folder(&manifest("tool", "1.0.0"));
    let answers = [("username", "alice"), ("email", "alice@example.org"), ("password", PASSWORD)];
    let arguments = ["publish", "--new-version", "1.0.0"];
    let said = worker.run_on_terminal(folder.path(), &arguments, &answers);
    assert!(said.contains("Revoked login token"), "{said}");
    let publisher = packument(&server, "tool").await["versions"]["1.0.0"]["_npmUser"].clone();
    assert_eq!(publisher["name"], "alice");
}

async fn log_in_with_a_browser(using: Client) {
    let server = site_with_alice().await;
    let worker = Worker::new(using, &server.registry("libs"), None);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    let mut login = worker.command(folder.path(), &["login"]);
    let login = login.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut login = login.spawn().expect("the client runs");
    let mut lines = BufReader::new(login.stdout.take().expect("its output")).lines();
    let url = lines.by_ref().map_while(Result::ok).find(|line| line.contains("/login/"));
    let url = url.expect("it names the page");
    let page = LoginPage::open(&client(None), url.trim()).await;
    let signed_in = page.send(&[("name", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(signed_in.status(), 200);
    lines.for_each(drop);
    assert!(login.wait().expect("it ends").success());
    assert!(who_is(&worker, using, folder.path()).contains("alice"));
}

async fn search(client: Client) {
    let server = site().await;
    let worker = worker(client, &server);
    for name in ["@acme/router", "@acme/parser", "other"] {
        let folder = worker.folder(&manifest(name, "1.0.0"));
        publish_folder(&worker, client, folder.path(), &[]);
    }
    let folder = worker.folder(&manifest("app", "1.0.0"));
    let said = worker.run(folder.path(), &["search", "rout"]);
    assert!(said.contains("@acme/router") && !said.contains("@acme/parser"), "{said}");
    let said = worker.run(folder.path(), &["search", "scope:acme"]);
    assert!(said.contains("@acme/router") && said.contains("@acme/parser"), "{said}");
    assert!(!said.contains("other"), "{said}");
}

async fn audit(client: Client) {
    let server = site().await;
    server.publish("libs", &Package::new("tool", "1.0.0")).await;
    let worker = worker(client, &server);
    let folder = worker.folder(&json!({
        "name": "app", "version": "1.0.0", "private": true, "dependencies": { "tool": "1.0.0" },
    }));
    worker.run(folder.path(), &["install"]);
    let (arguments, clean): (&[&str], _) = match client {
        Client::YarnBerry => (&["npm", "audit"], "No audit suggestions"),
        Client::Pnpm => (&["audit"], "No known vulnerabilities"),
        Client::Bun => (&["audit"], "No vulnerabilities"),
        _ => (&["audit"], "found 0 vulnerabilities"),
    };
    let said = worker.run(folder.path(), arguments);
    assert!(said.contains(clean), "{said}");
    if matches!(client, Client::Npm | Client::NpmNewest) {
        assert!(said.contains("nothing was checked"), "{said}");
    }
}

async fn owners(client: Client) {
    let server = site_with_alice().await;
    server.publish("libs", &Package::new("tool", "1.0.0")).await;
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    worker.run(folder.path(), &["owner", "add", "alice", "tool"]);
    let said = worker.run(folder.path(), &["owner", "ls", "tool"]);
    assert!(said.contains("alice <alice@example.org>"), "{said}");
    worker.run(folder.path(), &["owner", "rm", "admin", "tool"]);
    let maintainers = packument(&server, "tool").await["maintainers"].clone();
    assert_eq!(maintainers[0]["name"], "alice");
    assert_eq!(maintainers.as_array().expect("a list").len(), 1);
}

async fn access(client: Client) {
    let server = site().await;
    for name in ["tool", "@acme/tool"] {
        server.publish("libs", &Package::new(name, "1.0.0")).await;
    }
    let worker = worker(client, &server);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    let ask = |arguments: &[&str]| worker.run(folder.path(), &[&["access"], arguments].concat());
    assert_eq!(ask(&["get", "status", "@acme/tool"]), "@acme/tool: private\n");
    assert_eq!(ask(&["list", "collaborators", "tool"]), "admin: read-write\n");
    assert_eq!(ask(&["list", "packages"]), "@acme/tool: read-write\ntool: read-write\n");
    assert_eq!(ask(&["list", "packages", "alice"]), "");
    assert_eq!(ask(&["set", "status=private", "@acme/tool"]), "@acme/tool: private\n");
}

async fn access_in_public(client: Client) {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    server.publish("libs", &Package::new("tool", "1.0.0")).await;
    let worker = Worker::new(client, &server.registry("libs"), None);
    let folder = worker.folder(&manifest("app", "1.0.0"));
    let said = worker.run(folder.path(), &["access", "get", "status", "tool"]);
    assert_eq!(said, "tool: public\n");
}
