//! What a feed holds: versions of packages, tags, attributes.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{BlobRef, PackageName, PackageVersion, Timestamp};

/// What an adapter keeps with a version: one JSON text that only the adapter reads. Its bytes are
/// kept and replicated as they were published, so every site derives the same documents from them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Metadata(Box<RawValue>);

impl Metadata {
    /// Serialises `value`.
    ///
    /// # Errors
    /// When `value` cannot be written as JSON.
    pub fn from_value(value: &impl Serialize) -> serde_json::Result<Self> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// Parses the text as `T`.
    ///
    /// # Errors
    /// When the text has another shape.
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_json())
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Metadata {}

/// One published version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRecord {
    /// The package.
    pub name: PackageName,
    /// The version.
    pub version: PackageVersion,
    /// What the adapter keeps with it.
    pub metadata: Metadata,
    /// The blobs it is made of, in the order in which replication copies them.
    pub blobs: Vec<BlobRef>,
    /// When it was published: at the site of the publisher where the package type syncs publish
    /// dates, else at this site.
    pub published_at: Timestamp,
}

/// A movable pointer from a package to a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The tag.
    pub name: String,
    /// The key of the version it points to. That version may be gone.
    pub version: String,
    /// When it was last moved.
    pub at: Timestamp,
}

/// A value that hangs on a package or on one of its versions, such as a deprecation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// What it is, in the adapter's words.
    pub name: String,
    /// The key of the version it hangs on; `None` for one of the package.
    pub version: Option<String>,
    /// Its value.
    pub value: Metadata,
    /// When it was last set.
    pub at: Timestamp,
}

/// What identifies one state of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The package.
    pub name: PackageName,
    /// Counts up with every change of the package at this site: a cache of what was derived from the
    /// package is good as long as the revision is the same. Differs between sites.
    pub revision: u64,
}

/// The attribute of a version that is not listed: found by no search and shown on no list, whatever its
/// package type. Its value is `false`.
pub const LISTED: &str = "listed";

/// All that a feed holds of one package.
#[derive(Debug, Clone)]
pub struct PackageContents {
    /// The package and its revision.
    pub package: Package,
    /// Its versions, in their order.
    pub versions: Vec<VersionRecord>,
    /// Its tags, by name.
    pub tags: Vec<Tag>,
    /// Its attributes and those of its versions.
    pub attributes: Vec<Attribute>,
    /// A digest over the states of all records of the package, tombstones included: equal at two
    /// sites when they hold the same.
    pub fingerprint: String,
    /// When anything of it last changed, by the clocks of the sites where it did.
    pub modified_at: Timestamp,
}
