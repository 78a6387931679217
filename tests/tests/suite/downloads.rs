//! Counts of downloads.

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use reqwest::Method;
use reqwest::header::RANGE;

const TARBALL: &str = "/npm/libs/tool/-/tool-1.0.0.tgz";

async fn downloads(server: &Server) -> Option<u64> {
    let listed = server.json("/api/v1/feeds/libs/packages?search=tool").await;
    listed["packages"][0]["versions"][0]["downloads"].as_u64()
}

async fn counts(server: &Server, expected: u64) {
    until(&format!("{expected} downloads are counted"), async || {
        (downloads(server).await == Some(expected)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn downloads_of_all_sites_add_up_at_each_and_none_counts_twice() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let mut mirror =
        Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror").start().await;
    hub.publish("libs", &Package::new("tool", "1.0.0")).await;
    until("it arrives", async || (mirror.get(TARBALL).await.status() == 200).then_some(())).await;
    for server in [&hub, &hub, &mirror] {
        assert_eq!(server.get(TARBALL).await.status(), 200);
    }
    counts(&hub, 4).await;
    counts(&mirror, 4).await;
    // Counts that are not yet written are written when the server stops.
    mirror.get(TARBALL).await;
    mirror.stop().await;
    mirror.restart().await;
    mirror.sync_with("libs", serde_json::json!({ "full": true })).await;
    counts(&mirror, 5).await;
    counts(&hub, 5).await;
    let verified = mirror.json("/api/v1/feeds/libs/verify").await;
    assert_eq!(verified["identical"], true, "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_begins_a_download_counts() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    hub.publish("libs", &Package::new("tool", "1.0.0")).await;
    let etag = hub.get(TARBALL).await.headers()["etag"].clone();
    let unchanged = hub.request(Method::GET, TARBALL).header("if-none-match", etag).send().await;
    assert_eq!(unchanged.expect("an answer").status(), 304);
    for (range, status) in [("bytes=0-9", 206), ("bytes=10-", 206)] {
        let part = hub.request(Method::GET, TARBALL).header(RANGE, range).send().await;
        assert_eq!(part.expect("an answer").status(), status);
    }
    hub.request(Method::HEAD, TARBALL).send().await.expect("an answer");
    counts(&hub, 2).await;
}
