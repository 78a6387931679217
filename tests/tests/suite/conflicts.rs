//! Two sites publish the same version: one stands everywhere, and the other can be had back.

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::Method;
use serde_json::Value;

/// A hub and its mirror, which published `tool` 1.0.0 each by itself and then met: the hub's, which
/// came first, stands.
async fn met() -> (Server, Server) {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let mirror = Setup::new()
        .npm_feed("libs", "disabled")
        .client_of_url("http://127.0.0.1:9/replication/libs", "mirror", "200ms")
        .start()
        .await;
    hub.publish("libs", &Package::with_file("tool", "1.0.0", b"the hub's")).await;
    mirror.publish("libs", &Package::with_file("tool", "1.0.0", b"the mirror's")).await;
    let mut mirror = mirror;
    let setup = Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror");
    mirror.stop().await;
    mirror.reconfigure(setup);
    mirror.restart().await;
    until("the hub's content stands at the mirror", async || {
        (integrity(&mirror).await == integrity(&hub).await).then_some(())
    })
    .await;
    (hub, mirror)
}

async fn integrity(server: &Server) -> Option<String> {
    let response = server.get("/npm/libs/tool").await;
    if !response.status().is_success() {
        return None;
    }
    let packument: Value = response.json().await.expect("JSON");
    packument["versions"]["1.0.0"]["dist"]["integrity"].as_str().map(str::to_owned)
}

async fn kept(server: &Server, what: &str) -> Vec<Value> {
    let listed = server.json(&format!("/api/v1/feeds/libs/{what}")).await;
    listed[what].as_array().expect("a list").clone()
}

async fn act(server: &Server, method: Method, path: &str) -> u16 {
    let path = format!("/api/v1/feeds/libs/{path}");
    server.request(method, &path).send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_content_that_lost_is_listed_where_it_stood_and_can_be_had_back() {
    let (hub, mirror) = met().await;
    let winner = integrity(&hub).await;
    let conflicts = kept(&mirror, "conflicts").await;
    let [conflict] = &conflicts[..] else { panic!("one conflict: {conflicts:?}") };
    assert_eq!((&conflict["package"], &conflict["version"]), (&"tool".into(), &"1.0.0".into()));
    assert_ne!(conflict["kept"]["digest"], conflict["stands"]["digest"]);
    let status = mirror.json("/api/v1/replication").await;
    assert_eq!(status["feeds"][0]["conflicts"], 1, "{status}");

    let id = conflict["id"].as_i64().expect("a number");
    assert_eq!(act(&mirror, Method::POST, &format!("conflicts/{id}/restore")).await, 200);
    until("the restored content stands at the hub", async || {
        let now = integrity(&hub).await;
        (now != winner && now == integrity(&mirror).await).then_some(())
    })
    .await;
    assert!(kept(&mirror, "conflicts").await.is_empty());
    // What it replaced can be had back in its turn.
    assert_eq!(kept(&hub, "trash").await.len(), 1);
    assert_eq!(act(&mirror, Method::POST, &format!("conflicts/{id}/restore")).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismissed_conflict_is_gone_and_the_winner_stays() {
    let (hub, mirror) = met().await;
    let id = kept(&mirror, "conflicts").await[0]["id"].as_i64().expect("a number");
    assert_eq!(act(&mirror, Method::DELETE, &format!("conflicts/{id}")).await, 204);
    assert_eq!(act(&mirror, Method::DELETE, &format!("conflicts/{id}")).await, 404);
    assert!(kept(&mirror, "conflicts").await.is_empty());
    assert_eq!(integrity(&mirror).await, integrity(&hub).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_site_deleted_comes_back_from_the_trash_everywhere() {
    let (hub, mirror) = met().await;
    hub.unpublish("libs", "tool").await;
    until("it goes", async || integrity(&mirror).await.is_none().then_some(())).await;
    let id = kept(&mirror, "trash").await[0]["id"].as_i64().expect("a number");
    assert_eq!(act(&mirror, Method::POST, &format!("trash/{id}/restore")).await, 200);
    until("it is back", async || integrity(&hub).await).await;
}
