//! What users may be called, where they are written to, and which passwords they may have.

use std::fmt;
use std::str::FromStr;

/// The name of a user: ASCII that stands in URLs as it is, in lower case, at most 214 characters, not
/// starting with a dot (the rules of the package `npm-user-validate`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserName(String);

/// An address of e-mail (by the rule of the package `npm-user-validate`: something, an `@`, and something
/// with a dot in it, at most 254 characters).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Email(String);

/// A password that somebody wants to have: at least 8 characters (NIST SP 800-63B section 5.1.1.1).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NewPassword(String);

/// A text that will not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidUser {
    #[error(
        "`{0}` cannot name a user: use 1 to 214 of a-z, 0-9, `.`, `_` and `-`, not starting with a dot"
    )]
    Name(String),
    #[error("`{0}` is no address of e-mail: write one like `alice@example.org`")]
    Email(String),
    #[error("a password needs at least 8 characters, and at most 1000")]
    Password,
}

impl UserName {
    /// The name as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = InvalidUser;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let fits = (1..=214).contains(&text.len()) && text.chars().all(fits);
        if fits && !text.starts_with('.') {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUser::Name(text.chars().take(80).collect()))
        }
    }
}

impl Email {
    /// The address as text.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl FromStr for Email {
    type Err = InvalidUser;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = || {
            let (local, domain) = text.split_once('@')?;
            let (host, ending) = domain.rsplit_once('.')?;
            let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
            (plain && !local.is_empty() && !host.is_empty() && !ending.is_empty()).then_some(())
        };
        if text.len() <= 254 && fits().is_some() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUser::Email(text.chars().take(80).collect()))
        }
    }
}

impl NewPassword {
    /// The password.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for NewPassword {
    type Err = InvalidUser;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.chars().count() < 8 || text.len() > 1_000 {
            return Err(InvalidUser::Password);
        }
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_npm_takes_and_that_stand_in_urls() {
        for name in ["alice", "a", "a.b-c_d", "0", "-a", &"x".repeat(214)] {
            assert!(name.parse::<UserName>().is_ok(), "{name}");
        }
        for name in ["", ".a", "Alice", "a b", "a:b", "a/b", "ä", "a'b", &"x".repeat(215)] {
            assert!(name.parse::<UserName>().is_err(), "{name}");
        }
    }

    #[test]
    fn addresses_and_passwords_are_checked() {
        for email in ["a@b.c", "alice+npm@mail.example.org"] {
            assert!(email.parse::<Email>().is_ok(), "{email}");
        }
        for email in ["", "a", "a@b", "@b.c", "a@.c", "a@b.", "a b@c.d", "a@b.c\r\nx"] {
            assert!(email.parse::<Email>().is_err(), "{email}");
        }
        assert!("passw0rd".parse::<NewPassword>().is_ok());
        assert!("pässwör".parse::<NewPassword>().is_err());
    }
}
