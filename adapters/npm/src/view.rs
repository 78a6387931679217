//! A package as clients see it: its tags and deprecations put to its versions.

use std::collections::{BTreeMap, HashMap};

use pakhus_core::{Metadata, PackageContents, PackageVersion, Result, VersionRecord};
use serde::Deserialize;

use crate::deprecate::DEPRECATED;
use crate::metadata::VersionMetadata;
use crate::node_version::NodeVersion;
use crate::owners::{self, MAINTAINERS, Person};
use crate::range::{Options, Range};
use crate::{tag, version};

/// What of a package's records is shown. It follows from the contents alone.
pub(crate) struct View<'c> {
    pub(crate) contents: &'c PackageContents,
    /// The tags, by name.
    pub(crate) tags: BTreeMap<&'c str, &'c VersionRecord>,
    versions: HashMap<&'c str, &'c VersionRecord>,
    deprecations: HashMap<&'c str, &'c Metadata>,
}

impl<'c> View<'c> {
    /// Puts the records together. Tags and attributes are other sites' too, which nobody has checked
    /// yet: those that no client could have set here are not shown.
    pub(crate) fn of(contents: &'c PackageContents) -> Self {
        let versions: HashMap<_, _> =
            contents.versions.iter().map(|record| (record.version.key(), record)).collect();
        let mut tags: BTreeMap<_, _> = contents
            .tags
            .iter()
            .filter(|tag| tag::check(&tag.name).is_ok())
            .filter_map(|tag| Some((tag.name.as_str(), *versions.get(tag.version.as_str())?)))
            .collect();
        if let Some(latest) = highest(&contents.versions) {
            // The version that `latest` pointed to may be gone; clients fail without the tag.
            tags.entry(tag::LATEST).or_insert(latest);
        }
        let deprecations = contents
            .attributes
            .iter()
            .filter(|attribute| attribute.name == DEPRECATED && is_message(&attribute.value))
            .filter_map(|attribute| Some((attribute.version.as_deref()?, &attribute.value)))
            .collect();
        Self { contents, tags, versions, deprecations }
    }

    /// The version that `latest` points to.
    pub(crate) fn latest(&self) -> Option<&'c VersionRecord> {
        self.tags.get(tag::LATEST).copied()
    }

    /// The owners that were set.
    pub(crate) fn set_owners(&self) -> Option<Vec<Person>> {
        self.contents.attributes.iter().find_map(|attribute| {
            let is_it = attribute.version.is_none() && attribute.name == MAINTAINERS;
            is_it.then(|| owners::of_attribute(&attribute.value).ok()).flatten()
        })
    }

    /// The owners: those that were set, else whoever published a version, in the order of versions.
    pub(crate) fn owners(&self) -> Result<Vec<Person>> {
        if let Some(owners) = self.set_owners() {
            return Ok(owners);
        }
        let mut publishers = Vec::new();
        for record in &self.contents.versions {
            owners::add_publisher(&mut publishers, &VersionMetadata::of(record)?);
        }
        Ok(publishers)
    }

    /// The version with this key.
    pub(crate) fn version(&self, key: &str) -> Option<&'c VersionRecord> {
        self.versions.get(key).copied()
    }

    /// The version that a client installs for `range`: that of `latest` when it fits and is not
    /// deprecated, else the highest that fits, of those that are not deprecated if there are any.
    /// The rule is npm's own (`npm-pick-manifest` 11).
    pub(crate) fn highest_in(&self, range: &str) -> Option<&'c VersionRecord> {
        let range = Range::parse(range, Options::CLIENT)?;
        let fits = |record: &VersionRecord| {
            NodeVersion::parse(record.version.key(), false)
                .is_some_and(|version| range.is_satisfied_by(&version, Options::CLIENT))
        };
        let is_current = |record: &VersionRecord| self.deprecation(&record.version).is_none();
        // Every version is wanted: that of `latest` is, even when it is a pre-release.
        let is_default = |latest: &VersionRecord| range.is_everything() || fits(latest);
        if let Some(latest) = self.latest()
            && is_current(latest)
            && is_default(latest)
        {
            return Some(latest);
        }
        let fitting = || self.contents.versions.iter().rev().filter(|record| fits(record));
        fitting().find(|record| is_current(record)).or_else(|| fitting().next())
    }

    /// The message, a JSON string, with which the version is deprecated.
    pub(crate) fn deprecation(&self, version: &PackageVersion) -> Option<&'c Metadata> {
        self.deprecations.get(version.key()).copied()
    }
}

/// The highest release, or where there is none, the highest pre-release.
fn highest(versions: &[VersionRecord]) -> Option<&VersionRecord> {
    let is_release = |record: &&VersionRecord| !version::is_pre_release(&record.version);
    versions.iter().rev().find(is_release).or_else(|| versions.last())
}

fn is_message(value: &Metadata) -> bool {
    value.parse::<Message>().is_ok_and(|Message(text)| !text.is_empty())
}

#[derive(Deserialize)]
struct Message<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
