//! What replication costs.

use std::time::{Duration, Instant};

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use reqwest::Method;
use serde_json::json;

use crate::compared::milliseconds;
use crate::registry::random;
use crate::table::line;

/// Packages of the first sync.
const PACKAGES: usize = 1_000;
/// Publishes whose arrival is measured.
const PUBLISHES: usize = 50;
/// Runs that find nothing.
const RUNS: usize = 20;

async fn mirror_of(hub: &Server) -> Server {
    Setup::new().npm_feed("libs", "disabled").client_of(hub, "libs", "mirror").start().await
}

/// The first sync of many small packages, and a run that finds nothing.
pub(crate) async fn first_sync() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    for number in 0..PACKAGES {
        let package = Package::with_file(&format!("p{number}"), "1.0.0", &random(10_000));
        hub.publish("libs", &package).await;
    }
    let started = Instant::now();
    let leaf = mirror_of(&hub).await;
    let execution = leaf.sync("libs").await;
    assert_eq!(execution["status"], "done", "{execution}");
    let took = started.elapsed().as_secs_f64();
    assert_eq!(leaf.holdings("libs").await.len(), PACKAGES);
    line("first sync, 1,000 packages of 10 kB", &format!("{took:.2} s"));
    line("  requests of it, and of a run after it", &requests(&hub).await.to_string());
    leaf.sync("libs").await;
    let before = requests(&hub).await;
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let started = Instant::now();
        run(&leaf).await;
        took.push(started.elapsed());
    }
    line("a run that finds nothing, p50", &milliseconds(percentile(&mut took, 50)));
    let each = (requests(&hub).await - before) as f64 / RUNS as f64;
    line("  requests of it", &format!("{each:.1}"));
}

/// How many requests of replication clients the server has answered.
async fn requests(server: &Server) -> u64 {
    let metrics = server.get("/metrics").await.text().await.expect("text");
    let of_clients = metrics
        .lines()
        .filter(|line| line.starts_with("pakhus_http_requests_total{route=\"/replication/"));
    of_clients.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Runs a replication, and asks for its end more often than tests need to.
pub(crate) async fn run(leaf: &Server) {
    let path = "/api/v1/feeds/libs/sync";
    let begun = leaf.request(Method::POST, path).json(&json!({})).send().await.expect("an answer");
    let begun: serde_json::Value = begun.json().await.expect("JSON");
    let path = format!("/api/v1/executions/{}", begun["execution_id"]);
    while leaf.json(&path).await["status"] == "running" {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// From an acknowledged publish to its being visible at the other site.
pub(crate) async fn latency() {
    for (what, mut took) in latencies().await {
        let values = [50, 99].map(|percent| milliseconds(percentile(&mut took, percent)));
        line(&format!("publish to visible, {what}, p50"), &values[0]);
        line(&format!("publish to visible, {what}, p99"), &values[1]);
    }
}

/// The same, each publish by itself, in both directions.
pub(crate) async fn latencies() -> Vec<(&'static str, Vec<Duration>)> {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let leaf = mirror_of(&hub).await;
    leaf.sync("libs").await;
    let mut all = Vec::new();
    for (what, from, to) in [("hub to mirror", &hub, &leaf), ("mirror to hub", &leaf, &hub)] {
        let mut took = Vec::new();
        for number in 0..PUBLISHES {
            let name = format!("{}-{number}", what.replace(' ', "-"));
            from.publish("libs", &Package::with_file(&name, "1.0.0", &random(10_000))).await;
            took.push(arrival(to, &name).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        all.push((what, took));
    }
    all
}

/// How long it takes until a package is visible at a site.
pub(crate) async fn arrival(site: &Server, name: &str) -> Duration {
    let started = Instant::now();
    while !site.get(&format!("/npm/libs/{name}")).await.status().is_success() {
        assert!(started.elapsed() < Duration::from_secs(30), "{name} does not arrive");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    started.elapsed()
}

/// The value that so many percent do not exceed.
pub(crate) fn percentile<T: Ord + Copy>(values: &mut [T], percent: usize) -> T {
    values.sort_unstable();
    values[(values.len() * percent).div_ceil(100) - 1]
}
