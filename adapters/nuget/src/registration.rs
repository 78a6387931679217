//! Registrations: what packages are, version by version, as the public gallery lays it out. A package of
//! many versions has its versions on pages, which clients ask for one by one.

mod details;

use pakhus_core::{
    Host, PackageName, PackageVersion, RequestHead, Response, Result, VersionRecord,
};
use serde_json::{Value, json};

pub(crate) use self::details::{details, icon_url, license_url, tags, types};
use crate::documents;
use crate::urls::{Hive, Urls};
use crate::version::no_such_version;
use crate::view::View;

/// The most versions of a page.
const PAGE: usize = 64;

/// A package of so many versions has its pages apart from its document.
const PAGED: usize = 128;

/// When a version was published that is not listed, as clients of before `listed` read it.
pub(crate) const UNLISTED_DATE: &str = "1900-01-01T00:00:00+00:00";

/// Answers `GET /v3/{hive}/{id}/index.json`.
pub(crate) async fn index(
    hive: Hive,
    name: &PackageName,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let kind = format!("{} index", hive.folder());
    documents::of_package(&kind, name, urls.base, host, |view| {
        let versions = view.readable(hive.has_semver2())?;
        if versions.is_empty() {
            return Ok(None);
        }
        let is_paged = versions.len() >= PAGED;
        let pages: Vec<_> = versions
            .chunks(PAGE)
            .map(|versions| page_of(hive, view, versions, is_paged, urls))
            .collect::<Result<_>>()?;
        Ok(Some(json!({
            "@id": urls.registration(hive, name.key()),
            "@type": ["catalog:CatalogRoot", "PackageRegistration", "catalog:Permalink"],
            "count": pages.len(),
            "items": pages,
        })))
    })
    .await
}

/// Answers `GET /v3/{hive}/{id}/page/{lower}/{upper}.json`. A page is found by where it begins: it may
/// have got longer since the client read of it.
pub(crate) async fn page(
    hive: Hive,
    name: &PackageName,
    lower: &PackageVersion,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let kind = format!("{} page {}", hive.folder(), lower.key());
    documents::of_package(&kind, name, urls.base, host, |view| {
        let versions = view.readable(hive.has_semver2())?;
        let mut pages = versions.chunks(PAGE);
        let page = pages.find(|page| page[0].version.key() == lower.key());
        let page = page.ok_or_else(|| no_such_version(name, lower))?;
        page_of(hive, view, page, false, urls).map(Some)
    })
    .await
}

/// Answers `GET /v3/{hive}/{id}/{version}.json`.
pub(crate) async fn leaf(
    hive: Hive,
    name: &PackageName,
    version: &PackageVersion,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let kind = format!("{} leaf {}", hive.folder(), version.key());
    documents::of_package(&kind, name, urls.base, host, |view| {
        let readable = view.readable(hive.has_semver2())?;
        let record = readable.iter().find(|record| record.version.key() == version.key());
        let version = &record.ok_or_else(|| no_such_version(name, version))?.version;
        let id = name.key();
        Ok(Some(json!({
            "@id": urls.leaf(hive, id, version),
            "@type": ["Package", "catalog:Permalink"],
            "catalogEntry": urls.details(id, version),
            "listed": view.is_listed(version),
            "packageContent": urls.package(id, version),
            "published": published(view, record.copied()),
            "registration": urls.registration(hive, id),
        })))
    })
    .await
}

/// Answers `GET /v3/details/{id}/{version}.json`.
pub(crate) async fn version_details(
    name: &PackageName,
    version: &PackageVersion,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let kind = format!("details {}", version.key());
    documents::of_package(&kind, name, urls.base, host, |view| {
        let record = view.version(version.key()).ok_or_else(|| no_such_version(name, version))?;
        details(Hive::SemVer2, view, record, urls).map(Some)
    })
    .await
}

fn page_of(
    hive: Hive,
    view: &View<'_>,
    versions: &[&VersionRecord],
    is_apart: bool,
    urls: Urls<'_>,
) -> Result<Value> {
    let id = view.contents.package.name.key();
    let (lower, upper) = (&versions[0].version, &versions[versions.len() - 1].version);
    let index = urls.registration(hive, id);
    let (lower, upper) = (lower.key(), upper.key());
    let mut page = json!({
        "@id": format!("{}{id}/page/{lower}/{upper}.json", urls.hive(hive)),
        "@type": "catalog:CatalogPage",
        "count": versions.len(),
        "lower": lower,
        "upper": upper,
        "parent": index,
    });
    if !is_apart {
        let items: Vec<_> =
            versions.iter().map(|record| item(hive, view, record, urls)).collect::<Result<_>>()?;
        page["items"] = items.into();
    }
    Ok(page)
}

fn item(hive: Hive, view: &View<'_>, record: &VersionRecord, urls: Urls<'_>) -> Result<Value> {
    let (id, version) = (view.contents.package.name.key(), &record.version);
    Ok(json!({
        "@id": urls.leaf(hive, id, version),
        "@type": "Package",
        "catalogEntry": details(hive, view, record, urls)?,
        "packageContent": urls.package(id, version),
        "registration": urls.registration(hive, id),
    }))
}

fn published(view: &View<'_>, record: Option<&VersionRecord>) -> String {
    match record {
        Some(record) if view.is_listed(&record.version) => record.published_at.to_string(),
        _ => UNLISTED_DATE.to_owned(),
    }
}
