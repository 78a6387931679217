//! Ranges of versions as node's `semver` reads them: `^1.2.0`, `1.x || >=2.5.0`, `1.2.3 - 2.0.0`.
//!
//! A range is a list of alternatives, each a list of comparators that all must hold. The source of
//! the rules is `classes/range.js` and `classes/comparator.js` of npm/node-semver 7.8.5.

mod parse;
#[cfg(test)]
mod tests;

use crate::node_version::NodeVersion;

/// How ranges are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Take versions in their old forms, and pass over what is no comparator.
    pub(crate) loose: bool,
    /// Let pre-releases satisfy ranges that name none.
    pub(crate) include_pre_release: bool,
}

impl Options {
    /// As clients read what a user or a manifest asks for.
    pub(crate) const CLIENT: Self = Self { loose: true, include_pre_release: false };
}

/// A range: never empty, and so are its alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    alternatives: Vec<Vec<Comparator>>,
}

/// One bound of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Comparator {
    /// Every version.
    Any,
    Bound(Operator, NodeVersion),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
}

impl Range {
    /// Parses a range; `None` when it is none. Its length is bounded, and with it the time.
    pub(crate) fn parse(text: &str, options: Options) -> Option<Self> {
        parse::alternatives(text, options).map(|alternatives| Self { alternatives })
    }

    /// Whether it is `*`.
    pub(crate) fn is_everything(&self) -> bool {
        matches!(self.alternatives.as_slice(), [comparators] if *comparators == [Comparator::Any])
    }

    /// Whether `version` is in the range.
    pub(crate) fn is_satisfied_by(&self, version: &NodeVersion, options: Options) -> bool {
        self.alternatives.iter().any(|comparators| {
            comparators.iter().all(|comparator| comparator.holds(version))
                && (version.pre_release.is_empty()
                    || options.include_pre_release
                    || comparators.iter().any(|comparator| comparator.names(version)))
        })
    }
}

impl Comparator {
    fn holds(&self, version: &NodeVersion) -> bool {
        match self {
            Self::Any => true,
            Self::Bound(Operator::Less, bound) => version < bound,
            Self::Bound(Operator::LessOrEqual, bound) => version <= bound,
            Self::Bound(Operator::Greater, bound) => version > bound,
            Self::Bound(Operator::GreaterOrEqual, bound) => version >= bound,
            Self::Bound(Operator::Equal, bound) => version == bound,
        }
    }

    /// Whether it is a pre-release of the same release: who names one wants to see others.
    fn names(&self, version: &NodeVersion) -> bool {
        match self {
            Self::Any => false,
            Self::Bound(_, bound) => {
                !bound.pre_release.is_empty() && bound.numbers == version.numbers
            }
        }
    }

    /// Whether no version satisfies it: it is below the lowest one.
    fn is_nothing(&self) -> bool {
        NodeVersion::lowest([0; 3])
            .is_some_and(|lowest| *self == Self::Bound(Operator::Less, lowest))
    }
}
