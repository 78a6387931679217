//! API keys that belong to somebody.

use pakhus_core::Timestamp;
use pakhus_db::api_keys::{self, ApiKey, NewKey, Owner};
use pakhus_db::feeds::Origin;
use pakhus_db::{Database, users};

use crate::bench::{Backend, Bench};
use crate::users::make;

on_both_backends!(
    a_key_says_all_that_was_said_of_it,
    a_short_key_shows_nothing_of_itself,
    handles_are_of_one_length_and_differ,
    a_chain_has_the_makers_of_a_key_and_its_user,
    a_key_ends_with_its_user,
    a_key_ends_with_the_one_that_made_it,
    a_key_ends_when_the_one_that_made_it_expires,
    a_key_of_the_file_takes_those_that_it_made_with_it,
    an_owner_has_a_bounded_number_of_keys,
    old_keys_are_forgotten,
);

const LONG: &str = "pakhus_0123456789012345678901234567890123456789";

fn new_key(secret: &str, owner: Owner) -> NewKey {
    NewKey {
        name: secret.to_owned(),
        secret: secret.to_owned(),
        scopes: Vec::new(),
        read_only: false,
        networks: Vec::new(),
        owner,
        expires_at: None,
    }
}

const fn of_user(id: i64) -> Owner {
    Owner { user: Some(id), parent: None }
}

const fn of_key(id: i64) -> Owner {
    Owner { user: None, parent: Some(id) }
}

async fn add(database: &Database, secret: &str, owner: Owner) -> ApiKey {
    let added = api_keys::add(database, &new_key(secret, owner), Timestamp::EPOCH).await;
    added.expect("added")
}

/// The names of the keys that a key hangs from; none when it opens nothing.
async fn chain(database: &Database, secret: &str, now: Timestamp) -> Vec<String> {
    let chain = api_keys::chain(database, secret, now).await.expect("no failure");
    let keys = chain.map(|chain| chain.keys).unwrap_or_default();
    keys.into_iter().map(|key| key.name).collect()
}

async fn a_key_says_all_that_was_said_of_it(bench: &Bench) {
    let site = bench.site("la").await;
    let alice = make(bench, &site.database, "alice").await;
    let end = bench.clock.now();
    let new = NewKey {
        scopes: vec!["view:libs".to_owned()],
        read_only: true,
        networks: vec!["10.0.0.0/8".to_owned(), "::1/128".to_owned()],
        expires_at: Some(end),
        ..new_key(LONG, of_user(alice.id))
    };
    let key = api_keys::add(&site.database, &new, Timestamp::EPOCH).await.expect("added");
    assert_eq!(key.networks, ["10.0.0.0/8", "::1/128"]);
    assert_eq!((key.read_only, key.expires_at), (true, Some(end)));
    assert_eq!((key.beginning.as_str(), key.owner), ("pakhus_01234", of_user(alice.id)));
    let listed = api_keys::list_owned(&site.database, of_user(alice.id)).await;
    assert_eq!(listed.expect("no failure"), [key]);
    let nobodys = api_keys::list_owned(&site.database, Owner::default()).await;
    assert_eq!(nobodys.expect("no failure"), []);
}

async fn a_short_key_shows_nothing_of_itself(bench: &Bench) {
    let site = bench.site("la").await;
    assert_eq!(add(&site.database, "a short secret", Owner::default()).await.beginning, "");
}

async fn handles_are_of_one_length_and_differ(bench: &Bench) {
    let site = bench.site("la").await;
    let first = add(&site.database, "1", Owner::default()).await;
    let second = add(&site.database, "2", Owner::default()).await;
    assert_eq!((first.handle.len(), second.handle.len()), (32, 32));
    assert_ne!(first.handle, second.handle);
}

async fn a_chain_has_the_makers_of_a_key_and_its_user(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let alice = make(bench, database, "alice").await;
    let login = add(database, "login", of_user(alice.id)).await;
    add(database, "made", Owner { user: Some(alice.id), parent: Some(login.id) }).await;
    let chain = api_keys::chain(database, "made", Timestamp::EPOCH).await.expect("no failure");
    let chain = chain.expect("it opens something");
    let names: Vec<_> = chain.keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(names, ["made", "login"]);
    assert_eq!(chain.user, Some(alice));
}

async fn a_key_ends_with_its_user(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, Timestamp::EPOCH);
    let alice = make(bench, database, "alice").await;
    let login = add(database, "login", of_user(alice.id)).await;
    add(database, "made", Owner { user: Some(alice.id), parent: Some(login.id) }).await;
    add(database, "other", Owner::default()).await;
    users::delete(database, "alice").await.expect("no failure");
    for gone in ["login", "made"] {
        assert_eq!(chain(database, gone, now).await, Vec::<String>::new());
    }
    // One that was made at the moment when she went opens nothing either.
    add(database, "late", of_user(alice.id)).await;
    assert_eq!(chain(database, "late", now).await, Vec::<String>::new());
    let left = api_keys::list(database).await.expect("no failure");
    let left: Vec<_> = left.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(left, ["other", "late"]);
}

async fn a_key_ends_with_the_one_that_made_it(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, Timestamp::EPOCH);
    let first = add(database, "first", Owner::default()).await;
    let second = add(database, "second", of_key(first.id)).await;
    add(database, "third", of_key(second.id)).await;
    assert_eq!(chain(database, "third", now).await, ["third", "second", "first"]);
    assert!(api_keys::revoke(database, first.id).await.expect("no failure"));
    assert_eq!(api_keys::list(database).await.expect("no failure"), []);
    add(database, "late", of_key(first.id)).await;
    assert_eq!(chain(database, "late", now).await, Vec::<String>::new());
}

async fn a_key_ends_when_the_one_that_made_it_expires(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let end = bench.clock.now();
    let new = NewKey { expires_at: Some(end), ..new_key("maker", Owner::default()) };
    let maker = api_keys::add(database, &new, Timestamp::EPOCH).await.expect("added");
    add(database, "made", of_key(maker.id)).await;
    let before = Timestamp::from_millis(end.millis() - 1);
    assert_eq!(chain(database, "made", before).await, ["made", "maker"]);
    assert_eq!(chain(database, "made", end).await, Vec::<String>::new());
}

async fn a_key_of_the_file_takes_those_that_it_made_with_it(bench: &Bench) {
    let site = bench.site("la").await;
    let (database, now) = (&site.database, Timestamp::EPOCH);
    let file = [("file".to_owned(), "file".to_owned(), vec!["admin".to_owned()])];
    api_keys::replace_file_keys(database, &file, now).await.expect("replaced");
    let of_file = api_keys::list(database).await.expect("no failure").remove(0);
    assert_eq!((of_file.origin, of_file.owner), (Origin::File, Owner::default()));
    add(database, "made", of_key(of_file.id)).await;
    api_keys::replace_file_keys(database, &file, now).await.expect("replaced");
    assert_eq!(chain(database, "made", now).await, ["made", "file"]);
    api_keys::replace_file_keys(database, &[], now).await.expect("replaced");
    assert_eq!(api_keys::list(database).await.expect("no failure"), []);
}

async fn an_owner_has_a_bounded_number_of_keys(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let maker = add(database, "maker", Owner::default()).await;
    let hash = match bench.backend {
        Backend::Sqlite => "x'",
        Backend::Postgres => r"'\x",
    };
    let values: Vec<_> = (0..1_000)
        .map(|number| format!("('k', {hash}{number:08x}', '', 'database', 0, {})", maker.id))
        .collect();
    let insert = format!(
        "INSERT INTO api_keys (name, hash, scopes, origin, created_at, parent_id) VALUES {}",
        values.join(", ")
    );
    site.raw().await.execute(&insert).await;
    let one_more = api_keys::add(database, &new_key("k", of_key(maker.id)), Timestamp::EPOCH).await;
    let refused = one_more.expect_err("too many");
    assert!(matches!(refused, pakhus_db::Error::Refused(_)), "{refused}");
    add(database, "of another", Owner::default()).await;
}

async fn old_keys_are_forgotten(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let end = bench.clock.now();
    let new = NewKey { expires_at: Some(end), ..new_key("ended", Owner::default()) };
    let ended = api_keys::add(database, &new, Timestamp::EPOCH).await.expect("added");
    add(database, "stays", Owner::default()).await;
    api_keys::prune(database, end).await.expect("pruned");
    assert!(api_keys::get(database, ended.id).await.expect("no failure").is_some());
    api_keys::prune(database, Timestamp::from_millis(end.millis() + 1)).await.expect("pruned");
    let left = api_keys::list(database).await.expect("no failure");
    assert_eq!(left.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["stays"]);
}
