//! Secrets: sync tokens and API keys, which no log and no debug print may show.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::environment::Environment;

/// A secret. Its debug form is redacted, and it has no other.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Takes a secret.
    ///
    /// # Errors
    /// When it is empty, or has a character that no HTTP header can carry.
    pub(crate) fn new(text: impl Into<String>) -> Result<Self, &'static str> {
        let text = text.into();
        if text.is_empty() {
            Err("it is empty")
        } else if !text.chars().all(|c| c.is_ascii_graphic()) {
            Err("it has a space, a line break or a character beyond ASCII")
        } else {
            Ok(Self(text))
        }
    }

    /// The secret itself, for where it is sent or compared.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is: written down right here, in an environment variable (`env:NAME`), or in a file
/// (`file:PATH`, whose content is trimmed).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// Right here.
    Literal(Secret),
    /// In the environment variable of this name.
    Variable(String),
    /// In this file.
    File(PathBuf),
}

impl SecretSource {
    /// Fetches the secret. Relative paths are relative to `folder`.
    ///
    /// # Errors
    /// One sentence that says what is missing.
    pub(crate) fn resolve(
        &self,
        folder: &Path,
        environment: &Environment,
    ) -> Result<Secret, String> {
        match self {
            Self::Literal(secret) => Ok(secret.clone()),
            Self::Variable(name) => {
                let value = environment
                    .get(name)
                    .ok_or_else(|| format!("the environment variable `{name}` is not set"))?;
                Secret::new(value.trim())
                    .map_err(|reason| format!("the environment variable `{name}`: {reason}"))
            }
            Self::File(path) => {
                let path = folder.join(path);
                let text = std::fs::read_to_string(&path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                Secret::new(text.trim()).map_err(|reason| format!("{}: {reason}", path.display()))
            }
        }
    }
}

impl FromStr for SecretSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", "")) => Err("`env:` needs the name of a variable after it".to_owned()),
            Some(("env", name)) => Ok(Self::Variable(name.to_owned())),
            Some(("file", "")) => Err("`file:` needs a path after it".to_owned()),
            Some(("file", path)) => Ok(Self::File(PathBuf::from(path))),
            _ => Secret::new(text)
                .map(Self::Literal)
                .map_err(|reason| format!("this is no secret: {reason}")),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug_output() {
        let source: SecretSource = "hunter2".parse().expect("a secret");
        assert!(!format!("{source:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_is_found_where_its_source_says() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("hub.token"), "from-file\n").expect("written");
        let environment = Environment::from_iter([("TOKEN", "from-env")]);
        for (source, secret) in
            [("literal", "literal"), ("env:TOKEN", "from-env"), ("file:hub.token", "from-file")]
        {
            let source: SecretSource = source.parse().expect("a source");
            let found = source.resolve(folder.path(), &environment).expect("found");
            assert_eq!(found.expose(), secret);
        }
    }

    #[test]
    fn a_secret_that_no_header_can_carry_is_refused() {
        for text in ["", "two words", "line\nbreak", "Grüße"] {
            assert!(Secret::new(text).is_err(), "{text}");
        }
    }
}
