//! Names of feeds, and what a feed lets clients do to versions that are there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// The name of a feed: `[a-z0-9][a-z0-9._-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FeedName(String);

/// What a feed lets clients do to versions that are there. Only some package types leave that to the
/// feed ([`crate::Capabilities::has_policy`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedPolicy {
    /// What becomes of a version that a client deletes.
    pub deletes: Deletes,
    /// Whether a push replaces a version that is there, which else is refused.
    pub overwrite: bool,
}

/// What becomes of a version that a client deletes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletes {
    /// It stays for those who depend on it, and is found by nobody else.
    #[default]
    Unlist,
    /// It goes.
    Remove,
}

/// A text that cannot name a feed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a feed: use 1 to 63 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or digit"
)]
pub struct InvalidFeedName(String);

impl FeedName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FeedName {
    type Err = InvalidFeedName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if starts && text.len() <= 63 && text.chars().all(inside) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidFeedName(text.chars().take(80).collect()))
        }
    }
}

impl<'de> Deserialize<'de> for FeedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for name in ["a", "0", "libs", "a.b_c-d", &"x".repeat(63)] {
            assert!(name.parse::<FeedName>().is_ok(), "{name}");
        }
        for name in ["", ".a", "-a", "_a", "A", "a/b", "a b", "ä", &"x".repeat(64)] {
            assert!(name.parse::<FeedName>().is_err(), "{name}");
        }
    }
}
