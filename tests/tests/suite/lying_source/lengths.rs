//! Answers that are shorter or longer than they say, or never end.

use pakhus_tests::liar::Length;
use pakhus_tests::package::Package;
use rand::Rng as _;

use super::{Sites, run, shows, sites};

/// The most memory of the leaf: what it needs for a page of the largest size, and buffers.
const MEMORY: u64 = 250 << 20;

/// A package whose blob is fetched by itself, not with others in one stream.
fn large() -> Package {
    large_called("large")
}

pub(super) fn large_called(name: &str) -> Package {
    let mut noise = vec![0; 400_000];
    rand::rng().fill_bytes(&mut noise);
    Package::with_file(name, "1.0.0", &noise)
}

fn is_blob(path: &str) -> bool {
    path.contains("/blobs/sha256:")
}

/// A leaf whose source has a large and a small package that it has not.
async fn sites_apart() -> Sites {
    let sites = sites().await;
    sites.hub.publish("libs", &large()).await;
    sites.hub.publish("libs", &Package::new("small", "1.0.0")).await;
    sites
}

/// The leaf shows nothing of the large package, and serves what it has within bounds of memory. It comes
/// to all of it once the source tells the truth.
async fn nothing_wrong_is_shown_and_the_truth_arrives(sites: Sites) {
    let Sites { hub, liar, leaf } = sites;
    assert!(!shows(&leaf, "large").await);
    assert_eq!(leaf.get("/npm/private/secret").await.status(), 200);
    let peak = leaf.peak_memory();
    assert!(peak < MEMORY, "{} MiB", peak >> 20);
    liar.repents();
    let path = "/api/v1/feeds/libs/replication/resume";
    leaf.request(reqwest::Method::POST, path).send().await.expect("an answer");
    leaf.sync_with("libs", serde_json::json!({ "full": true })).await;
    leaf.agrees_with_its_source("libs").await;
    assert_eq!(leaf.holdings("libs").await, hub.holdings("libs").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_blob_of_wrong_bytes_is_set_aside_and_the_rest_goes_on() {
    let sites = sites_apart().await;
    sites.liar.lies(|path, mut body| {
        if is_blob(path) {
            body[200_000] ^= 1;
        }
        body
    });
    let (execution, log) = run(&sites.leaf).await;
    assert_eq!(execution["status"], "done", "{execution}");
    assert!(log.contains("large 1.0.0 is set aside after 1 attempts"), "{log}");
    assert!(shows(&sites.leaf, "small").await);
    nothing_wrong_is_shown_and_the_truth_arrives(sites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_set_aside_is_a_failure_of_the_execution() {
    let sites = sites_apart().await;
    sites.liar.lies(|path, body| if is_blob(path) { vec![0; body.len()] } else { body });
    let (execution, _) = run(&sites.leaf).await;
    let failures = execution["failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 1, "{failures:?}");
    let told = ["package", "version", "item"].map(|field| &failures[0][field]);
    assert_eq!(told, ["large", "1.0.0", "large 1.0.0"]);
    let reason = failures[0]["reason"].as_str().expect("a text");
    assert!(reason.contains("was announced"), "{reason}");
    nothing_wrong_is_shown_and_the_truth_arrives(sites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_that_never_ends_is_set_aside_and_the_rest_goes_on() {
    let sites = sites_apart().await;
    sites.liar.stretches(|path, _| if is_blob(path) { Length::Endless } else { Length::True });
    let (execution, log) = run(&sites.leaf).await;
    assert_eq!(execution["status"], "done", "{execution}");
    assert!(log.contains("larger than the limit"), "{log}");
    assert!(shows(&sites.leaf, "small").await);
    nothing_wrong_is_shown_and_the_truth_arrives(sites).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_fails_when_a_blob_breaks_off_before_the_length_that_it_said() {
    for announced in [400_000_000, 1 << 60] {
        let sites = sites_apart().await;
        sites.liar.lies(|path, mut body| {
            if is_blob(path) {
                body.truncate(100_000);
            }
            body
        });
        sites.liar.stretches(move |path, _| match is_blob(path) {
            true => Length::Announced(announced),
            false => Length::True,
        });
        let (execution, log) = run(&sites.leaf).await;
        assert_eq!(execution["status"], "failed", "{execution}");
        let summary = execution["summary"].as_str().expect("a text");
        assert!(summary.contains("cannot be reached"), "{summary}");
        assert_eq!(log.matches(summary).count(), 1, "{log}");
        nothing_wrong_is_shown_and_the_truth_arrives(sites).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_fails_when_a_page_or_a_stream_of_blobs_never_ends() {
    for (endpoint, reason) in [("/changes", "more than"), ("/blobs/batch", "other blobs")] {
        let sites = sites_apart().await;
        // The same frame again and again is not what was asked for next.
        sites.hub.publish("libs", &Package::new("small-too", "1.0.0")).await;
        sites.liar.lies(move |path, mut body| {
            if path.ends_with(endpoint) && endpoint == "/changes" {
                let end = body.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                body.truncate(end);
            } else if path.ends_with(endpoint) {
                let length = u64::from_be_bytes(body[32..40].try_into().expect("8 bytes"));
                body.truncate(40 + usize::try_from(length).expect("it is small"));
            }
            body
        });
        sites.liar.stretches(move |path, _| match path.ends_with(endpoint) {
            true => Length::Endless,
            false => Length::True,
        });
        let (execution, log) = run(&sites.leaf).await;
        assert_eq!(execution["status"], "failed", "{endpoint}: {execution}");
        let summary = execution["summary"].as_str().expect("a text");
        assert!(summary.contains(reason), "{endpoint}: {summary}");
        assert_eq!(log.matches(summary).count(), 1, "{log}");
        assert!(!shows(&sites.leaf, "small").await);
        nothing_wrong_is_shown_and_the_truth_arrives(sites).await;
    }
}
