//! The keys of records.

use serde::{Deserialize, Serialize};

/// What a record is about. A feed is a map from keys to states; names, versions and tags are the keys
/// that the package type's adapter gave them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RecordKey {
    /// A version of a package.
    Version {
        /// The package.
        name: String,
        /// The version.
        version: String,
    },
    /// A tag of a package.
    Tag {
        /// The package.
        name: String,
        /// The tag.
        tag: String,
    },
    /// An attribute of a package, or of one of its versions.
    Attribute {
        /// The package.
        name: String,
        /// The version; absent for one of the package.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<String>,
        /// What it is: `[a-z-]+`.
        attribute: String,
    },
    /// The downloads of a version that one instance served.
    Downloads {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// The id of the instance.
        instance: String,
    },
}

/// The kinds of keys, as numbers that never change: they are stored and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// [`RecordKey::Version`].
    Version = 1,
    /// [`RecordKey::Tag`].
    Tag = 2,
    /// [`RecordKey::Attribute`].
    Attribute = 3,
    /// [`RecordKey::Downloads`].
    Downloads = 4,
}

impl RecordKey {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match self {
            Self::Version { .. } => KeyKind::Version,
            Self::Tag { .. } => KeyKind::Tag,
            Self::Attribute { .. } => KeyKind::Attribute,
            Self::Downloads { .. } => KeyKind::Downloads,
        }
    }

    /// The package.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Version { name, .. }
            | Self::Tag { name, .. }
            | Self::Attribute { name, .. }
            | Self::Downloads { name, .. } => name,
        }
    }

    /// The version of the package that it is about, if it is about one.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Version { version, .. } | Self::Downloads { version, .. } => Some(version),
            Self::Attribute { version, .. } => version.as_deref(),
            Self::Tag { .. } => None,
        }
    }

    /// What tells the key from others of its kind and package, in one text. Attributes and instance
    /// ids have no slash, so the text takes apart again.
    #[must_use]
    pub fn item(&self) -> String {
        match self {
            Self::Version { version, .. } => version.clone(),
            Self::Tag { tag, .. } => tag.clone(),
            Self::Attribute { version, attribute, .. } => {
                format!("{attribute}/{}", version.as_deref().unwrap_or_default())
            }
            Self::Downloads { version, instance, .. } => format!("{instance}/{version}"),
        }
    }

    /// Puts a key together from what [`Self::kind`], [`Self::name`] and [`Self::item`] gave; `None`
    /// when no key gives these.
    #[must_use]
    pub fn from_parts(kind: u8, name: &str, item: &str) -> Option<Self> {
        let name = name.to_owned();
        if kind == KeyKind::Version as u8 {
            return Some(Self::Version { name, version: item.to_owned() });
        }
        if kind == KeyKind::Tag as u8 {
            return Some(Self::Tag { name, tag: item.to_owned() });
        }
        let (first, version) = item.split_once('/')?;
        let (first, version) = (first.to_owned(), version.to_owned());
        if kind == KeyKind::Attribute as u8 {
            let version = (!version.is_empty()).then_some(version);
            Some(Self::Attribute { name, version, attribute: first })
        } else if kind == KeyKind::Downloads as u8 {
            Some(Self::Downloads { name, version, instance: first })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_survives_being_taken_apart(
            kind in 0_usize..4,
            name in "[a-z@/]{1,8}",
            version in "[0-9.+a-z-]{1,8}",
            text in "[a-z-]{1,8}",
            whole_package: bool,
        ) {
            let key = match kind {
                0 => RecordKey::Version { name, version },
                1 => RecordKey::Tag { name, tag: version },
                2 => RecordKey::Attribute {
                    name,
                    version: (!whole_package).then_some(version),
                    attribute: text,
                },
                _ => RecordKey::Downloads { name, version, instance: text },
            };
            let parts = RecordKey::from_parts(key.kind() as u8, key.name(), &key.item());
            prop_assert_eq!(parts, Some(key));
        }
    }
}
