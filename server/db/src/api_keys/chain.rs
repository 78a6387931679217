//! A key that is shown, with those that it hangs from.

use pakhus_core::Timestamp;

use super::{ApiKey, find, get};
use crate::users::{self, User};
use crate::{Database, Result};

/// A key, and all that must hold for it to open anything.
#[derive(Debug, Clone)]
pub struct KeyChain {
    /// The key that was shown, then the one that made it, and so on.
    pub keys: Vec<ApiKey>,
    /// The user that they act for.
    pub user: Option<User>,
}

impl KeyChain {
    /// The most keys of a chain: no key that would make a longer one is made.
    pub const LONGEST: usize = 8;
}

/// The key that `secret` is, with all that it hangs from; `None` when it is none, or one of them is gone
/// or has expired.
///
/// # Errors
/// When the database fails.
pub async fn chain(database: &Database, secret: &str, now: Timestamp) -> Result<Option<KeyChain>> {
    let Some(shown) = find(database, secret, now).await? else { return Ok(None) };
    let user = match shown.owner.user {
        None => None,
        Some(id) => match users::get(database, id).await? {
            Some(user) => Some(user),
            None => return Ok(None),
        },
    };
    let mut parent = shown.owner.parent;
    let mut keys = vec![shown];
    while let Some(id) = parent {
        let maker = get(database, id).await?;
        let maker = maker.filter(|maker| maker.expires_at.is_none_or(|end| now < end));
        let Some(maker) = maker.filter(|_| keys.len() < KeyChain::LONGEST) else {
            return Ok(None);
        };
        parent = maker.owner.parent;
        keys.push(maker);
    }
    Ok(Some(KeyChain { keys, user }))
}
