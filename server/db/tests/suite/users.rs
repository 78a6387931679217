//! Users.

use pakhus_db::users::{self, NewUser, PasswordHash, User, UserChange};

use crate::bench::Bench;

on_both_backends!(
    a_user_is_found_by_name_and_number,
    a_name_is_taken_once,
    what_changes_changes_and_the_rest_stays,
    users_are_listed_by_name_page_by_page,
    a_deleted_user_is_gone_and_its_number_is_not_used_again,
);

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        email: Some(format!("{name}@example.org")),
        scopes: vec!["publish:libs".to_owned(), "view:*".to_owned()],
        password: PasswordHash("$argon2id$…".to_owned()),
    }
}

pub(crate) async fn make(bench: &Bench, database: &pakhus_db::Database, name: &str) -> User {
    let made = users::create(database, &new_user(name), bench.clock.now()).await;
    made.expect("no failure").expect("the name is free")
}

async fn a_user_is_found_by_name_and_number(bench: &Bench) {
    let site = bench.site("la").await;
    let alice = make(bench, &site.database, "alice").await;
    assert_eq!(alice.scopes, ["publish:libs", "view:*"]);
    assert!(!format!("{alice:?}").contains("argon2id"), "the hash is not printed");
    let found = users::find(&site.database, "alice").await.expect("no failure");
    assert_eq!(found.as_ref(), Some(&alice));
    assert_eq!(users::get(&site.database, alice.id).await.expect("no failure"), Some(alice));
    for other in ["Alice", "alic", ""] {
        assert_eq!(users::find(&site.database, other).await.expect("no failure"), None);
    }
}

async fn a_name_is_taken_once(bench: &Bench) {
    let site = bench.site("la").await;
    let first = make(bench, &site.database, "alice").await;
    let again = users::create(&site.database, &new_user("alice"), bench.clock.now()).await;
    assert_eq!(again.expect("no failure"), None);
    let all = users::list(&site.database, None, 10).await.expect("no failure");
    assert_eq!(all, [first]);
}

async fn what_changes_changes_and_the_rest_stays(bench: &Bench) {
    let site = bench.site("la").await;
    let before = make(bench, &site.database, "alice").await;
    let change = UserChange { email: Some(None), ..UserChange::default() };
    let now = bench.clock.now();
    let after = users::update(&site.database, before.id, change, now).await.expect("no failure");
    let after = after.expect("she is there");
    assert_eq!(after, User { email: None, updated_at: now, ..before.clone() });
    let change = UserChange {
        email: None,
        scopes: Some(vec!["admin".to_owned()]),
        password: Some(PasswordHash("other".to_owned())),
    };
    let after = users::update(&site.database, before.id, change, now).await.expect("no failure");
    let after = after.expect("she is there");
    assert_eq!((after.email, after.scopes), (None, vec!["admin".to_owned()]));
    assert_eq!(after.password.0, "other");
    let nobody = users::update(&site.database, before.id + 1, UserChange::default(), now).await;
    assert_eq!(nobody.expect("no failure"), None);
}

async fn users_are_listed_by_name_page_by_page(bench: &Bench) {
    let site = bench.site("la").await;
    for name in ["bob", "alice", "carol"] {
        make(bench, &site.database, name).await;
    }
    let page = async |after| {
        let page = users::list(&site.database, after, 2).await.expect("no failure");
        page.into_iter().map(|user| user.name).collect::<Vec<_>>()
    };
    assert_eq!(page(None).await, ["alice", "bob"]);
    assert_eq!(page(Some("bob")).await, ["carol"]);
}

async fn a_deleted_user_is_gone_and_its_number_is_not_used_again(bench: &Bench) {
    let site = bench.site("la").await;
    let first = make(bench, &site.database, "alice").await;
    assert!(users::delete(&site.database, "alice").await.expect("no failure"));
    assert!(!users::delete(&site.database, "alice").await.expect("no failure"));
    assert_eq!(users::get(&site.database, first.id).await.expect("no failure"), None);
    let second = make(bench, &site.database, "alice").await;
    assert!(second.id > first.id, "a key of the first would be one of the second");
}
