//! What goes wrong around two sites: a full disk, clocks that are hours off, tokens taken back.

use std::path::Path;
use std::process::Command;

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::small_disk::SmallDisk;
use pakhus_tests::wait::until;
use rand::Rng as _;
use reqwest::Method;
use serde_json::{Value, json};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

fn noise(bytes: usize) -> Vec<u8> {
    let mut noise = vec![0; bytes];
    rand::rng().fill_bytes(&mut noise);
    noise
}

async fn has(server: &Server, name: &str) -> bool {
    server.get(&format!("/npm/libs/{name}")).await.status().is_success()
}

async fn arrives(server: &Server, name: &str) {
    until(&format!("{name} arrives"), async || has(server, name).await.then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_at_the_client_is_told_of_and_nothing_is_lost() {
    let disk = SmallDisk::new(24);
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let blobs = disk.path().join("blobs");
    let leaf = Setup::new()
        .config(&format!("[blobs]\npath = \"{}\"", text(&blobs)))
        .npm_feed("libs", "disabled")
        .client_of(&hub, "libs", "mirror")
        .start()
        .await;
    hub.publish("libs", &Package::with_file("small", "1.0.0", &noise(1 << 20))).await;
    arrives(&leaf, "small").await;
    for number in 0..8 {
        let name = format!("large-{number}");
        hub.publish("libs", &Package::with_file(&name, "1.0.0", &noise(5 << 20))).await;
    }
    until("a record is set aside", async || {
        let status = leaf.json("/api/v1/replication").await;
        status["feeds"][0]["set_aside"]["to_fetch"].as_u64().filter(|waiting| *waiting > 0)
    })
    .await;
    assert!(leaf.log_text().contains("no space is left on the disk"), "{}", leaf.log_text());
    // It serves what it has, and all that it shows is whole.
    for (name, version) in leaf.holdings("libs").await {
        let tarball = leaf.get(&format!("/npm/libs/{name}/-/{name}-{version}.tgz")).await;
        assert_eq!(tarball.status(), 200);
        let expected = hub.get(&format!("/npm/libs/{name}/-/{name}-{version}.tgz")).await;
        assert_eq!(tarball.bytes().await.ok(), expected.bytes().await.ok());
    }
    let refused = leaf
        .request(Method::PUT, "/npm/libs/own")
        .json(&Package::with_file("own", "1.0.0", &noise(20 << 20)).document())
        .send()
        .await
        .expect("an answer");
    assert!(refused.status().is_server_error(), "{}", refused.status());
    disk.grow(200);
    leaf.sync_with("libs", json!({ "full": true })).await;
    for number in 0..8 {
        arrives(&leaf, &format!("large-{number}")).await;
    }
    let verified = leaf.json("/api/v1/feeds/libs/verify").await;
    assert_eq!(verified["identical"], true, "{verified}");
}

/// The library that shows a process another time, of Debian's package `faketime`.
fn faketime() -> String {
    let found = Command::new("find")
        .args(["/usr/lib", "/usr/local/lib", "-name", "libfaketimeMT.so.1"])
        .output()
        .expect("find runs");
    let found = String::from_utf8(found.stdout).expect("text");
    let library = found.lines().next().expect("the Debian package `faketime`: use `tests/run`");
    library.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_whose_clocks_are_two_hours_apart_come_to_the_same() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let late = Setup::new()
        .environment("LD_PRELOAD", faketime())
        .environment("FAKETIME", "-2h")
        .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .npm_feed("libs", "disabled")
        .client_of(&hub, "libs", "mirror")
        .start()
        .await;
    hub.publish("libs", &Package::new("a", "1.0.0")).await;
    arrives(&late, "a").await;
    // By its clock the delete comes before the publish: it counts all the same.
    late.unpublish("libs", "a").await;
    until("the delete arrives", async || (!has(&hub, "a").await).then_some(())).await;
    hub.publish("libs", &Package::with_file("a", "1.0.0", b"anew")).await;
    arrives(&late, "a").await;
    late.publish("libs", &Package::new("a", "2.0.0")).await;
    until("both show the same", async || {
        let (here, there) = (late.holdings("libs").await, hub.holdings("libs").await);
        (here.len() == 2 && here == there).then_some(())
    })
    .await;
    late.sync("libs").await;
    let verified = late.json("/api/v1/feeds/libs/verify").await;
    assert_eq!(verified["identical"], true, "{verified}");
    let executions = late.json("/api/v1/executions?feed=libs&limit=1000").await;
    let mut warned = false;
    for execution in executions["executions"].as_array().expect("a list") {
        let log = late.json(&format!("/api/v1/executions/{}", execution["id"])).await;
        warned |= log["log"].to_string().contains("120 minutes ahead of this site's");
    }
    assert!(warned, "a run warns of the clocks: {executions}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_back_stops_the_client_until_it_has_another() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let tokens = "/api/v1/feeds/libs/replication/sync-tokens";
    let make = async || -> Value {
        let made = hub.request(Method::POST, tokens).send().await.expect("an answer");
        made.json().await.expect("JSON")
    };
    let token = make().await;
    let leaf = Setup::new().start().await;
    let feed = json!({ "name": "libs", "type": "npm", "anonymous": "view" });
    leaf.request(Method::POST, "/api/v1/feeds").json(&feed).send().await.expect("an answer");
    let set = async |token: &Value| {
        let url = hub.url("/replication/libs");
        let limits = json!({ "bandwidth": "1MB/s", "concurrency": 1 });
        let client = json!({ "mode": "mirror", "source_url": url, "sync_token": token });
        let settings = json!({ "client": client, "limits": limits });
        let path = "/api/v1/feeds/libs/replication";
        let set = leaf.request(Method::PUT, path).json(&settings).send().await;
        assert!(set.expect("an answer").status().is_success());
    };
    for number in 0..10 {
        let name = format!("p{number}");
        hub.publish("libs", &Package::with_file(&name, "1.0.0", &noise(400_000))).await;
    }
    set(&token["token"]).await;
    // In the middle of the first run, which takes four seconds at that rate.
    until("the run is under way", async || {
        let running = leaf.json("/api/v1/executions?feed=libs&status=running").await;
        let id = running["executions"][0]["id"].as_i64()?;
        let execution = leaf.json(&format!("/api/v1/executions/{id}")).await;
        execution["progress"]["blobs_done"].as_u64().filter(|done| *done > 0)
    })
    .await;
    let path = format!("{tokens}/{}", token["id"]);
    let revoked = hub.request(Method::DELETE, &path).send().await.expect("an answer");
    assert_eq!(revoked.status(), 204);
    until("a run says why it cannot go on", async || {
        let executions = leaf.json("/api/v1/executions?feed=libs&status=failed").await;
        let summary = executions["executions"][0]["summary"].as_str()?.to_owned();
        summary.contains("no sync token of the feed `libs`").then_some(())
    })
    .await;
    let entries = hub.json("/api/v1/diagnostics?category=feed-replication").await;
    assert!(entries.to_string().contains("sync token"), "{entries}");
    set(&make().await["token"]).await;
    for number in 0..10 {
        arrives(&leaf, &format!("p{number}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_whose_clocks_are_apart_agree_on_a_conflict_and_on_what_comes_after_it() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let ahead = Setup::new()
        .environment("LD_PRELOAD", faketime())
        .environment("FAKETIME", "+2h")
        .environment("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .npm_feed("libs", "disabled")
        .client_of(&hub, "libs", "mirror")
        .start()
        .await;
    let turn = async |what: &str| {
        let path = format!("/api/v1/feeds/libs/replication/{what}");
        let turned = ahead.request(Method::POST, &path).send().await.expect("an answer");
        assert!(turned.status().is_success(), "{what}: {}", turned.status());
    };
    let content = |text: &str| Package::with_file("same", "1.0.0", text.as_bytes());
    let (first, second) = (content("by the clock ahead"), content("by the other clock"));
    turn("pause").await;
    ahead.publish("libs", &first).await;
    hub.publish("libs", &second).await;
    turn("resume").await;
    // Both were the first of their identity: the earlier by the clocks stands.
    for site in [&hub, &ahead] {
        site.shows("libs", &second).await;
    }
    // A delete and a new publish count however late or early their clocks are.
    hub.unpublish("libs", "same").await;
    ahead.shows_no("libs", "same").await;
    let third = content("once more");
    ahead.publish("libs", &third).await;
    hub.shows("libs", &third).await;
    ahead.unpublish("libs", "same").await;
    hub.shows_no("libs", "same").await;
    hub.publish("libs", &first).await;
    ahead.shows("libs", &first).await;
    ahead.agrees_with_its_source("libs").await;
}
