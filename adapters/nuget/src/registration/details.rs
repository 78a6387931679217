//! What clients show of one version: what its nuspec says.

use pakhus_core::{Result, VersionRecord};
use serde_json::{Map, Value, json};

use super::published;
use crate::metadata::{VersionMetadata, package_of};
use crate::nuspec::{DependencyGroup, Nuspec};
use crate::urls::{Hive, Part, Urls};
use crate::view::View;

/// The `catalogEntry` of a version, with the links into `hive`.
pub(crate) fn details(
    hive: Hive,
    view: &View<'_>,
    record: &VersionRecord,
    urls: Urls<'_>,
) -> Result<Value> {
    let metadata = VersionMetadata::of(record)?;
    let nuspec = &metadata.nuspec;
    let (id, version) = (view.contents.package.name.key(), &record.version);
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut details = json!({
        "@id": urls.details(id, version),
        "@type": "PackageDetails",
        "authors": text(&nuspec.authors),
        "copyright": text(&nuspec.copyright),
        "dependencyGroups": groups(hive, &nuspec.dependency_groups, urls)?,
        "description": text(&nuspec.description),
        "iconUrl": icon_url(nuspec, id, record, urls),
        "id": view.id(),
        "language": text(&nuspec.language),
        "licenseExpression": text(&nuspec.license_expression),
        "licenseUrl": license_url(nuspec, id, record, urls),
        "listed": view.is_listed(version),
        "minClientVersion": text(&nuspec.min_client_version),
        "packageContent": urls.package(id, version),
        "packageHash": metadata.sha512,
        "packageHashAlgorithm": "SHA512",
        "packageSize": package_of(record)?.size,
        "packageTypes": types(nuspec),
        "projectUrl": text(&nuspec.project_url),
        "published": published(view, Some(record)),
        "releaseNotes": text(&nuspec.release_notes),
        "requireLicenseAcceptance": nuspec.require_license_acceptance,
        "summary": text(&nuspec.summary),
        "tags": tags(nuspec),
        "title": text(&nuspec.title),
        "verbatimVersion": nuspec.version,
        "version": version.display(),
    });
    if nuspec.readme.is_some() {
        details["readmeUrl"] = urls.part(Part::Readme, id, version).into();
    }
    if let Some(repository) = &nuspec.repository {
        details["repository"] = json!(repository);
    }
    Ok(details)
}

/// The address of the icon: in the package, or the one that the nuspec has.
pub(crate) fn icon_url(
    nuspec: &Nuspec,
    id: &str,
    record: &VersionRecord,
    urls: Urls<'_>,
) -> String {
    match &nuspec.icon {
        Some(_) => urls.part(Part::Icon, id, &record.version),
        None => nuspec.icon_url.clone().unwrap_or_default(),
    }
}

/// The address of the licence: in the package, or the one that the nuspec has.
pub(crate) fn license_url(
    nuspec: &Nuspec,
    id: &str,
    record: &VersionRecord,
    urls: Urls<'_>,
) -> String {
    match &nuspec.license_file {
        Some(_) => urls.part(Part::License, id, &record.version),
        None => nuspec.license_url.clone().unwrap_or_default(),
    }
}

/// The tags, which nuspecs part by spaces, commas or semicolons.
pub(crate) fn tags(nuspec: &Nuspec) -> Vec<&str> {
    let tags = nuspec.tags.as_deref().unwrap_or_default();
    tags.split([' ', ',', ';', '\t', '\r', '\n']).filter(|tag| !tag.is_empty()).collect()
}

/// The types; a package that says none is a dependency.
pub(crate) fn types(nuspec: &Nuspec) -> Value {
    if nuspec.package_types.is_empty() {
        return json!([{ "name": "Dependency" }]);
    }
    json!(nuspec.package_types)
}

fn groups(hive: Hive, groups: &[DependencyGroup], urls: Urls<'_>) -> Result<Value> {
    let groups = groups.iter().map(|group| {
        let mut shown = Map::new();
        if let Some(framework) = &group.target_framework {
            shown.insert("targetFramework".to_owned(), framework.clone().into());
        }
        let dependencies = group.dependencies.iter().map(|dependency| {
            Ok(json!({
                "id": dependency.id,
                "range": dependency.range()?.normalized(),
                "registration": urls.registration(hive, &dependency.id.to_ascii_lowercase()),
            }))
        });
        let dependencies: Vec<Value> = dependencies.collect::<Result<_>>()?;
        if !dependencies.is_empty() {
            shown.insert("dependencies".to_owned(), dependencies.into());
        }
        Ok(Value::Object(shown))
    });
    groups.collect()
}
