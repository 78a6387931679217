//! Where clients find things: addresses below the feed's URL as the client sees it.

use pakhus_core::PackageVersion;

/// One of the sets of documents that describe packages with all their versions. They differ in what
/// clients can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hive {
    /// Without what only clients of SemVer 2.0.0 can read.
    SemVer1,
    /// The same; at the public gallery, always compressed.
    SemVer1Gzip,
    /// All; at the public gallery, always compressed.
    SemVer2,
}

impl Hive {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::SemVer1, Self::SemVer1Gzip, Self::SemVer2];

    /// Its part of the path.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            Self::SemVer1 => "registration",
            Self::SemVer1Gzip => "registration-gz",
            Self::SemVer2 => "registration-gz-semver2",
        }
    }

    /// Whether it has versions that only clients of SemVer 2.0.0 can read.
    pub(crate) const fn has_semver2(self) -> bool {
        matches!(self, Self::SemVer2)
    }
}

/// The files of a package that are served one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The nuspec.
    Nuspec,
    /// The icon.
    Icon,
    /// The readme.
    Readme,
    /// The licence.
    License,
}

/// Addresses below one URL of the feed. Ids are keys: in lower case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Urls<'a> {
    /// The URL of the feed, without a trailing slash.
    pub(crate) base: &'a str,
}

impl Urls<'_> {
    /// The folder of package files, with a trailing slash: clients put paths behind it.
    pub(crate) fn flat(&self) -> String {
        format!("{}/v3/flat/", self.base)
    }

    /// The folder of a hive, with a trailing slash.
    pub(crate) fn hive(&self, hive: Hive) -> String {
        format!("{}/v3/{}/", self.base, hive.folder())
    }

    /// The document of a package.
    pub(crate) fn registration(&self, hive: Hive, id: &str) -> String {
        format!("{}{id}/index.json", self.hive(hive))
    }

    /// The document of a version.
    pub(crate) fn leaf(&self, hive: Hive, id: &str, version: &PackageVersion) -> String {
        format!("{}{id}/{}.json", self.hive(hive), version.key())
    }

    /// The document of what a version's nuspec says.
    pub(crate) fn details(&self, id: &str, version: &PackageVersion) -> String {
        format!("{}/v3/details/{id}/{}.json", self.base, version.key())
    }

    /// The package file.
    pub(crate) fn package(&self, id: &str, version: &PackageVersion) -> String {
        let version = version.key();
        format!("{}{id}/{version}/{id}.{version}.nupkg", self.flat())
    }

    /// A file in the package.
    pub(crate) fn part(&self, part: Part, id: &str, version: &PackageVersion) -> String {
        let version = version.key();
        let name = match part {
            Part::Nuspec => format!("{id}.nuspec"),
            Part::Icon => "icon".to_owned(),
            Part::Readme => "readme".to_owned(),
            Part::License => "license".to_owned(),
        };
        format!("{}{id}/{version}/{name}", self.flat())
    }
}
