//! Changes of a feed: the one way in which anything gets into it.

use crate::{BlobRef, Metadata, PackageName, PackageVersion};

/// One atomic change of a feed. Either all its edits happen, each with its line in the change log, or
/// none does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What must hold for the change to happen.
    pub preconditions: Vec<Precondition>,
    /// What happens, in order.
    pub edits: Vec<Edit>,
}

/// What must hold when a change is made, checked in its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The package's [`crate::PackageContents::fingerprint`] is still this one.
    Fingerprint {
        /// The package.
        name: PackageName,
        /// What the fingerprint must be.
        fingerprint: String,
    },
}

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A version appears. Refused as a conflict when it is there already.
    Publish(NewVersion),
    /// A tag points to a version, which must be there.
    SetTag {
        /// The package.
        name: PackageName,
        /// The tag.
        tag: String,
        /// The version.
        version: PackageVersion,
        /// Whether a tag that already points to a version that is there stays as it is.
        only_if_absent: bool,
    },
    /// A tag is gone. No error when it was not there.
    RemoveTag {
        /// The package.
        name: PackageName,
        /// The tag.
        tag: String,
    },
    /// An attribute has a value, or none any more.
    SetAttribute {
        /// The package.
        name: PackageName,
        /// The version it hangs on; `None` for one of the package.
        version: Option<PackageVersion>,
        /// What it is: `[a-z-]+`.
        attribute: String,
        /// The value; `None` removes it.
        value: Option<Metadata>,
    },
    /// A version is gone. Refused as not found when it is not there.
    Delete {
        /// The package.
        name: PackageName,
        /// The version.
        version: PackageVersion,
    },
}

/// A version to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: PackageVersion,
    /// What the adapter keeps with it.
    pub metadata: Metadata,
    /// Its blobs, all of them stored already.
    pub blobs: Vec<BlobRef>,
}

/// A change that happened and is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The feed's sequence number after the change.
    pub sequence: u64,
}
