//! A client whose whole data folder, database and blobs, is on a disk that is full.

use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::small_disk::SmallDisk;
use pakhus_tests::wait::until;
use rand::Rng as _;
use reqwest::Method;
use serde_json::{Value, json};

/// The packages that the source has, of 3 MB each; half of them fit.
const PACKAGES: usize = 16;

fn package(number: usize) -> Package {
    let mut noise = vec![0; 3_000_000];
    rand::rng().fill_bytes(&mut noise);
    Package::with_file(&format!("package-{number}"), "1.0.0", &noise)
}

/// All that the site shows is whole: its tarballs are those of the source.
async fn shows_only_what_is_whole(site: &Server, source: &Server) -> usize {
    let held = site.holdings("libs").await;
    for (name, version) in &held {
        let path = format!("/npm/libs/{name}/-/{name}-{version}.tgz");
        let tarball = site.get(&path).await;
        assert_eq!(tarball.status(), 200, "{path}");
        let of_the_source = source.get(&path).await.bytes().await.expect("it comes whole");
        assert!(tarball.bytes().await.expect("it comes whole") == of_the_source, "{path}");
    }
    held.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_data_folder_is_full_serves_what_it_has_and_goes_on_when_there_is_space() {
    let disk = SmallDisk::new(24);
    let source = Setup::new().npm_feed("libs", "read-write").start().await;
    let mut client = Setup::new()
        .data_dir(&disk.path().join("data"))
        .npm_feed("libs", "disabled")
        .client_of_url(&source.url("/replication/libs"), "mirror", "1s")
        .start()
        .await;
    let first = package(0);
    source.publish("libs", &first).await;
    client.shows("libs", &first).await;
    for number in 1..PACKAGES {
        source.publish("libs", &package(number)).await;
    }
    until("the client says that its disk is full", async || {
        let log = client.log_text();
        ["no space is left on the disk", "database or disk is full"]
            .iter()
            .any(|text| log.contains(text))
            .then_some(())
    })
    .await;
    let held = shows_only_what_is_whole(&client, &source).await;
    assert!((1..PACKAGES).contains(&held), "{held} packages");
    disk.grow(400);
    client.sync_with("libs", json!({ "full": true })).await;
    client.agrees_with_its_source("libs").await;
    assert_eq!(shows_only_what_is_whole(&client, &source).await, PACKAGES);

    // What it acknowledges from then on is on the disk.
    let own = Package::new("own", "1.0.0");
    client.publish("libs", &own).await;
    client.restart().await;
    client.shows("libs", &own).await;
    source.shows("libs", &own).await;
}

/// The ids in a listing.
async fn ids(server: &Server, path: &str, list: &str) -> Vec<String> {
    let listing = server.json(path).await;
    let rows = listing[list].as_array().expect("a list").iter();
    rows.map(|row| row["id"].to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_while_the_disk_is_full_is_there_afterwards() {
    let disk = SmallDisk::new(24);
    let mut server = Setup::new()
        .data_dir(&disk.path().join("data"))
        .npm_feed("libs", "read-write")
        .start()
        .await;
    let tokens = "/api/v1/feeds/libs/replication/sync-tokens";
    let make = async |path: &str, body: Value| {
        let made = server.request(Method::POST, path).json(&body).send().await.expect("an answer");
        let success = made.status().is_success();
        let made: Value = made.json().await.unwrap_or_default();
        success.then(|| made["id"].to_string())
    };
    let key = || json!({ "name": "a key", "scopes": ["view:libs"] });
    make("/api/v1/keys", key()).await.expect("there is space yet");
    let filler = std::fs::File::create(disk.path().join("filler")).expect("a file");
    let zeros = vec![0; 4_096];
    while std::io::Write::write_all(&mut &filler, &zeros).is_ok() {}
    let (mut keys, mut made_tokens, mut refused) = (Vec::new(), Vec::new(), 0);
    for _ in 0..100 {
        let (key, token) = (make("/api/v1/keys", key()).await, make(tokens, json!({})).await);
        refused += usize::from(key.is_none()) + usize::from(token.is_none());
        keys.extend(key);
        made_tokens.extend(token);
    }
    assert!(refused > 0, "the disk is full");
    disk.grow(100);
    server.restart().await;
    let there = ids(&server, "/api/v1/keys", "keys").await;
    assert!(keys.iter().all(|id| there.contains(id)), "{keys:?} of {there:?}");
    let replication = server.json("/api/v1/feeds/libs/replication").await;
    let there = replication["server"]["sync_tokens"].as_array().expect("a list").iter();
    let there: Vec<_> = there.map(|token| token["id"].to_string()).collect();
    assert!(made_tokens.iter().all(|id| there.contains(id)), "{made_tokens:?} of {there:?}");
}
