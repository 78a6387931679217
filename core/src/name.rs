//! Names of packages.

use serde::{Deserialize, Serialize};

/// The name of a package, as an adapter parsed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PackageName {
    key: String,
    display: String,
}

/// A text that cannot name a package of this type, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid package name: {0}")]
pub struct InvalidName(pub String);

impl PackageName {
    /// The longest key or display form, in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Makes a name. Two names with equal `key` are the same package; `display` is how people write
    /// it.
    ///
    /// # Errors
    /// When either is empty, longer than [`Self::MAX_BYTES`], has a control character, or a `.` or
    /// `..` between slashes. These hold for every package type, so that no adapter can forget them.
    pub fn new(
        key: impl Into<String>,
        display: impl Into<String>,
    ) -> std::result::Result<Self, InvalidName> {
        let (key, display) = (key.into(), display.into());
        for text in [&key, &display] {
            check_text(text, Self::MAX_BYTES).map_err(InvalidName)?;
            if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(InvalidName("an empty, `.` or `..` part".to_owned()));
            }
        }
        Ok(Self { key, display })
    }

    /// What identifies the package within its feed.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the package is of its adapter's own making, and belongs to others: its key begins with a
    /// dot. Such packages replicate as all do; lists and counts for people leave them out.
    #[must_use]
    pub fn is_companion(&self) -> bool {
        self.key.starts_with('.')
    }

    /// The name as it is shown.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }
}

/// Refuses texts that no identity may be: empty, too long, or with control characters.
pub(crate) fn check_text(text: &str, max_bytes: usize) -> std::result::Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > max_bytes {
        return Err(format!("it is longer than {max_bytes} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err("it has a control character".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused_whatever_the_adapter_says() {
        for name in ["", "..", "a/../b", "/a", "a/", "a\0b", "a\nb", &"x".repeat(256)] {
            assert!(PackageName::new(name, name).is_err(), "{name:?}");
        }
        assert!(PackageName::new("@scope/name", "@scope/name").is_ok());
    }
}
