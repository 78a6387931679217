//! What operators hold replication to: pauses, limits, the fuse; and what they wait for.

use std::time::{Duration, Instant};

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::Method;
use serde_json::{Value, json};

/// A hub, and a site whose feed `libs`, kept in its database, mirrors the hub's.
async fn pair() -> (Server, Server) {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let mirror = Setup::new().start().await;
    let body = json!({ "name": "libs", "type": "npm", "anonymous": "view" });
    let made = mirror.request(Method::POST, "/api/v1/feeds").json(&body).send().await;
    assert_eq!(made.expect("an answer").status(), 201);
    let client = json!({
        "mode": "mirror",
        "source_url": hub.url("/replication/libs"),
        "sync_token": pakhus_tests::server::SYNC_TOKEN,
    });
    set(&mirror, json!({ "client": client })).await;
    (hub, mirror)
}

async fn set(server: &Server, settings: Value) -> Value {
    let path = "/api/v1/feeds/libs/replication";
    let response = server.request(Method::PUT, path).json(&settings).send().await;
    let response = response.expect("an answer");
    assert!(response.status().is_success(), "{}", response.text().await.expect("a body"));
    response.json().await.expect("JSON")
}

async fn has(server: &Server, name: &str) -> bool {
    server.get(&format!("/npm/libs/{name}")).await.status().is_success()
}

async fn arrives(server: &Server, name: &str) {
    until(&format!("{name} arrives"), async || has(server, name).await.then_some(())).await;
}

async fn post(server: &Server, path: &str) -> (u16, Value) {
    let response = server.request(Method::POST, path).json(&json!({})).send().await;
    let response = response.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_feed_moves_nothing_in_either_direction_until_it_is_resumed() {
    let (hub, mut mirror) = pair().await;
    hub.publish("libs", &Package::new("first", "1.0.0")).await;
    arrives(&mirror, "first").await;
    let path = "/api/v1/feeds/libs/replication";
    assert_eq!(post(&mirror, &format!("{path}/pause")).await.0, 200);
    // A pause outlasts a restart.
    mirror.stop().await;
    mirror.restart().await;
    hub.publish("libs", &Package::new("second", "1.0.0")).await;
    mirror.publish("libs", &Package::new("third", "1.0.0")).await;
    let (status, problem) = post(&mirror, "/api/v1/feeds/libs/sync").await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().expect("a text").contains("paused"), "{problem}");
    assert!(!has(&mirror, "second").await && !has(&hub, "third").await);
    let status = mirror.json("/api/v1/replication").await;
    assert_eq!(status["feeds"][0]["paused"], true, "{status}");
    assert_eq!(post(&mirror, &format!("{path}/resume")).await.0, 200);
    arrives(&mirror, "second").await;
    arrives(&hub, "third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_source_refuses_its_clients_and_says_why() {
    let (hub, mirror) = pair().await;
    hub.publish("libs", &Package::new("first", "1.0.0")).await;
    arrives(&mirror, "first").await;
    assert_eq!(post(&hub, "/api/v1/feeds/libs/replication/pause").await.0, 200);
    let execution = mirror.sync("libs").await;
    assert_eq!(execution["status"], "failed", "{execution}");
    assert!(execution["summary"].as_str().expect("a text").contains("paused"), "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fuse_is_set_per_feed() {
    let (hub, mirror) = pair().await;
    for number in 0..4 {
        hub.publish("libs", &Package::new(&format!("p{number}"), "1.0.0")).await;
    }
    arrives(&mirror, "p3").await;
    let limits = json!({ "max_deletes": 1, "max_deletes_percent": 0 });
    let settings = set(&mirror, json!({ "limits": limits })).await;
    assert_eq!(settings["limits"]["max_deletes"], 1, "{settings}");
    post(&mirror, "/api/v1/feeds/libs/replication/pause").await;
    for number in 0..2 {
        hub.unpublish("libs", &format!("p{number}")).await;
    }
    post(&mirror, "/api/v1/feeds/libs/replication/resume").await;
    let held = until("the deletes are held", async || {
        let status = mirror.json("/api/v1/replication").await;
        let held = status["feeds"][0]["set_aside"]["held_deletes"].as_u64();
        held.filter(|held| *held > 0)
    })
    .await;
    assert_eq!(held, 2);
    assert!(has(&mirror, "p0").await && has(&mirror, "p1").await);
    let execution = mirror.sync_with("libs", json!({ "allow_deletes": true })).await;
    assert_eq!(execution["counts"]["deleted"], 2, "{execution}");
    assert!(!has(&mirror, "p0").await && !has(&mirror, "p1").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_travel_no_faster_than_the_bandwidth_allows() {
    let (hub, mirror) = pair().await;
    set(&mirror, json!({ "limits": { "bandwidth": "200kB/s", "concurrency": 2 } })).await;
    let mut bytes = vec![0; 600_000];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    let start = Instant::now();
    hub.publish("libs", &Package::with_file("large", "1.0.0", &bytes)).await;
    arrives(&mirror, "large").await;
    assert!(start.elapsed() > Duration::from_millis(2_500), "{:?}", start.elapsed());
    let start = Instant::now();
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    mirror.publish("libs", &Package::with_file("back", "1.0.0", &bytes)).await;
    arrives(&hub, "back").await;
    assert!(start.elapsed() > Duration::from_millis(2_500), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_the_version_has_arrived() {
    let (hub, mirror) = pair().await;
    let path = "/api/v1/feeds/libs/wait?package=@acme/ui&version=2.0.0";
    // Whoever may install it may wait for it.
    let waiting = mirror.anonymous(Method::GET, path).send();
    let package = Package::new("@acme/ui", "2.0.0");
    let publishing = hub.publish("libs", &package);
    let (answer, ()) = tokio::join!(waiting, publishing);
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    let arrived: Value = answer.json().await.expect("JSON");
    assert_eq!((&arrived["package"], &arrived["version"]), (&"@acme/ui".into(), &"2.0.0".into()));
    let never = mirror.get("/api/v1/feeds/libs/wait?package=no&version=1.0.0&timeout=0").await;
    assert_eq!(never.status(), 504);
    let nowhere = mirror.get("/api/v1/feeds/nofeed/wait?package=no&version=1.0.0").await;
    assert_eq!(nowhere.status(), 404);
    let broken = mirror.get("/api/v1/feeds/libs/wait?package=no&version=one&timeout=0").await;
    assert_eq!(broken.status(), 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_waits_at_another_site() {
    let (hub, mirror) = pair().await;
    let mut command = tokio::process::Command::new(pakhus_tests::server::binary());
    command.args(["wait", "libs", "tool", "1.0.0", "--timeout", "60s", "--at"]);
    command.arg(mirror.url("/")).env_remove("PAKHUS_API_KEY").kill_on_drop(true);
    let package = Package::new("tool", "1.0.0");
    let (output, ()) = tokio::join!(command.output(), hub.publish("libs", &package));
    let output = output.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert!(has(&mirror, "tool").await);
    let printed = String::from_utf8(output.stdout).expect("text");
    assert!(printed.starts_with("tool 1.0.0 is at http://127.0.0.1:"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_feeds_that_are_each_others_source_are_both_told_so() {
    let one = Setup::new().npm_feed("libs", "read-write").start().await;
    let two = Setup::new().npm_feed("libs", "read-write").client_of(&one, "libs", "mirror");
    let two = two.start().await;
    let mut one = one;
    let address = one.address().to_owned();
    one.stop().await;
    one.reconfigure(
        Setup::new()
            .listen(&address)
            .npm_feed("libs", "read-write")
            .client_of(&two, "libs", "mirror"),
    );
    one.restart().await;
    for server in [&one, &two] {
        until("the verdict is invalid", async || {
            let execution = server.sync("libs").await;
            let told =
                execution["summary"].as_str().expect("a text").contains("client of this feed");
            told.then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_leave_one_entry_and_are_no_clients() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    for number in 0..20 {
        let request = hub.anonymous(Method::GET, "/replication/libs/").bearer_auth("guessed");
        let request = request
            .header("pakhus-instance", format!("stranger-{number}"))
            .header("pakhus-feed", "libs")
            .header("pakhus-client-mode", "mirror");
        assert_eq!(request.send().await.expect("an answer").status(), 401);
    }
    let entries = hub.json("/api/v1/diagnostics?category=feed-replication").await;
    assert_eq!(entries["entries"].as_array().expect("a list").len(), 1, "{entries}");
    let status = hub.json("/api/v1/replication").await;
    assert_eq!(status["feeds"][0]["clients"], json!([]), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_behind_a_source_is_that_never_answered_is_not_known() {
    let mirror = Setup::new()
        .npm_feed("libs", "disabled")
        .client_of_url("http://127.0.0.1:9/replication/libs", "pull-only", "200ms")
        .start()
        .await;
    let standing = until("a run fails", async || {
        let status = mirror.json("/api/v1/replication").await;
        let standing = status["feeds"][0].clone();
        (standing["failures"].as_u64() > Some(0)).then_some(standing)
    })
    .await;
    assert_eq!((&standing["to_pull"], &standing["lag_seconds"]), (&Value::Null, &Value::Null));
}

/// The command line, with the key of `server`.
async fn wait_at(server: &Server, package: &str, at: &str, timeout: &str) -> (bool, String) {
    let mut command = std::process::Command::new(pakhus_tests::server::binary());
    command
        .args(["wait", "libs", package, "1.0.0", "--at", at, "--timeout", timeout])
        .env("PAKHUS_SERVER", server.url(""))
        .env("PAKHUS_API_KEY", server.key());
    let ran = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
    let ran = ran.await.expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (ran.status.success(), text(ran.stdout) + &text(ran.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_a_site_by_its_name_ends_when_the_version_is_known_to_be_there() {
    let named = |name: &str| Setup::new().config(&format!("instance_name = \"{name}\""));
    let hub = named("Los Angeles").npm_feed("libs", "read-write").start().await;
    let mirror_of =
        |name: &str| named(name).npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror");
    let tokyo = mirror_of("Tōkyō").start().await;
    hub.publish("libs", &Package::new("first", "1.0.0")).await;
    arrives(&tokyo, "first").await;
    let (there, said) = wait_at(&hub, "first", "Tōkyō", "30s").await;
    assert!(there && said.contains("first 1.0.0 is at Tōkyō"), "{said}");
    tokyo.publish("libs", &Package::new("second", "1.0.0")).await;
    let (there, said) = wait_at(&tokyo, "second", "Los Angeles", "30s").await;
    assert!(there, "{said}");
    assert!(has(&hub, "second").await);

    // What is not there: because of a pause, or because nobody is called so.
    post(&tokyo, "/api/v1/feeds/libs/replication/pause").await;
    hub.publish("libs", &Package::new("third", "1.0.0")).await;
    let (there, said) = wait_at(&hub, "third", "Tōkyō", "1s").await;
    assert!(!there && said.contains("is not known to be at `Tōkyō`"), "{said}");
    assert!(said.contains("it may be paused there") && said.lines().count() == 1, "{said}");
    assert!(!has(&tokyo, "third").await);
    let (there, said) = wait_at(&hub, "third", "Osaka", "5s").await;
    assert!(!there && said.contains("knows `Tōkyō`"), "{said}");
    let path = "/api/v1/feeds/libs/wait?package=third&version=1.0.0&at=Osaka";
    let unknown = hub.request(Method::GET, path).send().await.expect("an answer");
    assert_eq!(unknown.status(), 404);
    let stranger = hub.anonymous(Method::GET, path).send().await.expect("an answer");
    assert_eq!(stranger.status(), 401);
    post(&tokyo, "/api/v1/feeds/libs/replication/resume").await;
    assert!(wait_at(&hub, "third", "Tōkyō", "30s").await.0);
    assert!(has(&tokyo, "third").await);

    // Two of one name are told apart by their ids.
    let other = mirror_of("Tōkyō").start().await;
    arrives(&other, "third").await;
    let path = "/api/v1/feeds/libs/wait?package=third&version=1.0.0&at=T%C5%8Dky%C5%8D";
    let several = hub.request(Method::GET, path).send().await.expect("an answer");
    assert_eq!(several.status(), 409);
    let problem: Value = several.json().await.expect("JSON");
    let status = hub.json("/api/v1/replication").await;
    for client in status["feeds"][0]["clients"].as_array().expect("a list") {
        let id = client["instance"].as_str().expect("an id");
        assert!(problem["detail"].as_str().expect("a text").contains(id), "{problem}");
        assert!(wait_at(&hub, "third", id, "30s").await.0);
    }
}
