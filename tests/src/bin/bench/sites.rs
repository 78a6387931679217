//! What replication costs.

use std::time::{Duration, Instant};

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};

/// Packages of the first sync.
const PACKAGES: usize = 1_000;
/// Publishes whose arrival is measured.
const PUBLISHES: usize = 50;

async fn mirror_of(hub: &Server) -> Server {
    Setup::new().npm_feed("libs", "disabled").client_of(hub, "libs", "mirror").start().await
}

/// The first sync of many small packages, and a run that finds nothing.
pub(crate) async fn first_sync() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    for number in 0..PACKAGES {
        let package = Package::with_file(&format!("p{number}"), "1.0.0", &super::random(10_000));
        hub.publish("libs", &package).await;
    }
    let started = Instant::now();
    let leaf = mirror_of(&hub).await;
    let execution = leaf.sync("libs").await;
    assert_eq!(execution["status"], "done", "{execution}");
    assert_eq!(leaf.holdings("libs").await.len(), PACKAGES);
    let took = started.elapsed().as_secs_f64();
    println!("{:<44} {took:>10.2} s", "first sync of 1,000 packages of 10 kB");
    leaf.sync("libs").await;
    let started = Instant::now();
    for _ in 0..10 {
        leaf.sync("libs").await;
    }
    let took = started.elapsed() / 10;
    println!("{:<44} {took:>10.1?}", "a run that finds nothing, started by the API");
}

/// From an acknowledged publish to its being visible at the other site.
pub(crate) async fn latency() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let leaf = mirror_of(&hub).await;
    leaf.sync("libs").await;
    let mut took: Vec<Duration> = Vec::new();
    for number in 0..PUBLISHES {
        let name = format!("p{number}");
        hub.publish("libs", &Package::with_file(&name, "1.0.0", &super::random(10_000))).await;
        let started = Instant::now();
        while !leaf.get(&format!("/npm/libs/{name}")).await.status().is_success() {
            assert!(started.elapsed() < Duration::from_secs(30), "it does not arrive");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        took.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    took.sort_unstable();
    println!("{:<44} {:>10.1?}", "publish to visible, median", took[took.len() / 2]);
    println!("{:<44} {:>10.1?}", "publish to visible, slowest of 50", took[took.len() - 1]);
}
