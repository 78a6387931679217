//! Values of properties and expressions, and how they compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use pakhus_core::{PackageVersion, Timestamp};

/// What a value is, as far as comparing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Boolean,
    Number,
    Moment,
    Text,
    /// A version: ordered as versions are, not as texts.
    Version,
}

/// The value of a property or of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Boolean(bool),
    Number(i64),
    Moment(Timestamp),
    Text(Cow<'a, str>),
    Version {
        /// As it is written.
        text: Cow<'a, str>,
        /// What it compares as.
        version: Cow<'a, PackageVersion>,
    },
}

impl<'a> Value<'a> {
    /// A text that is there, or nothing.
    pub(super) fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.into()))
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::Boolean(_) => Kind::Boolean,
            Self::Number(_) => Kind::Number,
            Self::Moment(_) => Kind::Moment,
            Self::Text(_) => Kind::Text,
            Self::Version { .. } => Kind::Version,
        }
    }

    /// Whether it is true. What is not there is not.
    pub(super) fn is_true(&self) -> bool {
        *self == Self::Boolean(true)
    }

    /// The text of a text or a version; nothing of anything else.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Version { text, .. } => Some(text),
            _ => None,
        }
    }

    /// How it compares to a value of the same kind; nothing compares only to itself. Texts compare
    /// without regard to case, as in the database of the public gallery: people type names of packages
    /// in any case.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Boolean(one), Self::Boolean(two)) => Some(one.cmp(two)),
            (Self::Number(one), Self::Number(two)) => Some(one.cmp(two)),
            (Self::Moment(one), Self::Moment(two)) => Some(one.cmp(two)),
            (Self::Text(one), Self::Text(two)) => Some(folded(one).cmp(folded(two))),
            (Self::Version { version: one, .. }, Self::Version { version: two, .. }) => {
                Some(one.cmp(two))
            }
            _ => None,
        }
    }

    /// The order in which rows with these values are listed: nothing first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.compare(other).unwrap_or_else(|| (*other == Self::Null).cmp(&(*self == Self::Null)))
    }
}

/// The characters of a text, with no regard to case.
pub(super) fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}
