//! What an answer is made of: versions of packages, with all that can be asked of one.

use std::sync::Arc;

use pakhus_core::{PackageContents, RecentDownloads, Result, VersionRecord};

use crate::metadata::VersionMetadata;
use crate::version;
use crate::view::View;

/// One version of a package.
#[derive(Debug)]
pub(super) struct Row {
    /// The id as it was first published.
    pub(super) id: Arc<str>,
    /// The URL of the feed as the client sees it.
    pub(super) base: Arc<str>,
    pub(super) record: VersionRecord,
    pub(super) metadata: VersionMetadata,
    pub(super) is_listed: bool,
    /// Whether it is the highest of the listed versions that are no pre-releases.
    pub(super) is_latest: bool,
    /// Whether it is the highest of the listed versions.
    pub(super) is_absolute_latest: bool,
    /// How often it was downloaded.
    pub(super) downloads: u64,
    /// How often any version of the package was downloaded.
    pub(super) package_downloads: u64,
}

impl Row {
    /// The versions of a package, in their order: without SemVer 2.0.0, those that clients from before
    /// it can read, and which of those is the latest.
    pub(super) fn of(
        contents: PackageContents,
        downloads: &RecentDownloads,
        base: &Arc<str>,
        semver2: bool,
    ) -> Result<Vec<Self>> {
        let view = View::of(&contents);
        let id: Arc<str> = view.id().into();
        let listed: Vec<_> =
            contents.versions.iter().map(|record| view.is_listed(&record.version)).collect();
        let mut rows = Vec::with_capacity(contents.versions.len());
        for (record, is_listed) in contents.versions.into_iter().zip(listed) {
            let metadata = VersionMetadata::of(&record)?;
            if metadata.nuspec.is_semver2 && !semver2 {
                continue;
            }
            rows.push(Self {
                id: Arc::clone(&id),
                base: Arc::clone(base),
                metadata,
                is_listed,
                is_latest: false,
                is_absolute_latest: false,
                package_downloads: downloads.total,
                downloads: downloads.by_version.get(record.version.key()).copied().unwrap_or(0),
                record,
            });
        }
        if let Some(row) = rows.iter_mut().rfind(|row| row.is_listed) {
            row.is_absolute_latest = true;
        }
        if let Some(row) = rows.iter_mut().rfind(|row| row.is_listed && !row.is_prerelease()) {
            row.is_latest = true;
        }
        Ok(rows)
    }

    /// Whether it is a pre-release.
    pub(super) fn is_prerelease(&self) -> bool {
        version::is_prerelease(&self.record.version)
    }

    /// The normalised version, which has no build metadata, in the case in which it was published.
    pub(super) fn normalized_version(&self) -> &str {
        let display = self.record.version.display();
        display.split_once('+').map_or(display, |(version, _)| version)
    }
}
