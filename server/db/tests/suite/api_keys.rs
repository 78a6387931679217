//! API keys.

use pakhus_db::api_keys;
use pakhus_db::feeds::Origin;

use crate::bench::Bench;

on_both_backends!(
    a_key_is_found_by_its_secret_alone,
    no_table_holds_the_secret,
    the_keys_of_the_file_are_replaced_by_those_it_has_now,
    two_nodes_can_replace_the_keys_of_the_file_at_once,
    a_key_that_was_shown_says_when,
    a_key_that_has_expired_is_none,
    a_revoked_key_is_gone,
);

fn scopes(scopes: &[&str]) -> Vec<String> {
    scopes.iter().map(|scope| (*scope).to_owned()).collect()
}

fn file_key(name: &str, secret: &str, scope: &str) -> (String, String, Vec<String>) {
    (name.to_owned(), secret.to_owned(), scopes(&[scope]))
}

async fn a_key_is_found_by_its_secret_alone(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    let granted = scopes(&["publish:libs", "view:other"]);
    let made = api_keys::create(database, "ci", "secret", &granted, Origin::Database, now).await;
    let made = made.expect("made");
    assert_eq!((made.name.as_str(), &made.scopes, made.created_at), ("ci", &granted, now));
    assert_eq!(api_keys::find(database, "secret", now).await.expect("no failure"), Some(made));
    for other in ["secre", "Secret", "ci", ""] {
        assert_eq!(api_keys::find(database, other, now).await.expect("no failure"), None);
    }
    let again = api_keys::create(database, "other", "secret", &[], Origin::Database, now).await;
    again.expect_err("two keys cannot have one secret");
}

async fn no_table_holds_the_secret(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    let secrets = ["made-by-the-api", "from-the-file", "sync-by-the-api", "sync-from-the-file"];
    let made = api_keys::create(database, "ci", secrets[0], &[], Origin::Database, now).await;
    made.expect("made");
    let keys = [file_key("file", secrets[1], "admin")];
    api_keys::replace_file_keys(database, &keys, now).await.expect("replaced");
    let feed = site.feed.id;
    let made = pakhus_db::sync_tokens::create(database, feed, secrets[2], Origin::Database, now);
    made.await.expect("made");
    let tokens = [secrets[3].to_owned()];
    pakhus_db::sync_tokens::replace_file_tokens(database, feed, &tokens, now).await.expect("made");
    let raw = site.raw().await;
    for table in ["api_keys", "sync_tokens"] {
        let dump = raw.dump(table).await;
        assert_eq!(dump.len(), 2);
        for secret in secrets {
            let hex = pakhus_core::digest::hex(secret.as_bytes());
            let tells = dump.iter().any(|row| row.contains(secret) || row.contains(&hex));
            assert!(!tells, "{table} holds {secret}: {dump:?}");
        }
    }
}

async fn the_keys_of_the_file_are_replaced_by_those_it_has_now(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    let by_api = api_keys::create(database, "ci", "ci", &[], Origin::Database, now).await;
    let by_api = by_api.expect("made");
    let replace = async |keys: &[_]| {
        api_keys::replace_file_keys(database, keys, bench.clock.now()).await.expect("replaced");
        let keys = api_keys::list(database).await.expect("no failure");
        keys.into_iter().filter(|key| key.origin == Origin::File).collect::<Vec<_>>()
    };
    let first = replace(&[file_key("a", "1", "view:libs"), file_key("b", "2", "admin")]).await;
    assert_eq!(first.len(), 2);
    // One stays, under another name and with other rights, one goes, one comes.
    let second = replace(&[file_key("c", "3", "admin"), file_key("a2", "1", "view:other")]).await;
    assert_eq!(second.len(), 2);
    let stayed = second.iter().find(|key| key.name == "a2").expect("it stayed");
    let before = first.iter().find(|key| key.name == "a").expect("it was there");
    assert_eq!((stayed.id, stayed.created_at), (before.id, before.created_at));
    assert_eq!(stayed.scopes, ["view:other"]);
    assert!(api_keys::find(database, "2", now).await.expect("no failure").is_none());
    assert!(api_keys::find(database, "3", now).await.expect("no failure").is_some());
    // A secret that is in the file twice is one key.
    assert_eq!(replace(&[file_key("a", "1", "admin"), file_key("b", "1", "admin")]).await.len(), 1);
    assert_eq!(replace(&[]).await, []);
    assert_eq!(api_keys::list(database).await.expect("no failure"), [by_api]);
}

async fn two_nodes_can_replace_the_keys_of_the_file_at_once(bench: &Bench) {
    let site = bench.site("la").await;
    let other = site.other_node().await;
    for round in 0..10 {
        let keys: Vec<_> =
            (0..20).map(|key| file_key("k", &format!("{round} {key}"), "admin")).collect();
        let now = bench.clock.now();
        let reversed: Vec<_> = keys.iter().rev().cloned().collect();
        let (one, two) = tokio::join!(
            api_keys::replace_file_keys(&site.database, &keys, now),
            api_keys::replace_file_keys(&other.database, &reversed, now),
        );
        one.expect("replaced");
        two.expect("replaced");
        assert_eq!(api_keys::list(&site.database).await.expect("no failure").len(), 20);
    }
}

async fn a_key_that_was_shown_says_when(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    let made = api_keys::create(database, "ci", "secret", &[], Origin::Database, now).await;
    let made = made.expect("made");
    assert_eq!(made.last_used_at, None);
    let shown = bench.clock.now();
    api_keys::touch(database, made.id, shown).await.expect("touched");
    let found = api_keys::find(database, "secret", shown).await.expect("no failure");
    assert_eq!(found.expect("it is there").last_used_at, Some(shown));
}

async fn a_key_that_has_expired_is_none(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    api_keys::create(database, "ci", "secret", &[], Origin::Database, now).await.expect("made");
    let end = bench.clock.now();
    site.raw().await.execute(&format!("UPDATE api_keys SET expires_at = {}", end.millis())).await;
    assert!(api_keys::find(database, "secret", now).await.expect("no failure").is_some());
    assert!(api_keys::find(database, "secret", end).await.expect("no failure").is_none());
}

async fn a_revoked_key_is_gone(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, bench.clock.now());
    let made = api_keys::create(database, "ci", "secret", &[], Origin::Database, now).await;
    let id = made.expect("made").id;
    assert!(api_keys::revoke(database, id).await.expect("no failure"));
    assert!(!api_keys::revoke(database, id).await.expect("no failure"));
    assert_eq!(api_keys::find(database, "secret", now).await.expect("no failure"), None);
}
