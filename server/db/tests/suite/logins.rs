//! Sign-ins that are under way in a browser.

use pakhus_core::Timestamp;
use pakhus_db::api_keys::{self, Owner};
use pakhus_db::logins::{self, NewLogin, Polled};

use crate::bench::Bench;
use crate::users::make;

on_both_backends!(
    a_client_waits_until_somebody_says_who_they_are_and_gets_one_key,
    two_that_ask_at_once_get_one_key,
    a_sign_in_ends_after_its_time,
    no_table_holds_the_secrets_of_a_sign_in,
    sign_ins_under_way_are_bounded_for_each_address,
);

fn new_login(number: u32, expires_at: Timestamp) -> NewLogin {
    NewLogin {
        page: format!("page {number}"),
        poll: format!("poll {number}"),
        label: "npm login".to_owned(),
        package_type: "npm".to_owned(),
        feed: "libs".to_owned(),
        address: "192.0.2.1".to_owned(),
        expires_at,
    }
}

const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

async fn a_client_waits_until_somebody_says_who_they_are_and_gets_one_key(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let alice = make(bench, database, "alice").await;
    let owner = Owner { user: Some(alice.id), parent: None };
    assert!(logins::begin(database, &new_login(1, at(100)), at(0)).await.expect("no failure"));
    let page = logins::of_page(database, "page 1", at(1)).await.expect("no failure");
    let page = page.expect("it was begun");
    assert_eq!((page.feed.as_str(), page.address.as_str()), ("libs", "192.0.2.1"));
    assert!(!page.is_approved);
    let poll =
        async |poll, secret| logins::poll(database, poll, secret, at(1)).await.expect("no failure");
    assert_eq!(poll("poll 1", "s").await, Polled::Waiting);
    // The secret of the one is none of the other.
    assert_eq!(poll("page 1", "s").await, Polled::Unknown);
    assert!(!logins::approve(database, "poll 1", owner, at(1)).await.expect("no failure"));
    assert!(logins::approve(database, "page 1", owner, at(1)).await.expect("no failure"));
    assert!(!logins::approve(database, "page 1", owner, at(1)).await.expect("no failure"));
    let Polled::Made(key) = poll("poll 1", "s").await else { panic!("a key") };
    assert_eq!((key.name.as_str(), key.owner), ("npm login", owner));
    assert_eq!(api_keys::find(database, "s", at(1)).await.expect("no failure"), Some(*key));
    assert_eq!(poll("poll 1", "t").await, Polled::Unknown);
    assert_eq!(logins::of_page(database, "page 1", at(1)).await.expect("no failure"), None);
}

async fn two_that_ask_at_once_get_one_key(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let alice = make(bench, database, "alice").await;
    let owner = Owner { user: Some(alice.id), parent: None };
    for number in 0..5 {
        logins::begin(database, &new_login(number, at(100)), at(0)).await.expect("no failure");
        let page = format!("page {number}");
        assert!(logins::approve(database, &page, owner, at(1)).await.expect("no failure"));
        let poll = format!("poll {number}");
        let secrets = [format!("{number} a"), format!("{number} b")];
        let (one, two) = tokio::join!(
            logins::poll(database, &poll, &secrets[0], at(1)),
            logins::poll(database, &poll, &secrets[1], at(1)),
        );
        let answers = [one.expect("no failure"), two.expect("no failure")];
        let made = answers.iter().filter(|answer| matches!(answer, Polled::Made(_))).count();
        assert_eq!(made, 1, "{answers:?}");
    }
    assert_eq!(api_keys::list(database).await.expect("no failure").len(), 5);
}

async fn a_sign_in_ends_after_its_time(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let owner = Owner { user: Some(1), parent: None };
    logins::begin(database, &new_login(1, at(100)), at(0)).await.expect("no failure");
    assert_eq!(logins::of_page(database, "page 1", at(100)).await.expect("no failure"), None);
    assert!(!logins::approve(database, "page 1", owner, at(100)).await.expect("no failure"));
    let polled = logins::poll(database, "poll 1", "s", at(100)).await.expect("no failure");
    assert_eq!(polled, Polled::Unknown);
    // The next that begins removes it.
    logins::begin(database, &new_login(2, at(200)), at(100)).await.expect("no failure");
    assert_eq!(site.raw().await.dump("logins").await.len(), 1);
}

async fn no_table_holds_the_secrets_of_a_sign_in(bench: &Bench) {
    let site = bench.site("la").await;
    logins::begin(&site.database, &new_login(1, at(100)), at(0)).await.expect("no failure");
    let dump = site.raw().await.dump("logins").await;
    for secret in ["page 1", "poll 1"] {
        let hex = pakhus_core::digest::hex(secret.as_bytes());
        let tells = dump.iter().any(|row| row.contains(secret) || row.contains(&hex));
        assert!(!tells, "{secret}: {dump:?}");
    }
}

async fn sign_ins_under_way_are_bounded_for_each_address(bench: &Bench) {
    let site = bench.site("la").await;
    let database = &site.database;
    let begin =
        async |new: NewLogin, now| logins::begin(database, &new, now).await.expect("no failure");
    for number in 0..50 {
        assert!(begin(new_login(number, at(100)), at(0)).await);
    }
    assert!(!begin(new_login(50, at(100)), at(0)).await);
    let elsewhere = NewLogin { address: "192.0.2.2".to_owned(), ..new_login(51, at(100)) };
    assert!(begin(elsewhere, at(0)).await);
    assert!(begin(new_login(52, at(200)), at(100)).await, "those before are over");
}
