//! The collection of garbage.

use pakhus_core::Digest;
use pakhus_tests::images::{Repository, check_all, digest};
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A server that spares nothing that is older than `keep_unused`.
fn setup(keep_unused: &str) -> Setup {
    let blobs = format!("[blobs]\nkeep_unused = \"{keep_unused}\"");
    Setup::new().config(&blobs).docker_feed("images", "read-write")
}

async fn collect(server: &Server, dry_run: bool) -> Value {
    let request = server.request(Method::POST, "/api/v1/garbage-collection");
    let answer = request.json(&json!({ "dry_run": dry_run })).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let begun: Value = answer.json().await.expect("JSON");
    let path = format!("/api/v1/executions/{}", begun["execution_id"]);
    let execution = until("the collection ends", async || {
        let execution = server.json(&path).await;
        (execution["status"] != "running").then_some(execution)
    });
    let execution = execution.await;
    assert_eq!(execution["status"], "done", "{execution}");
    assert_eq!(execution["category"], "garbage-collection");
    execution
}

async fn older_than(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_manifest_needs_any_more_is_removed_and_the_rest_stays() {
    let server = setup("100ms").start().await;
    let repository = Repository::new("images", "app");
    let old = repository.push(&server, "old", &[b"shared", b"old"]).await;
    repository.push(&server, "new", &[b"shared", b"new"]).await;
    assert_eq!(repository.delete(&server, &digest(&old)).await, StatusCode::ACCEPTED);
    older_than(200).await;
    let plan = collect(&server, true).await;
    assert_eq!(plan["counts"]["removed"], 2, "{plan}");
    assert_eq!(server.stored("images").await.blobs.len(), 6);
    let report = collect(&server, false).await;
    assert_eq!(report["counts"]["removed"], 2, "{report}");
    let said = report["log"].to_string();
    assert!(
        said.contains(&Digest::of(b"old").to_string()) && said.contains(&digest(&old)),
        "{said}"
    );
    assert_eq!(server.stored("images").await.blobs.len(), 4);
    assert_eq!(check_all(&server, "images").await, 1);
    assert_eq!(collect(&server, false).await["counts"]["removed"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_just_uploaded_is_spared_and_can_be_named() {
    let server = setup("1h").start().await;
    let repository = Repository::new("images", "app");
    repository.upload(&server, b"{}").await;
    repository.upload(&server, b"layer").await;
    assert_eq!(collect(&server, false).await["counts"]["removed"], 0);
    let image = pakhus_tests::images::image(&[b"layer"]);
    repository.pushed(&server, "latest", &image).await;
    assert_eq!(check_all(&server, "images").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_long_ago_and_never_named_is_removed_and_no_longer_there() {
    let server = setup("100ms").start().await;
    let repository = Repository::new("images", "app");
    repository.upload(&server, b"layer").await;
    older_than(200).await;
    assert_eq!(collect(&server, false).await["counts"]["removed"], 1);
    // What was looked up a moment ago is known for a second more.
    until("the blob is gone", async || {
        let answer = repository.get(&server, &format!("blobs/{}", Digest::of(b"layer"))).await;
        (answer.status() == StatusCode::NOT_FOUND).then_some(())
    })
    .await;
    let image = pakhus_tests::images::image(&[b"layer"]);
    repository.upload(&server, b"{}").await;
    let answer = repository.put(&server, "latest", &image).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    repository.push(&server, "latest", &[b"layer"]).await;
    assert_eq!(check_all(&server, "images").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_trash_is_not_removed() {
    let setup = Setup::new().config("[blobs]\nkeep_unused = \"100ms\"");
    let hub = setup.clone().npm_feed("libs", "read-write").start().await;
    let mirror = setup.npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror");
    let mirror = mirror.start().await;
    let package = pakhus_tests::package::Package::new("shelf", "1.0.0");
    hub.publish("libs", &package).await;
    mirror.sync("libs").await;
    hub.unpublish("libs", "shelf").await;
    mirror.sync("libs").await;
    older_than(200).await;
    assert_eq!(collect(&mirror, false).await["counts"]["removed"], 0);
    let trash = mirror.json("/api/v1/feeds/libs/trash").await;
    let path = format!("/api/v1/feeds/libs/trash/{}/restore", trash["trash"][0]["id"]);
    let restored = mirror.request(Method::POST, &path).send().await.expect("an answer");
    assert!(restored.status().is_success(), "{trash}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_image_that_was_acknowledged_is_incomplete_while_garbage_is_collected_all_the_time() {
    let mut server = setup("100ms").start().await;
    let repository = Repository::new("images", "app");
    let mut expected = 0;
    for round in 0..3_u8 {
        let collecting = async {
            for _ in 0..10 {
                let request = server.request(Method::POST, "/api/v1/garbage-collection");
                let _ = request.json(&json!({})).send().await;
                older_than(30).await;
            }
        };
        let pushing = async {
            let mut pushed = 0;
            for number in 0..12_u8 {
                // The same layers again and again: some were just deleted, some just collected.
                let layer = [number % 4; 1000];
                let tag = format!("v{round}-{number}");
                repository.upload(&server, b"{}").await;
                repository.upload(&server, &layer).await;
                let mut image = pakhus_tests::images::image(&[&layer]);
                image["annotations"] = json!({ "tag": tag });
                if repository.put(&server, &tag, &image).await.status() != StatusCode::CREATED {
                    continue;
                }
                if number % 3 == 0 {
                    let gone = repository.delete(&server, &digest(&image)).await;
                    assert_eq!(gone, StatusCode::ACCEPTED);
                } else {
                    pushed += 1;
                }
            }
            pushed
        };
        let ((), pushed) = futures_util::future::join(collecting, pushing).await;
        expected += pushed;
        server.restart().await;
        assert_eq!(check_all(&server, "images").await, expected);
    }
    assert!(expected > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_starts_it() {
    let key = "[[api_keys]]\nkey = \"a-key-of-the-tests\"\nscopes = [\"manage:*\"]";
    let server = setup("1h").config(key).start().await;
    let request = server.anonymous(Method::POST, "/api/v1/garbage-collection");
    let answer = request.bearer_auth("a-key-of-the-tests").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}
