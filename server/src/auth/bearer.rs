//! Tokens that a user is given for a password, for clients that show nothing else.

use pakhus_core::{Digest, Timestamp};
use pakhus_db::users::User;

/// What stands for nobody in particular: clients that must show a token, and have no credentials, are
/// given this.
pub(crate) const ANYBODY: &str = "anybody";

/// How many seconds a token is good for.
pub(crate) const LIFETIME: u32 = 3600;

/// What tokens begin with.
const PREFIX: &str = "pakhus-user.";

/// Makes a token for the user. It needs no storage, is good at every node, and ends with the password.
pub(crate) fn token(user: &User, now: Timestamp) -> String {
    let until = now.millis().saturating_add(i64::from(LIFETIME) * 1000);
    let seal = seal(user, until).hex();
    format!("{PREFIX}{until}.{seal}.{}", user.name)
}

/// The name of the user that a token says it is for; `None` when it is no token or too old.
pub(crate) fn name(token: &str, now: Timestamp) -> Option<&str> {
    let (until, _, name) = parts(token)?;
    (until > now.millis()).then_some(name)
}

/// Whether the token was made for the user, with the password that they have now.
pub(crate) fn is_of(token: &str, user: &User) -> bool {
    let Some((until, sealed, name)) = parts(token) else { return false };
    // What is compared are digests of both, so that the time it takes tells nothing.
    let right = Digest::of(seal(user, until).hex().as_bytes()) == Digest::of(sealed.as_bytes());
    right && name == user.name
}

fn parts(token: &str) -> Option<(i64, &str, &str)> {
    let (until, rest) = token.strip_prefix(PREFIX)?.split_once('.')?;
    let (sealed, name) = rest.split_once('.')?;
    Some((until.parse().ok()?, sealed, name))
}

/// Only who knows the salted hash of the password can make this.
fn seal(user: &User, until: i64) -> Digest {
    let until = until.to_be_bytes();
    Digest::of_parts(&[b"bearer", user.password.0.as_bytes(), user.name.as_bytes(), &until])
}

#[cfg(test)]
mod tests {
    use pakhus_db::feeds::Origin;
    use pakhus_db::users::PasswordHash;

    use super::*;

    fn user(name: &str, password: &str) -> User {
        User {
            id: 1,
            name: name.to_owned(),
            email: None,
            scopes: Vec::new(),
            password: PasswordHash(password.to_owned()),
            origin: Origin::Database,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    #[test]
    fn a_token_is_good_for_its_user_and_password_until_it_ends() {
        let alice = user("alice", "hash");
        let token = token(&alice, NOW);
        assert_eq!(name(&token, NOW), Some("alice"));
        assert!(is_of(&token, &alice));
        assert!(!is_of(&token, &user("alice", "another")) && !is_of(&token, &user("bob", "hash")));
        let end = Timestamp::from_millis(1_000 + i64::from(LIFETIME) * 1000);
        assert_eq!(name(&token, end), None);
    }

    #[test]
    fn a_token_that_was_changed_is_good_for_nobody() {
        let alice = user("alice", "hash");
        let token = token(&alice, NOW);
        assert!(!is_of(&token.replace("alice", "bob"), &user("bob", "hash")));
        assert!(!is_of(&token.replacen('3', "9", 1), &alice));
        for text in ["", ANYBODY, PREFIX, "pakhus-user.x.y.z"] {
            assert!(name(text, NOW).is_none() && !is_of(text, &alice), "{text}");
        }
    }
}
