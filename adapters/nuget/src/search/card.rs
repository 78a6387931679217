//! What an answer shows of a version.

use pakhus_core::VersionRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::metadata::VersionMetadata;
use crate::nuspec::Nuspec;
use crate::registration::{icon_url, license_url, tags, types};
use crate::urls::Urls;

/// The most bytes that are shown of a description.
const LONGEST_DESCRIPTION: usize = 4000;

/// A version, as answers show it. Addresses in the feed begin with a slash.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Card {
    version: String,
    title: String,
    description: String,
    summary: String,
    icon_url: String,
    license_url: String,
    project_url: String,
    tags: Vec<String>,
    authors: Vec<String>,
    owners: Vec<String>,
    types: Value,
}

impl Card {
    pub(super) fn of(id: &str, record: &VersionRecord, metadata: &VersionMetadata) -> Self {
        let nuspec = &metadata.nuspec;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut description = text(&nuspec.description);
        description.truncate(description.floor_char_boundary(LONGEST_DESCRIPTION));
        let here = Urls { base: "" };
        Self {
            version: record.version.display().to_owned(),
            title: text(&nuspec.title),
            description,
            summary: text(&nuspec.summary),
            icon_url: icon_url(nuspec, id, record, here),
            license_url: license_url(nuspec, id, record, here),
            project_url: text(&nuspec.project_url),
            tags: tags(nuspec).into_iter().map(str::to_owned).collect(),
            authors: authors(nuspec).into_iter().map(str::to_owned).collect(),
            owners: metadata.publisher.iter().cloned().collect(),
            types: types(nuspec),
        }
    }

    /// The members of an answer that say what this version is.
    pub(super) fn members(&self, urls: Urls<'_>) -> Value {
        let absolute = |url: &str| {
            if url.starts_with('/') { format!("{}{url}", urls.base) } else { url.to_owned() }
        };
        json!({
            "version": self.version,
            "title": self.title,
            "description": self.description,
            "summary": self.summary,
            "iconUrl": absolute(&self.icon_url),
            "licenseUrl": absolute(&self.license_url),
            "projectUrl": self.project_url,
            "tags": self.tags,
            "authors": self.authors,
            "owners": self.owners,
            "packageTypes": self.types,
        })
    }
}

/// The authors, one by one.
pub(super) fn authors(nuspec: &Nuspec) -> Vec<&str> {
    let authors = nuspec.authors.as_deref().unwrap_or_default();
    authors.split(',').map(str::trim).filter(|author| !author.is_empty()).collect()
}
