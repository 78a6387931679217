//! Several servers on one database, and sites on different kinds of database.

use std::collections::BTreeSet;

use pakhus_tests::package::Package;
use pakhus_tests::postgres::Postgres;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use serde_json::Value;

/// Starts three servers at once.
async fn start_at_once(setup: &Setup) -> [Server; 3] {
    tokio::join!(setup.clone().start(), setup.clone().start(), setup.clone().start()).into()
}

/// Each of the servers takes a publish, by a key that each of them knows, and all show all of them.
async fn are_one_instance(servers: &[Server]) {
    let mut published = BTreeSet::new();
    for (number, server) in servers.iter().enumerate() {
        let name = format!("tools-{number}");
        server.publish("libs", &Package::new(&name, "1.0.0")).await;
        published.insert((name, "1.0.0".to_owned()));
    }
    for server in servers {
        let held: BTreeSet<_> = server.holdings("libs").await.into_iter().collect();
        assert_eq!(held, published);
        let key = server.json("/api/v1/keys").await;
        assert_eq!(key["keys"].as_array().expect("a list").len(), 1, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_on_a_new_data_folder_become_one_instance() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::new().data_dir(folder.path()).npm_feed("libs", "disabled");
    are_one_instance(&start_at_once(&setup).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_on_a_new_postgresql_become_one_instance() {
    let (database, folder) = (Postgres::new(), tempfile::tempdir().expect("a folder"));
    let setup =
        Setup::new().database(database.url()).data_dir(folder.path()).npm_feed("libs", "disabled");
    are_one_instance(&start_at_once(&setup).await).await;
}

/// A packument as the site renders it, with its own address taken out.
async fn packument(server: &Server, name: &str) -> String {
    let text = server.get(&format!("/npm/libs/{name}")).await.text().await.expect("a body");
    text.replace(server.address(), "SITE")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_on_postgresql_and_one_on_sqlite_replicate() {
    let database = Postgres::new();
    let hub = Setup::new().database(database.url()).npm_feed("libs", "read-write").start().await;
    let leaf =
        Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror").start().await;
    hub.publish("libs", &Package::new("from-hub", "1.0.0")).await;
    hub.publish("libs", &Package::new("from-hub", "1.1.0-beta.1").tagged("beta")).await;
    leaf.publish("libs", &Package::new("from-leaf", "1.0.0")).await;
    for server in [&hub, &leaf] {
        until("all three versions are there", async || {
            (server.holdings("libs").await.len() == 3).then_some(())
        })
        .await;
    }
    leaf.sync("libs").await;
    for name in ["from-hub", "from-leaf"] {
        assert_eq!(packument(&hub, name).await, packument(&leaf, name).await);
    }
    let verified: Value = leaf.json("/api/v1/feeds/libs/verify").await;
    assert_eq!(verified["identical"], true, "{verified}");
}
