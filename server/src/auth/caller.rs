//! Somebody who is known.

use std::net::IpAddr;

use pakhus_core::{FeedName, Identity};
use pakhus_db::api_keys::{ApiKey, KeyChain, Owner};
use pakhus_db::users::User;

use super::Network;
use crate::config::{Permission, Scope, ScopeFeed};

/// Who asks: a user, or the holder of an API key.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user, by password or by a key of theirs.
    user: Option<User>,
    /// The key that was shown, and those that it hangs from.
    keys: Vec<ApiKey>,
    /// What the user, and each of the keys, may do. All must cover it: nobody who made a key gives away
    /// more than they have, now, not when they made it.
    layers: Vec<Vec<Scope>>,
}

impl Caller {
    pub(crate) fn of_user(user: User) -> Self {
        let layers = vec![scopes(&user.scopes)];
        Self { user: Some(user), keys: Vec::new(), layers }
    }

    pub(super) fn of_keys(chain: KeyChain) -> Self {
        let KeyChain { keys, user } = chain;
        let own = keys
            .iter()
            // A key that has an owner, and no scopes, has those of the owner.
            .filter(|key| !key.scopes.is_empty() || key.owner == Owner::default())
            .map(|key| scopes(&key.scopes));
        let layers = own.chain(user.as_ref().map(|user| scopes(&user.scopes))).collect();
        Self { user, keys, layers }
    }

    /// The key that was shown.
    pub(crate) fn key(&self) -> Option<&ApiKey> {
        self.keys.first()
    }

    /// The user.
    pub(crate) const fn user(&self) -> Option<&User> {
        self.user.as_ref()
    }

    /// Who they are to others: a key with scopes of its own is somebody by itself, one without stands for
    /// its owner.
    pub(crate) fn identity(&self) -> Identity {
        let by_itself = self.keys.iter().find(|key| !key.scopes.is_empty());
        match (by_itself, &self.user) {
            (None, Some(user)) => {
                Identity { name: user.name.clone(), is_user: true, email: user.email.clone() }
            }
            (Some(key), _) => Identity { name: key.name.clone(), is_user: false, email: None },
            (None, None) => Identity {
                name: self.keys.last().map(|key| key.name.clone()).unwrap_or_default(),
                is_user: false,
                email: None,
            },
        }
    }

    /// Whether the caller has `permission` for the feed.
    pub(crate) fn may(&self, permission: Permission, feed: &FeedName) -> bool {
        let covered =
            |layer: &Vec<Scope>| layer.iter().any(|scope| covers(scope, permission, feed));
        (permission == Permission::View || !self.reads_only()) && self.layers.iter().all(covered)
    }

    /// Whether the caller has permission for everything.
    pub(crate) fn is_admin(&self) -> bool {
        !self.reads_only() && self.layers.iter().all(|layer| layer.contains(&Scope::Admin))
    }

    /// Whether the caller may change nothing, whatever the scopes say.
    pub(crate) fn reads_only(&self) -> bool {
        self.keys.iter().any(|key| key.read_only)
    }

    /// Whether all the keys may be used from the address.
    pub(super) fn may_come_from(&self, address: IpAddr) -> bool {
        let within = |network: &String| {
            network.parse::<Network>().is_ok_and(|network| network.contains(address))
        };
        let allows = |key: &ApiKey| key.networks.is_empty() || key.networks.iter().any(within);
        self.keys.iter().all(allows)
    }

    /// Whose keys are the caller's own: the user's, or those made by the key that they are to others.
    pub(crate) fn account(&self) -> Owner {
        let by_itself = self.keys.iter().find(|key| !key.scopes.is_empty());
        match (by_itself.or(self.keys.last()), &self.user) {
            (Some(key), _) if !key.scopes.is_empty() => Owner { user: None, parent: Some(key.id) },
            (_, Some(user)) => Owner { user: Some(user.id), parent: None },
            (Some(key), None) => Owner { user: None, parent: Some(key.id) },
            (None, None) => Owner::default(),
        }
    }

    /// Whose the keys are that the caller makes: the user's, unless the key that is shown is narrower
    /// than the user; those hang from it and end with it. `None` where such a chain gets too long.
    pub(crate) fn as_owner(&self) -> Option<Owner> {
        let user = self.user.as_ref().map(|user| user.id);
        let Some(shown) = self.key() else { return Some(Owner { user, parent: None }) };
        if user.is_some() && self.keys.iter().all(stands_for_its_owner) {
            return Some(Owner { user, parent: None });
        }
        let has_room = self.keys.len() < KeyChain::LONGEST;
        has_room.then_some(Owner { user, parent: Some(shown.id) })
    }
}

/// Whether a key may all that its owner may, from anywhere and without an end.
fn stands_for_its_owner(key: &ApiKey) -> bool {
    key.scopes.is_empty()
        && !key.read_only
        && key.networks.is_empty()
        && key.expires_at.is_none()
        && key.owner != Owner::default()
}

fn scopes(words: &[String]) -> Vec<Scope> {
    words.iter().filter_map(|scope| scope.parse().ok()).collect()
}

/// Whether a scope gives `permission` for the feed: `publish` and `delete` include `view`, `manage`
/// includes the others.
fn covers(scope: &Scope, permission: Permission, feed: &FeedName) -> bool {
    let Scope::On(given, of) = scope else { return true };
    let included =
        *given == permission || permission == Permission::View || *given == Permission::Manage;
    included
        && match of {
            ScopeFeed::All => true,
            ScopeFeed::One(of) => of == feed,
        }
}

#[cfg(test)]
mod tests {
    use pakhus_core::Timestamp;
    use pakhus_db::feeds::Origin;
    use pakhus_db::users::PasswordHash;

    use super::*;

    fn feed(name: &str) -> FeedName {
        name.parse().expect("a name")
    }

    fn words(scopes: &str) -> Vec<String> {
        scopes.split_whitespace().map(str::to_owned).collect()
    }

    fn key(id: i64, scopes: &str, owner: Owner) -> ApiKey {
        ApiKey {
            id,
            handle: String::new(),
            name: format!("key {id}"),
            scopes: words(scopes),
            read_only: false,
            networks: Vec::new(),
            owner,
            beginning: String::new(),
            origin: Origin::Database,
            created_at: Timestamp::EPOCH,
            expires_at: None,
            last_used_at: None,
        }
    }

    fn user(scopes: &str) -> User {
        User {
            id: 7,
            name: "alice".to_owned(),
            email: None,
            scopes: words(scopes),
            password: PasswordHash(String::new()),
            origin: Origin::Database,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    const OF_ALICE: Owner = Owner { user: Some(7), parent: None };

    fn of_alice(keys: Vec<ApiKey>) -> Caller {
        Caller::of_keys(KeyChain { keys, user: Some(user("publish:libs view:*")) })
    }

    #[test]
    fn a_scope_covers_its_feed_and_what_it_includes() {
        let covered = |scope: &str, permission, name: &str| {
            covers(&scope.parse().expect("a scope"), permission, &feed(name))
        };
        assert!(covered("publish:libs", Permission::Publish, "libs"));
        assert!(covered("publish:libs", Permission::View, "libs"));
        assert!(!covered("publish:libs", Permission::Delete, "libs"));
        assert!(!covered("publish:libs", Permission::Publish, "tools"));
        assert!(!covered("view:*", Permission::Publish, "libs"));
        assert!(covered("manage:*", Permission::Delete, "tools"));
        assert!(covered("admin", Permission::Manage, "tools"));
    }

    #[test]
    fn a_key_may_what_its_owner_may_and_no_more() {
        let login = of_alice(vec![key(1, "", OF_ALICE)]);
        assert!(login.may(Permission::Publish, &feed("libs")));
        assert!(!login.may(Permission::Publish, &feed("tools")) && !login.is_admin());
        let greedy = of_alice(vec![key(2, "admin", OF_ALICE)]);
        assert!(greedy.may(Permission::Publish, &feed("libs")) && !greedy.is_admin());
        assert!(!greedy.may(Permission::Delete, &feed("libs")));
        let narrow = of_alice(vec![key(3, "view:libs", OF_ALICE)]);
        assert!(narrow.may(Permission::View, &feed("libs")));
        assert!(!narrow.may(Permission::Publish, &feed("libs")));
        assert!(!narrow.may(Permission::View, &feed("tools")));
    }

    #[test]
    fn a_key_that_reads_only_is_no_admin_and_neither_are_those_it_made() {
        let reader = ApiKey { read_only: true, ..key(1, "admin", Owner::default()) };
        let made = key(2, "", Owner { user: None, parent: Some(1) });
        let caller = Caller::of_keys(KeyChain { keys: vec![made, reader], user: None });
        assert!(caller.may(Permission::View, &feed("libs")));
        assert!(!caller.may(Permission::Publish, &feed("libs")) && !caller.is_admin());
    }

    #[test]
    fn a_key_without_scopes_and_without_an_owner_may_nothing() {
        let caller =
            Caller::of_keys(KeyChain { keys: vec![key(1, "", Owner::default())], user: None });
        assert!(!caller.may(Permission::View, &feed("libs")) && !caller.is_admin());
    }

    #[test]
    fn who_it_is_to_others() {
        let name = |caller: Caller| caller.identity().name;
        assert_eq!(name(Caller::of_user(user(""))), "alice");
        assert_eq!(name(of_alice(vec![key(1, "", OF_ALICE)])), "alice");
        assert_eq!(name(of_alice(vec![key(1, "view:*", OF_ALICE)])), "key 1");
        let login = key(2, "", Owner { user: None, parent: Some(1) });
        let keys = vec![login, key(1, "admin", Owner::default())];
        assert_eq!(name(Caller::of_keys(KeyChain { keys, user: None })), "key 1");
    }

    #[test]
    fn keys_hang_from_a_key_that_is_narrower_than_its_user() {
        assert_eq!(Caller::of_user(user("")).as_owner(), Some(OF_ALICE));
        assert_eq!(of_alice(vec![key(1, "", OF_ALICE)]).as_owner(), Some(OF_ALICE));
        let hanging = Owner { user: Some(7), parent: Some(1) };
        assert_eq!(of_alice(vec![key(1, "view:*", OF_ALICE)]).as_owner(), Some(hanging));
        let ending = ApiKey { expires_at: Some(Timestamp::EPOCH), ..key(1, "", OF_ALICE) };
        assert_eq!(of_alice(vec![ending]).as_owner(), Some(hanging));
        let longest = (1..=8).map(|id| key(id, "", hanging)).collect();
        assert_eq!(of_alice(longest).as_owner(), Some(OF_ALICE));
        let longest = (1..=8).map(|id| key(id, "view:*", hanging)).collect();
        assert_eq!(of_alice(longest).as_owner(), None);
    }

    #[test]
    fn every_key_of_a_chain_says_from_where() {
        let home = ApiKey { networks: vec!["10.0.0.0/8".to_owned()], ..key(1, "", OF_ALICE) };
        let caller = of_alice(vec![key(2, "", Owner { user: Some(7), parent: Some(1) }), home]);
        assert!(caller.may_come_from(IpAddr::V4([10, 1, 2, 3].into())));
        assert!(!caller.may_come_from(IpAddr::V4([192, 0, 2, 1].into())));
    }
}
