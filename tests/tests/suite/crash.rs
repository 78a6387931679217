//! Kill -9 at any moment: what was acknowledged is there, what was not is not there by half.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::Value;
use sha2::{Digest as _, Sha512};

/// Rounds; in each, both sites are killed once.
const ROUNDS: u64 = 12;

/// The integrity of every version whose publish was acknowledged.
type Acknowledged = Arc<Mutex<BTreeMap<(String, String), String>>>;

/// Publishes until the server goes away.
async fn publish_until_killed(
    request: impl Fn(&Package) -> reqwest::RequestBuilder,
    round: u64,
    site: &str,
    acknowledged: &Acknowledged,
) {
    for number in 0.. {
        // Some are of several megabytes, so that a kill comes in the middle of a blob.
        let size = if number % 4 == 0 { 3_000_000 } else { 2_000 };
        let mut bytes = vec![0; size];
        rand::rngs::StdRng::seed_from_u64(round * 1_000 + number).fill(&mut bytes[..]);
        let name = format!("{site}-{}", number % 5);
        let package = Package::with_file(&name, &format!("{round}.{number}.0"), &bytes);
        match request(&package).json(&package.document()).send().await {
            Ok(answer) if answer.status().is_success() => {
                let key = (package.name.clone(), package.version.clone());
                let mut acknowledged = acknowledged.lock().expect("no panic while it was held");
                acknowledged.insert(key, package.integrity());
            }
            Ok(answer) => panic!("{name}: {}", answer.status()),
            Err(_) => return,
        }
    }
}

/// Every version that a site shows, with the integrity it says; each tarball is read and checked.
async fn whole(server: &Server) -> BTreeMap<(String, String), String> {
    let mut shown = BTreeMap::new();
    for (name, version) in server.holdings("libs").await {
        let manifest: Value =
            server.get(&format!("/npm/libs/{name}/{version}")).await.json().await.expect("JSON");
        let integrity = manifest["dist"]["integrity"].as_str().expect("an integrity").to_owned();
        let tarball = server.get(&format!("/npm/libs/{name}/-/{name}-{version}.tgz")).await;
        assert_eq!(tarball.status(), 200, "{name} {version}");
        let bytes = tarball.bytes().await.expect("the tarball comes whole");
        let read = format!("sha512-{}", STANDARD.encode(Sha512::digest(&bytes)));
        assert_eq!(read, integrity, "{name} {version}");
        shown.insert((name, version), integrity);
    }
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_and_nothing_half_written_is_seen() {
    let seed = rand::random::<u32>();
    println!("the seed of the pauses is {seed}");
    let mut chance = rand::rngs::StdRng::seed_from_u64(seed.into());
    let mut hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let mut leaf =
        Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror").start().await;
    let acknowledged = Acknowledged::default();
    for round in 1..=ROUNDS {
        let mut publishing = tokio::task::JoinSet::new();
        for (site, server) in [("hub", &hub), ("leaf", &leaf)] {
            let (url, key) = (server.registry("libs"), server.key().to_owned());
            let acknowledged = Arc::clone(&acknowledged);
            publishing.spawn(async move {
                let client = reqwest::Client::new();
                let request = |package: &Package| {
                    client.request(Method::PUT, format!("{url}{}", package.name)).bearer_auth(&key)
                };
                publish_until_killed(request, round, site, &acknowledged).await;
            });
        }
        // While they publish, the mirror pulls and pushes.
        let pause =
            |chance: &mut rand::rngs::StdRng| Duration::from_millis(chance.random_range(20..600));
        tokio::time::sleep(pause(&mut chance)).await;
        let (first, second) =
            if chance.random() { (&mut hub, &mut leaf) } else { (&mut leaf, &mut hub) };
        first.kill();
        tokio::time::sleep(pause(&mut chance)).await;
        second.kill();
        while let Some(ended) = publishing.join_next().await {
            ended.expect("publishing ended by the kill alone");
        }
        hub.restart().await;
        leaf.restart().await;
    }
    let execution = leaf.sync("libs").await;
    assert_eq!(execution["status"], "done", "{execution}");
    let acknowledged = acknowledged.lock().expect("no panic while it was held").clone();
    assert!(!acknowledged.is_empty());
    let (at_hub, at_leaf) = (whole(&hub).await, whole(&leaf).await);
    assert_eq!(at_hub, at_leaf);
    for (version, integrity) in &acknowledged {
        assert_eq!(at_hub.get(version), Some(integrity), "{version:?} was acknowledged");
    }
    for server in [&hub, &leaf] {
        until("no run of before a kill counts as running", async || {
            let running = server.json("/api/v1/executions?status=running&feed=libs").await;
            (running["executions"] == serde_json::json!([])).then_some(())
        })
        .await;
    }
}
