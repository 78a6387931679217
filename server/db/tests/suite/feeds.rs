//! Feeds and their settings.

use std::sync::Arc;

use pakhus_core::replication::engine::{Aside, AsideKind, Batch, Fuse, Link};
use pakhus_core::replication::{ClientMode, Cursor, MergePolicy, Position, ServerMode};
use pakhus_core::{Deletes, FeedPolicy, Metadata, Refusal, SearchEntry};
use pakhus_db::feeds::{
    self, Anonymous, ClientSettings, Counts, Feed, FeedSettings, Origin, ReplicationLimits,
};
use pakhus_db::{Database, Error, apply, asides, blobs, links, package_blobs, search, sync_tokens};

use crate::bench::{Bench, Site, feed_settings};
use crate::vocabulary::{blob, content, delete, publish, save_link, tag, version_key};

on_both_backends!(
    settings_read_back_as_they_were_given,
    a_second_feed_of_a_name_is_not_made,
    an_update_leaves_name_type_and_log_as_they_are,
    a_feed_that_is_gone_cannot_be_updated,
    changes_of_settings_at_the_same_time_are_all_made,
    an_update_that_is_refused_changes_nothing,
    another_client_mode_compares_anew,
    a_pause_outlasts_an_update,
    feeds_are_listed_by_name,
    deleting_a_feed_removes_everything_of_it_and_nothing_else,
    a_feed_made_again_has_another_log,
    a_feed_deleted_while_others_write_to_it_leaves_nothing,
    counts_are_of_what_is_there,
);

fn all_settings(name: &str) -> FeedSettings {
    FeedSettings {
        name: name.parse().expect("a feed name"),
        package_type: "nuget".to_owned(),
        anonymous: Anonymous::View,
        policy: FeedPolicy { deletes: Deletes::Remove, overwrite: true },
        origin: Origin::File,
        server_mode: ServerMode::ReadWrite,
        client: ClientSettings {
            mode: ClientMode::Mirror,
            source_url: Some("https://la.example/libs".to_owned()),
            sync_token: Some("secret".to_owned()),
            interval_ms: 5_000,
        },
        limits: ReplicationLimits {
            fuse: Fuse { least: 3, percent: 50 },
            bandwidth: Some(1_000_000),
            concurrency: 2,
            keep_trash_ms: 7,
            keep_deleted_ms: 8,
        },
    }
}

/// Makes all settings of a feed these.
async fn set(database: &Database, feed_id: i64, settings: FeedSettings) -> Result<Feed, Error> {
    let change = |stored: &mut FeedSettings| {
        *stored = settings;
        Ok(())
    };
    feeds::update(database, feed_id, change).await
}

async fn settings_read_back_as_they_were_given(bench: &Bench) {
    let site = bench.site("la").await;
    let now = bench.clock.now();
    let made = feeds::create(&site.database, &all_settings("all"), now).await;
    let made = made.expect("no failure").expect("a new name");
    assert_eq!((&made.settings, made.created_at), (&all_settings("all"), now));
    assert_eq!(feeds::list(&site.database).await.expect("no failure"), [made, site.feed]);
}

async fn a_second_feed_of_a_name_is_not_made(bench: &Bench) {
    let site = bench.site("la").await;
    let now = bench.clock.now();
    let made = feeds::create(&site.database, &feed_settings("libs"), now).await;
    assert_eq!(made.expect("no failure"), None);
    assert_eq!(feeds::list(&site.database).await.expect("no failure").len(), 1);
    assert!(feeds::any(&site.database).await.expect("no failure"));
}

async fn an_update_leaves_name_type_and_log_as_they_are(bench: &Bench) {
    let site = bench.site("la").await;
    site.commit([publish("a", "1.0.0")]).await.expect("published");
    let end = site.end().await;
    let updated = set(&site.database, site.feed.id, all_settings("other")).await;
    let updated = updated.expect("updated");
    let expected = FeedSettings {
        name: site.feed.settings.name.clone(),
        package_type: site.feed.settings.package_type.clone(),
        ..all_settings("other")
    };
    assert_eq!(updated.settings, expected);
    assert_eq!(feeds::list(&site.database).await.expect("no failure"), [updated]);
    assert_eq!(site.end().await, end);
}

async fn changes_of_settings_at_the_same_time_are_all_made(bench: &Bench) {
    let site = bench.site("la").await;
    let nodes = [Arc::new(site.other_node().await), Arc::new(site.other_node().await)];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8 {
        let node = Arc::clone(&nodes[task % 2]);
        let feed = site.feed.id;
        tasks.spawn(async move {
            // Each changes something else, or adds to what others change too.
            feeds::update(&node.database, feed, |settings| {
                match task {
                    0 => settings.anonymous = Anonymous::Publish,
                    1 => settings.server_mode = ServerMode::ReadWrite,
                    2 => settings.client.source_url = Some("https://la.example/libs".to_owned()),
                    _ => settings.limits.concurrency += 1,
                }
                Ok(())
            })
            .await
            .expect("updated");
        });
    }
    tasks.join_all().await;
    let found = &feeds::list(&site.database).await.expect("no failure")[0].settings;
    assert_eq!(found.anonymous, Anonymous::Publish);
    assert_eq!(found.server_mode, ServerMode::ReadWrite);
    assert_eq!(found.client.source_url.as_deref(), Some("https://la.example/libs"));
    assert_eq!(found.limits.concurrency, site.feed.settings.limits.concurrency + 5);
}

async fn an_update_that_is_refused_changes_nothing(bench: &Bench) {
    let site = bench.site("la").await;
    let refused = feeds::update(&site.database, site.feed.id, |settings| {
        settings.anonymous = Anonymous::Publish;
        Err(Refusal::invalid("not so"))
    });
    assert!(matches!(refused.await, Err(Error::Refused(_))));
    assert_eq!(feeds::list(&site.database).await.expect("no failure"), [site.feed]);
}

async fn another_client_mode_compares_anew(bench: &Bench) {
    let site = bench.site("la").await;
    let set_mode = async |mode: ClientMode| {
        let change = feeds::update(&site.database, site.feed.id, |settings| {
            (settings.client.mode, settings.anonymous) = (mode, Anonymous::View);
            Ok(())
        });
        change.await.expect("updated");
    };
    let positions = async || {
        let link = links::find(&site.database, site.feed.id).await.expect("no failure");
        link.map(|link| (link.cursor.seq, link.push_seq))
    };
    set_mode(ClientMode::Mirror).await;
    assert_eq!(positions().await, None);
    let cursor = Cursor { lineage: "there".to_owned(), seq: 7, witness: Position::START };
    let link = Link {
        source_url: "https://la.example/libs".to_owned(),
        source_instance: "la".to_owned(),
        cursor,
        push_seq: 9,
        sources: Vec::new(),
    };
    let waiting = |kind| Aside {
        key: version_key("a", "1.0.0"),
        kind,
        state: None,
        error: "no such blob".to_owned(),
        attempts: 1,
        next_at: bench.clock.now(),
    };
    let aside = vec![waiting(AsideKind::Fetch), waiting(AsideKind::Send)];
    let batch = Batch { aside, link: Some(link), ..Batch::new(MergePolicy::Converge) };
    apply::apply(&site.database, site.feed.id, batch, None, bench.clock.now())
        .await
        .expect("saved");
    let left = async |kind| asides::count(&site.database, site.feed.id, kind).await.expect("known");
    // The same mode, with other settings.
    set_mode(ClientMode::Mirror).await;
    assert_eq!(positions().await, Some((7, 9)));
    assert_eq!((left(AsideKind::Fetch).await, left(AsideKind::Send).await), (1, 1));
    set_mode(ClientMode::PullOnly).await;
    assert_eq!(positions().await, Some((0, 0)));
    assert_eq!((left(AsideKind::Fetch).await, left(AsideKind::Send).await), (1, 0));
}

async fn a_pause_outlasts_an_update(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, feed) = (&site.database, site.feed.id);
    assert!(!site.feed.paused);
    feeds::set_paused(database, feed, true).await.expect("paused");
    assert!(set(database, feed, all_settings("libs")).await.expect("updated").paused);
    feeds::set_paused(database, feed, false).await.expect("resumed");
    assert!(!feeds::list(database).await.expect("no failure")[0].paused);
    feeds::delete(database, feed).await.expect("deleted");
    let paused = feeds::set_paused(database, feed, true).await;
    assert!(matches!(paused, Err(Error::NoSuchFeed)), "{paused:?}");
}

async fn a_feed_that_is_gone_cannot_be_updated(bench: &Bench) {
    let site = bench.site("la").await;
    feeds::delete(&site.database, site.feed.id).await.expect("deleted");
    feeds::delete(&site.database, site.feed.id).await.expect("nothing to delete");
    let updated = set(&site.database, site.feed.id, all_settings("libs")).await;
    assert!(matches!(updated, Err(Error::NoSuchFeed)), "{updated:?}");
    assert!(!feeds::any(&site.database).await.expect("no failure"));
}

async fn feeds_are_listed_by_name(bench: &Bench) {
    let site = bench.site("la").await;
    for name in ["z", "0", "libs-2", "libs.1"] {
        let made = feeds::create(&site.database, &feed_settings(name), bench.clock.now()).await;
        made.expect("no failure").expect("a new name");
    }
    let listed = feeds::list(&site.database).await.expect("no failure");
    let names: Vec<_> = listed.iter().map(|feed| feed.name().as_str()).collect();
    assert_eq!(names, ["0", "libs", "libs-2", "libs.1", "z"]);
}

/// Puts all packages of the feed into the index of search.
async fn search_for_all(site: &Site) {
    let pending = search::pending(&site.database, site.feed.id).await.expect("no failure");
    let nothing = SearchEntry {
        keywords: Vec::new(),
        description: String::new(),
        labels: Vec::new(),
        shown: Metadata::from_value(&()).expect("JSON"),
    };
    let entries = pending.into_iter().map(|pending| (pending, Some(nothing.clone())));
    search::index(&site.database, site.feed.id, entries.collect()).await.expect("indexed");
}

async fn deleting_a_feed_removes_everything_of_it_and_nothing_else(bench: &Bench) {
    let site = bench.site("la").await;
    let mut other = site.other_node().await;
    let made = feeds::create(&site.database, &feed_settings("other"), bench.clock.now()).await;
    other.feed = made.expect("no failure").expect("a new name");
    let raw = site.raw().await;
    let tables = match raw.tables_with("feed_id").await {
        tables if tables.len() > 8 => tables,
        tables => panic!("only {tables:?}"),
    };
    for site in [&site, &other] {
        // Something in each table that has something of a feed.
        let (database, feed, now) = (&site.database, site.feed.id, bench.clock.now());
        site.commit([publish("a", "1.0.0"), tag("a", "latest", "1.0.0")]).await.expect("published");
        site.apply(vec![content("a", "1.0.0", 1, 5, "", vec![])], MergePolicy::Converge).await;
        site.commit([publish("a", "2.0.0"), delete("a", "1.0.0")]).await.expect("committed");
        blobs::note_received(database, feed, &[blob("x").digest], now).await.expect("noted");
        let brought = blob("x");
        package_blobs::bring(database, feed, "a", &brought.name(), &brought, now)
            .await
            .expect("noted");
        sync_tokens::create(database, feed, "secret", Origin::Database, now).await.expect("made");
        let record = site.all_records().await.remove(0);
        let progress = Link {
            source_url: String::new(),
            source_instance: String::new(),
            cursor: Cursor { lineage: String::new(), seq: 0, witness: Position::START },
            push_seq: 0,
            sources: Vec::new(),
        };
        let seen = [(&record.key, record.state.digest())];
        save_link(database, feed, &progress, seen.into_iter()).await.expect("saved");
        let mut batch = Batch::new(MergePolicy::Converge);
        batch.aside.push(Aside {
            key: record.key.clone(),
            kind: AsideKind::Fetch,
            state: None,
            error: "the line is cut".to_owned(),
            attempts: 1,
            next_at: now,
        });
        apply::apply(database, feed, batch, None, now).await.expect("applied");
        search_for_all(site).await;
    }
    let count = async |table: &str, feed: i64| {
        raw.number(&format!("SELECT COUNT(*) FROM {table} WHERE feed_id = {feed}")).await
    };
    for table in &tables {
        assert_ne!(count(table, site.feed.id).await, 0, "this test puts nothing into {table}");
    }
    feeds::delete(&site.database, site.feed.id).await.expect("deleted");
    for table in &tables {
        assert_eq!(count(table, site.feed.id).await, 0, "{table}");
        assert_ne!(count(table, other.feed.id).await, 0, "{table}");
    }
    assert_eq!(feeds::list(&site.database).await.expect("no failure"), [other.feed.clone()]);
    assert_eq!(other.versions("a").await, ["2.0.0"]);
    crate::log::check(&other).await;
}

async fn a_feed_made_again_has_another_log(bench: &Bench) {
    let site = bench.site("la").await;
    let lineage = async |feed: i64| {
        pakhus_db::changes::end(&site.database, feed).await.expect("no failure").lineage
    };
    let before = lineage(site.feed.id).await;
    feeds::delete(&site.database, site.feed.id).await.expect("deleted");
    let made = feeds::create(&site.database, &feed_settings("libs"), bench.clock.now()).await;
    let made = made.expect("no failure").expect("the name is free again");
    assert_ne!(made.id, site.feed.id, "numbers of feeds are not used again");
    assert_ne!(lineage(made.id).await, before);
}

async fn a_feed_deleted_while_others_write_to_it_leaves_nothing(bench: &Bench) {
    for _ in 0..4 {
        let site = bench.site("la").await;
        let writer = async {
            for number in 0.. {
                let version = format!("{number}.0.0");
                match site.commit([publish("a", &version), tag("a", "latest", &version)]).await {
                    Ok(_) => {}
                    Err(Error::NoSuchFeed) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let other = site.other_node().await;
        let deleter = async {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            feeds::delete(&other.database, other.feed.id).await.expect("deleted");
        };
        tokio::join!(writer, deleter);
        let raw = site.raw().await;
        for table in ["records", "feed_log", "packages", "record_blobs"] {
            assert_eq!(raw.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
        }
    }
}

async fn counts_are_of_what_is_there(bench: &Bench) {
    let site = bench.site("la").await;
    let counts = async || feeds::counts(&site.database).await.expect("no failure");
    assert_eq!(counts().await.get(&site.feed.id), None);
    let edits = [publish("a", "1.0.0"), publish("a", "2.0.0"), publish("b", "1.0.0")];
    site.commit(edits).await.expect("published");
    assert_eq!(counts().await[&site.feed.id], Counts { packages: 2, versions: 3 });
    site.commit([delete("b", "1.0.0"), delete("a", "1.0.0")]).await.expect("deleted");
    site.apply(vec![content("c", "1.0.0", 1, 5, "", vec![])], MergePolicy::Converge).await;
    assert_eq!(counts().await[&site.feed.id], Counts { packages: 2, versions: 2 });
}
