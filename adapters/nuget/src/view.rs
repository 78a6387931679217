//! A package as clients see it: which of its versions are listed, and which are the latest.

use std::collections::HashSet;

use pakhus_core::{LISTED, PackageContents, PackageVersion, Result, VersionRecord};

use crate::metadata::VersionMetadata;
use crate::version;

/// What of a package's records is shown. It follows from the contents alone.
pub(crate) struct View<'c> {
    pub(crate) contents: &'c PackageContents,
    unlisted: HashSet<&'c str>,
}

/// Which versions a client wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Pre-releases too.
    pub(crate) prerelease: bool,
    /// Those too that only clients of SemVer 2.0.0 can read.
    pub(crate) semver2: bool,
}

impl<'c> View<'c> {
    /// Puts the records together.
    pub(crate) fn of(contents: &'c PackageContents) -> Self {
        let unlisted = contents
            .attributes
            .iter()
            .filter(|attribute| attribute.name == LISTED)
            .filter_map(|attribute| attribute.version.as_deref())
            .collect();
        Self { contents, unlisted }
    }

    /// The id as it was first published, of the versions that there are: the same at every site.
    pub(crate) fn id(&self) -> &'c str {
        let versions = self.contents.versions.iter();
        let first = versions.min_by_key(|record| (record.published_at, record.version.key()));
        first.map_or(self.contents.package.name.display(), |record| record.name.display())
    }

    /// The version with this key.
    pub(crate) fn version(&self, key: &str) -> Option<&'c VersionRecord> {
        self.contents.versions.iter().find(|record| record.version.key() == key)
    }

    /// Whether a version is listed.
    pub(crate) fn is_listed(&self, version: &PackageVersion) -> bool {
        !self.unlisted.contains(version.key())
    }

    /// The versions, in their order, that clients can read; with SemVer 2.0.0, all.
    pub(crate) fn readable(&self, semver2: bool) -> Result<Vec<&'c VersionRecord>> {
        let mut readable = Vec::with_capacity(self.contents.versions.len());
        for record in &self.contents.versions {
            if semver2 || !VersionMetadata::of(record)?.nuspec.is_semver2 {
                readable.push(record);
            }
        }
        Ok(readable)
    }
}

impl Filter {
    /// All four, by [`Self::number`].
    pub(crate) const ALL: [Self; 4] = [
        Self { prerelease: false, semver2: false },
        Self { prerelease: true, semver2: false },
        Self { prerelease: false, semver2: true },
        Self { prerelease: true, semver2: true },
    ];

    /// Which of [`Self::ALL`] it is.
    pub(crate) fn number(self) -> usize {
        usize::from(self.prerelease) + 2 * usize::from(self.semver2)
    }

    /// Whether it lets a version pass.
    pub(crate) fn passes(self, version: &PackageVersion, is_semver2: bool) -> bool {
        (self.prerelease || !version::is_prerelease(version)) && (self.semver2 || !is_semver2)
    }
}
