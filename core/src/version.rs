//! Versions of packages, and keys that order as versions do.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::name::check_text;

/// A version, as an adapter parsed it. Ordered as its ecosystem orders versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageVersion {
    key: String,
    display: String,
    sort_key: SortKey,
}

/// A text that is no version of this package type, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid version: {0}")]
pub struct InvalidVersion(pub String);

impl PackageVersion {
    /// The longest key or display form, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Makes a version. Two versions with equal `key` are the same version.
    ///
    /// # Errors
    /// When either text is empty, longer than [`Self::MAX_BYTES`], or has a control character or a
    /// slash.
    pub fn new(
        key: impl Into<String>,
        display: impl Into<String>,
        sort_key: SortKey,
    ) -> std::result::Result<Self, InvalidVersion> {
        let (key, display) = (key.into(), display.into());
        for text in [&key, &display] {
            check_text(text, Self::MAX_BYTES).map_err(InvalidVersion)?;
            if text.contains('/') || text == "." || text == ".." {
                return Err(InvalidVersion("it looks like a path".to_owned()));
            }
        }
        Ok(Self { key, display, sort_key })
    }

    /// What identifies the version within its package.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The version as it is shown.
    #[must_use]
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Bytes that order as the versions do.
    #[must_use]
    pub fn sort_key(&self) -> &SortKey {
        &self.sort_key
    }
}

impl PartialOrd for PackageVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PackageVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.sort_key.cmp(&other.sort_key).then_with(|| self.key.cmp(&other.key))
    }
}

/// Bytes whose order is the order of the versions they stand for, so that a database can sort
/// versions of any package type.
///
/// A number is its count of digits and then the digits. After the numbers stands [`RELEASE`], or the
/// pre-release fields (each [`NUMERIC`] or [`TEXT`] and its value) closed by [`END`]: as SemVer 2.0.0
/// section 11 says, a pre-release comes before its release, numeric fields before texts, and a longer
/// list of equal fields after a shorter one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SortKey(Vec<u8>);

const END: u8 = 0x00;
const NUMERIC: u8 = 0x01;
const TEXT: u8 = 0x02;
const RELEASE: u8 = 0x03;

impl SortKey {
    /// The longest key kept, in bytes, as MySQL indexes allow; what is longer is cut off.
    pub const MAX_BYTES: usize = 255;

    /// Takes bytes that an adapter ordered by rules of its own.
    #[must_use]
    pub fn from_bytes(mut bytes: Vec<u8>) -> Self {
        bytes.truncate(Self::MAX_BYTES);
        Self(bytes)
    }

    /// Makes the key of a version of `numbers` and dot-separated `pre_release` fields (empty for a
    /// release), each compared as SemVer 2.0.0 section 11 says.
    #[must_use]
    pub fn of_numbers(numbers: &[u64], pre_release: &str) -> Self {
        let mut bytes = Vec::with_capacity(16);
        for number in numbers {
            push_number(&mut bytes, &number.to_string());
        }
        if pre_release.is_empty() {
            bytes.push(RELEASE);
        } else {
            for field in pre_release.split('.') {
                if !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()) {
                    bytes.push(NUMERIC);
                    let digits = field.trim_start_matches('0');
                    push_number(&mut bytes, if digits.is_empty() { "0" } else { digits });
                } else {
                    bytes.push(TEXT);
                    bytes.extend_from_slice(field.as_bytes());
                    bytes.push(END);
                }
            }
            bytes.push(END);
        }
        Self::from_bytes(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn push_number(bytes: &mut Vec<u8>, digits: &str) {
    bytes.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(digits.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use semver::Version;

    use super::*;

    fn key(version: &Version) -> SortKey {
        SortKey::of_numbers(&[version.major, version.minor, version.patch], version.pre.as_str())
    }

    #[test]
    fn the_example_of_semver_section_11_is_in_order() {
        let versions = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.9.0",
            "1.10.0",
            "10.0.0",
        ];
        let keys: Vec<_> =
            versions.iter().map(|version| key(&version.parse().expect("a version"))).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    proptest! {
        #[test]
        fn keys_order_as_semver_does(
            a in "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.[0-9](-(0|[1-9][0-9]{0,2}|[a-c]{1,2}-?)(\\.(0|[1-9]|[a-c-]{1,3})){0,2})?",
            b in "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.[0-9](-(0|[1-9][0-9]{0,2}|[a-c]{1,2}-?)(\\.(0|[1-9]|[a-c-]{1,3})){0,2})?",
        ) {
            let (a, b): (Version, Version) = (a.parse().expect("a version"), b.parse().expect("a version"));
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp_precedence(&b));
        }
    }
}
