//! Two sites, real processes.

use std::path::Path;
use std::process::Command;

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;

async fn pair(client_mode: &str) -> (Server, Server) {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let leaf = Setup::new()
        .npm_feed("libs", "read-write")
        .client_of(&hub, "libs", client_mode)
        .start()
        .await;
    (hub, leaf)
}

async fn arrives(server: &Server, name: &str) {
    until(&format!("{name} arrives"), async || {
        server.get(&format!("/npm/libs/{name}")).await.status().is_success().then_some(())
    })
    .await;
}

async fn goes(server: &Server, name: &str) {
    until(&format!("{name} goes"), async || {
        (server.get(&format!("/npm/libs/{name}")).await.status() == 404).then_some(())
    })
    .await;
}

/// A packument as the site renders it, with its own address taken out.
async fn packument(server: &Server, name: &str) -> String {
    let text = server.get(&format!("/npm/libs/{name}")).await.text().await.expect("a body");
    text.replace(server.address(), "SITE")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_at_either_site_is_the_same_at_the_other() {
    let (hub, leaf) = pair("mirror").await;
    hub.publish("libs", &Package::new("from-hub", "1.0.0")).await;
    leaf.publish("libs", &Package::new("from-leaf", "1.0.0")).await;
    arrives(&leaf, "from-hub").await;
    arrives(&hub, "from-leaf").await;
    for name in ["from-hub", "from-leaf"] {
        assert_eq!(packument(&hub, name).await, packument(&leaf, name).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_moves_nothing() {
    let (hub, leaf) = pair("mirror").await;
    hub.publish("libs", &Package::new("a", "1.0.0")).await;
    leaf.publish("libs", &Package::new("b", "1.0.0")).await;
    arrives(&leaf, "a").await;
    arrives(&hub, "b").await;
    leaf.sync("libs").await;
    let execution = leaf.sync("libs").await;
    assert_eq!(execution["summary"], "nothing changed", "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_feeds_in_step_run_no_more_until_something_happens() {
    let hub = Setup::new().npm_feed("libs", "read-write").npm_feed("busy", "disabled");
    let hub = hub.start().await;
    let leaf = Setup::new().npm_feed("libs", "read-write").client_of(&hub, "libs", "mirror");
    let leaf = leaf.start().await;
    let before = until("the first run ends", async || {
        let executions = leaf.json("/api/v1/executions?feed=libs").await;
        (executions["executions"][0]["status"] == "done").then_some(executions)
    })
    .await;
    for number in 0..20 {
        hub.publish("busy", &Package::new("elsewhere", &format!("1.{number}.0"))).await;
    }
    assert_eq!(leaf.json("/api/v1/executions?feed=libs").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_at_the_mirror_removes_it_at_the_source() {
    let (hub, leaf) = pair("mirror").await;
    hub.publish("libs", &Package::new("a", "1.0.0")).await;
    arrives(&leaf, "a").await;
    leaf.unpublish("libs", "a").await;
    goes(&hub, "a").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_only_leaf_keeps_its_own_changes_to_itself() {
    let (hub, leaf) = pair("pull-only").await;
    leaf.publish("libs", &Package::new("own", "1.0.0")).await;
    hub.publish("libs", &Package::new("shared", "1.0.0")).await;
    arrives(&leaf, "shared").await;
    leaf.sync("libs").await;
    assert_eq!(hub.get("/npm/libs/own").await.status(), 404);
    assert_eq!(leaf.get("/npm/libs/own").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_a_site_was_down_arrives_when_it_is_back() {
    let (hub, mut leaf) = pair("mirror").await;
    hub.publish("libs", &Package::new("a", "1.0.0")).await;
    arrives(&leaf, "a").await;
    leaf.kill();
    hub.publish("libs", &Package::new("b", "1.0.0")).await;
    leaf.restart().await;
    arrives(&leaf, "b").await;
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.expect("cp runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_goes_back_to_a_backup_gets_from_its_mirror_what_it_lost() {
    let (mut hub, leaf) = pair("mirror").await;
    hub.publish("libs", &Package::new("a", "1.0.0")).await;
    arrives(&leaf, "a").await;
    hub.stop().await;
    let folder = tempfile::tempdir().expect("a folder");
    let backup = folder.path().join("backup");
    copy(&hub.data_dir(), &backup);
    hub.restart().await;
    hub.publish("libs", &Package::new("b", "1.0.0")).await;
    arrives(&leaf, "b").await;
    hub.kill();
    std::fs::remove_dir_all(hub.data_dir()).expect("removed");
    copy(&backup, &hub.data_dir());
    hub.restart().await;
    arrives(&hub, "b").await;
    leaf.agrees_with_its_source("libs").await;
    let mut lost = 0;
    for execution in leaf.executions("libs").await {
        let log = leaf.log_of(&execution).await;
        lost += log.iter().filter(|line| line.contains("the source has lost b 1.0.0")).count();
    }
    assert_eq!(lost, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sync_token_is_refused_and_an_unknown_feed_not_found() {
    let (hub, _leaf) = pair("mirror").await;
    let ask = async |path: &str, token: &str| {
        let request = hub.anonymous(reqwest::Method::GET, path).bearer_auth(token);
        let response = request.send().await.expect("an answer");
        let kind = response.headers()["content-type"].to_str().expect("a text").to_owned();
        (response.status().as_u16(), kind)
    };
    let problem = "application/problem+json".to_owned();
    assert_eq!(ask("/replication/libs/", "wrong").await, (401, problem.clone()));
    assert_eq!(ask("/replication/nothing/", "wrong").await, (404, problem));
}
