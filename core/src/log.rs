//! The log of a feed, as adapters tell clients of it: what changed, in the order in which it did.

use crate::{PackageName, PackageVersion, Timestamp};

/// The last change of a version, or of an attribute of one. A version that changes again moves to the
/// end of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionChange {
    /// Its number in the feed's log.
    pub sequence: u64,
    /// When it came into the feed, by this site's clock, which may have been set back since.
    pub at: Timestamp,
    /// The package; none is a companion ([`PackageName::is_companion`]).
    pub name: PackageName,
    /// The version.
    pub version: PackageVersion,
    /// Whether the version is there.
    pub is_there: bool,
}

/// Some changes, and the latest time of any before them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionChanges {
    /// The latest time of a change before.
    pub before: Timestamp,
    /// The changes, in order.
    pub changes: Vec<VersionChange>,
}

/// A stretch of the log of so many numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogStretch {
    /// Which it is, counted from 0: of length 500, number 1 has the changes 501 to 1000.
    pub number: u64,
    /// How many changes are in it.
    pub count: u64,
    /// The number of the last of them.
    pub last: u64,
    /// The latest time of a change in it or before.
    pub latest: Timestamp,
}
