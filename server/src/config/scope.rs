//! What an API key may do.

use std::fmt;
use std::str::FromStr;

use pakhus_core::FeedName;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One thing that an API key may do: `admin`, or a permission on a feed (`publish:libs`) or on all of
/// them (`view:*`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// Everything.
    Admin,
    /// One permission.
    On(Permission, ScopeFeed),
}

/// A permission on a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Permission {
    /// Reads packages.
    View,
    /// Adds versions, moves tags.
    Publish,
    /// Removes versions and tags.
    Delete,
    /// Changes the feed's settings.
    Manage,
}

/// The feeds that a scope is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ScopeFeed {
    /// Every feed, those to come too.
    All,
    /// This one.
    One(FeedName),
}

/// A text that is no [`Scope`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no scope: write `admin`, or one of view, publish, delete and manage with a feed or `*`, like `publish:libs` or `view:*`"
)]
pub(crate) struct InvalidScope(String);

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::View => "view",
            Self::Publish => "publish",
            Self::Delete => "delete",
            Self::Manage => "manage",
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::On(permission, ScopeFeed::All) => write!(f, "{permission}:*"),
            Self::On(permission, ScopeFeed::One(feed)) => write!(f, "{permission}:{feed}"),
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidScope(text.chars().take(80).collect());
        if text == "admin" {
            return Ok(Self::Admin);
        }
        let (permission, feed) = text.split_once(':').ok_or_else(invalid)?;
        let permission = match permission {
            "view" => Permission::View,
            "publish" => Permission::Publish,
            "delete" => Permission::Delete,
            "manage" => Permission::Manage,
            _ => return Err(invalid()),
        };
        let feed = match feed {
            "*" => ScopeFeed::All,
            name => ScopeFeed::One(name.parse().map_err(|_| invalid())?),
        };
        Ok(Self::On(permission, feed))
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_admin_or_a_permission_on_feeds() {
        for text in ["admin", "view:*", "publish:libs", "delete:a.b", "manage:*"] {
            assert_eq!(text.parse::<Scope>().expect("a scope").to_string(), text);
        }
        for text in ["", "publish", "publish:", "read:libs", "view:Libs", "admin:*", "view:a:b"] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }
}
