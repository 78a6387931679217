//! Several nodes of one instance on one PostgreSQL: one of them replicates.

use pakhus_tests::package::Package;
use pakhus_tests::postgres::Postgres;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;

async fn arrives(server: &Server, name: &str) {
    until(&format!("{name} arrives"), async || {
        server.get(&format!("/npm/libs/{name}")).await.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_node_that_replicates_is_killed_another_takes_over() {
    let (database, folder) = (Postgres::new(), tempfile::tempdir().expect("a folder"));
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let setup = Setup::new()
        .database(database.url())
        .data_dir(folder.path())
        .npm_feed("libs", "disabled")
        .client_of(&hub, "libs", "mirror");
    let mut first = setup.clone().start().await;
    hub.publish("libs", &Package::new("one", "1.0.0")).await;
    arrives(&first, "one").await;
    let second = setup.start().await;
    // A run by hand at the other node waits for its turn, and finds nothing to do.
    let execution = second.sync("libs").await;
    assert_eq!(execution["status"], "done", "{execution}");
    first.kill();
    hub.publish("libs", &Package::new("two", "1.0.0")).await;
    second.publish("libs", &Package::new("three", "1.0.0")).await;
    arrives(&second, "two").await;
    arrives(&hub, "three").await;
    // What the killed node left running is told to have failed.
    until("no execution runs any more", async || {
        let running = second.json("/api/v1/executions?feed=libs&status=running").await;
        (running["executions"] == serde_json::json!([])).then_some(())
    })
    .await;
}
