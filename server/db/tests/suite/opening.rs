//! Opening databases.

use pakhus_core::Timestamp;
use pakhus_db::{Database, feeds, instance, settings};

use crate::bench::{Backend, Bench, feed_settings};
use crate::vocabulary::publish;

on_both_backends!(
    two_nodes_can_open_an_empty_database_at_once,
    what_was_written_is_there_after_opening_again,
    all_nodes_have_one_instance_id,
    a_closed_database_does_not_answer,
    a_database_that_cannot_be_reached_is_an_error,
);

async fn two_nodes_can_open_an_empty_database_at_once(bench: &Bench) {
    for round in 0..6 {
        let url = bench.empty_database().await;
        let (one, other, third) =
            tokio::join!(Database::open(&url), Database::open(&url), Database::open(&url));
        let (one, other) = (one.expect("opened"), other.expect("opened"));
        third.expect("opened").close().await;
        let made = feeds::create(&one, &feed_settings("libs"), Timestamp::EPOCH).await;
        let feed = made.expect("no failure").expect("the first feed");
        assert_eq!(feeds::list(&other).await.expect("no failure"), [feed], "in round {round}");
        one.close().await;
        other.close().await;
    }
}

async fn what_was_written_is_there_after_opening_again(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    site.database.clone().close().await;
    for _ in 0..2 {
        let again = site.other_node().await;
        assert_eq!(again.versions("a").await, ["1.0.0"]);
        assert_eq!(
            feeds::list(&again.database).await.expect("no failure"),
            std::slice::from_ref(&again.feed)
        );
        again.database.close().await;
    }
}

async fn all_nodes_have_one_instance_id(bench: &Bench) {
    let site = bench.site("la").await;
    let other = site.other_node().await;
    let now = bench.clock.now();
    let (one, two) =
        tokio::join!(instance::id(&site.database, now), instance::id(&other.database, now));
    let id = one.expect("no failure");
    assert_eq!(two.expect("no failure"), id);
    assert_eq!(instance::id(&site.database, bench.clock.now()).await.expect("no failure"), id);
    let elsewhere = bench.site("tokyo").await;
    assert_ne!(instance::id(&elsewhere.database, now).await.expect("no failure"), id);
}

async fn a_closed_database_does_not_answer(bench: &Bench) {
    let site = bench.site("la").await;
    site.database.ping().await.expect("it answers");
    site.database.clone().close().await;
    site.database.ping().await.expect_err("it is closed");
    settings::get(&site.database, "x").await.expect_err("it is closed");
}

async fn a_database_that_cannot_be_reached_is_an_error(bench: &Bench) {
    let url = match bench.backend {
        // A folder.
        Backend::Sqlite => "sqlite:/".to_owned(),
        Backend::Postgres => format!("{}_not_there", bench.empty_database().await),
    };
    Database::open(&url).await.expect_err("there is no such database");
    Database::open("mysql://localhost/pakhus").await.expect_err("no database of ours");
}

#[tokio::test]
async fn an_sqlite_path_is_percent_decoded_and_its_folder_is_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let names = [
        ("plain.db", "plain.db"),
        ("a b#1.db", "a b#1.db"),
        ("50%25%3F/what.db", "50%?/what.db"),
        ("deep/er/x.db?mode=rwc", "deep/er/x.db"),
    ];
    for (written, name) in names {
        for scheme in ["sqlite:", "sqlite://"] {
            let url = format!("{scheme}{}/{written}", folder.path().display());
            let database = Database::open(&url).await.expect("opened");
            database.ping().await.expect("it can be read");
            database.close().await;
            assert!(folder.path().join(name).is_file(), "{url}");
        }
    }
}
