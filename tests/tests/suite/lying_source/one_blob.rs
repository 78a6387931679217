//! A source that never delivers one blob, or says a wrong length of one that is here.

use pakhus_core::Digest;
use pakhus_tests::liar::Length;
use pakhus_tests::package::Package;
use pakhus_tests::server::Server;
use pakhus_tests::wait::until;
use serde_json::{Value, json};

use super::lengths::large_called;
use super::{Sites, pause, run, shows, sites};

async fn executions(leaf: &Server, status: &str) -> Vec<Value> {
    let path = format!("/api/v1/executions?feed=libs&status={status}&limit=100");
    leaf.json(&path).await["executions"].as_array().expect("a list").clone()
}

/// The record of the package `bad` is set aside by itself after some failures; what else there is
/// arrives, also later, and `bad` too once the source tells the truth.
async fn only_the_bad_one_waits(sites: Sites) {
    let Sites { hub, liar, leaf } = sites;
    pause(&leaf, "resume").await;
    until("the good package of the page arrives", async || {
        shows(&leaf, "good").await.then_some(())
    })
    .await;
    assert!(!shows(&leaf, "bad").await);
    let failed = executions(&leaf, "failed").await.len();
    assert_eq!(failed, 3, "so often the whole run failed before the blob was suspected");
    let last = until("the run in which it arrived ends", async || {
        let last = executions(&leaf, "done").await.remove(0);
        (last["counts"]["set_aside"] == 1).then_some(last)
    })
    .await;
    let log = leaf.log_of(&last).await;
    assert!(log.iter().any(|line| line.starts_with("bad 1.0.0 is set aside")), "{log:?}");

    // It is tried again, and goes on to hold up nobody.
    let again = leaf.sync_with("libs", json!({ "full": true })).await;
    assert_eq!(again["status"], "done", "{again}");
    let log = leaf.log_of(&again).await;
    assert!(log.iter().any(|line| line.contains("set aside after 2 attempts")), "{log:?}");
    hub.publish("libs", &Package::new("later", "1.0.0")).await;
    until("what comes later arrives", async || shows(&leaf, "later").await.then_some(())).await;
    assert_eq!(executions(&leaf, "failed").await.len(), failed);

    liar.repents();
    leaf.sync_with("libs", json!({ "full": true })).await;
    assert_eq!(leaf.holdings("libs").await, hub.holdings("libs").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_that_never_comes_holds_up_only_its_own_record() {
    let sites = sites().await;
    let bad = large_called("bad");
    let digest = Digest::of(&bad.tarball).to_string();
    sites.hub.publish("libs", &bad).await;
    sites.hub.publish("libs", &Package::new("good", "1.0.0")).await;
    let cut = digest.clone();
    sites.liar.lies(move |path, body| if path.ends_with(&cut) { Vec::new() } else { body });
    sites.liar.stretches(move |path, _| match path.ends_with(&digest) {
        true => Length::Announced(400_000),
        false => Length::True,
    });
    only_the_bad_one_waits(sites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_blob_that_is_always_another_one_holds_up_only_its_own_record() {
    let sites = sites().await;
    let bad = Package::new("bad", "1.0.0");
    let digest = Digest::of(&bad.tarball);
    sites.hub.publish("libs", &bad).await;
    sites.hub.publish("libs", &Package::new("good", "1.0.0")).await;
    sites.liar.lies(move |path, mut body| {
        if path.ends_with("/blobs/batch")
            && let Some(at) = body.windows(32).position(|bytes| bytes == digest.as_bytes())
        {
            body[at] ^= 1;
        }
        body
    });
    only_the_bad_one_waits(sites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_says_a_wrong_length_of_a_blob_that_is_here_is_set_aside() {
    let sites = sites().await;
    // Published anew, with the tarball that is here: its bytes are not fetched again.
    let before = Package::new("before", "1.0.0");
    let length = format!("\"size\":{}", before.tarball.len());
    sites.hub.unpublish("libs", "before").await;
    sites.hub.publish("libs", &before).await;
    sites.hub.publish("libs", &Package::new("good", "1.0.0")).await;
    for size in [1_u64, 99_999, 1 << 40] {
        let (length, said) = (length.clone(), format!("\"size\":{size}"));
        sites.liar.lies(move |path, body| {
            if path.contains("/blobs") {
                return body;
            }
            let text = String::from_utf8(body).expect("text");
            let lines = text.split_inclusive('\n').map(|line| {
                let lies = line.contains("\"incarnation\":2");
                if lies { line.replace(&length, &said) } else { line.to_owned() }
            });
            lines.collect::<String>().into_bytes()
        });
        let log = if size == 1 {
            run(&sites.leaf).await.1
        } else {
            pause(&sites.leaf, "resume").await;
            let ran = sites.leaf.sync_with("libs", json!({ "full": true })).await;
            assert_eq!(ran["status"], "done", "{ran}");
            sites.leaf.log_of(&ran).await.join("\n")
        };
        let said = log.matches("before 1.0.0 is set aside").count();
        assert_eq!(said, 1, "{size}: {log}");
        assert!(log.contains("has another length than the record says"), "{log}");
        assert!(shows(&sites.leaf, "good").await);
        assert_eq!(sites.leaf.holdings("libs").await.len(), 2);
    }
    let Sites { hub, liar, leaf } = sites;
    liar.repents();
    leaf.sync_with("libs", json!({ "full": true })).await;
    assert_eq!(leaf.holdings("libs").await, hub.holdings("libs").await);
}
