//! Sync tokens.

use pakhus_db::feeds::{self, Origin};
use pakhus_db::sync_tokens;

use crate::bench::{Bench, feed_settings};

on_both_backends!(
    a_token_is_good_for_its_feed_alone,
    the_tokens_of_the_file_are_replaced_by_those_it_has_now,
    two_nodes_can_replace_the_tokens_of_the_file_at_once,
    a_token_that_was_shown_says_when,
    a_revoked_token_is_gone,
);

async fn a_token_is_good_for_its_feed_alone(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    let other = feeds::create(database, &feed_settings("other"), now).await;
    let other = other.expect("no failure").expect("a new name").id;
    let made = sync_tokens::create(database, site.feed.id, "secret", Origin::Database, now).await;
    let made = made.expect("made");
    let find =
        async |feed, secret| sync_tokens::find(database, feed, secret).await.expect("no failure");
    assert_eq!(find(site.feed.id, "secret").await, Some(made.clone()));
    assert_eq!(find(other, "secret").await, None);
    assert_eq!(find(site.feed.id, "secre").await, None);
    // The same secret may be one of another feed.
    let there = sync_tokens::create(database, other, "secret", Origin::Database, now).await;
    assert_eq!(find(other, "secret").await, Some(there.expect("made")));
    assert_eq!(sync_tokens::list(database, site.feed.id).await.expect("no failure"), [made]);
}

async fn the_tokens_of_the_file_are_replaced_by_those_it_has_now(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, feed, now) = (&site.database, site.feed.id, bench.clock.now());
    let other = feeds::create(database, &feed_settings("other"), now).await;
    let other = other.expect("no failure").expect("a new name").id;
    let by_api = sync_tokens::create(database, feed, "api", Origin::Database, now).await;
    let by_api = by_api.expect("made");
    let replace = async |feed, secrets: &[&str]| {
        let secrets: Vec<_> = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let now = bench.clock.now();
        sync_tokens::replace_file_tokens(database, feed, &secrets, now).await.expect("replaced");
    };
    let list = async |feed| sync_tokens::list(database, feed).await.expect("no failure");
    replace(other, &["1"]).await;
    replace(feed, &["1", "2", "2"]).await;
    let first = list(feed).await;
    assert_eq!(first.len(), 3);
    replace(feed, &["3", "1"]).await;
    assert_eq!(list(feed).await.len(), 3);
    for (secret, is_there) in [("1", true), ("2", false), ("3", true), ("api", true)] {
        let found = sync_tokens::find(database, feed, secret).await.expect("no failure");
        assert_eq!(found.is_some(), is_there, "{secret}");
        assert!(found.is_none_or(|found| secret != "1" || first.contains(&found)));
    }
    replace(feed, &[]).await;
    assert_eq!(list(feed).await, [by_api]);
    assert_eq!(list(other).await.len(), 1);
}

async fn two_nodes_can_replace_the_tokens_of_the_file_at_once(bench: &Bench) {
    let site = bench.site("la").await;
    let other = site.other_node().await;
    for round in 0..10 {
        let secrets: Vec<_> = (0..20).map(|token| format!("{round} {token}")).collect();
        let now = bench.clock.now();
        let reversed: Vec<_> = secrets.iter().rev().cloned().collect();
        let (one, two) = tokio::join!(
            sync_tokens::replace_file_tokens(&site.database, site.feed.id, &secrets, now),
            sync_tokens::replace_file_tokens(&other.database, site.feed.id, &reversed, now),
        );
        one.expect("replaced");
        two.expect("replaced");
        let listed = sync_tokens::list(&site.database, site.feed.id).await.expect("no failure");
        assert_eq!(listed.len(), 20);
    }
}

async fn a_token_that_was_shown_says_when(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, feed, now) = (&site.database, site.feed.id, bench.clock.now());
    let made = sync_tokens::create(database, feed, "secret", Origin::Database, now).await;
    let made = made.expect("made");
    assert_eq!((made.created_at, made.last_used_at), (now, None));
    let shown = bench.clock.now();
    sync_tokens::touch(database, made.id, shown).await.expect("touched");
    let found = sync_tokens::find(database, feed, "secret").await.expect("no failure");
    assert_eq!(found.expect("it is there").last_used_at, Some(shown));
}

async fn a_revoked_token_is_gone(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, feed, now) = (&site.database, site.feed.id, bench.clock.now());
    let made = sync_tokens::create(database, feed, "secret", Origin::Database, now).await;
    let id = made.expect("made").id;
    assert!(!sync_tokens::revoke(database, feed + 1, id).await.expect("no failure"));
    assert!(sync_tokens::revoke(database, feed, id).await.expect("no failure"));
    assert!(!sync_tokens::revoke(database, feed, id).await.expect("no failure"));
    assert_eq!(sync_tokens::find(database, feed, "secret").await.expect("no failure"), None);
}
