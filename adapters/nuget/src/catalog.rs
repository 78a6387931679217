//! The catalog: what changed in the feed, in order, for those who mirror it.
//!
//! Readers go by times: they keep the greatest that they have seen and look for what is later. So each
//! change has a time of its own that grows with its number in the feed's log, whatever the clock did: the
//! latest time so far, and as many ticks of 100 nanoseconds as its number says.

use pakhus_core::{
    Host, PackageName, PackageVersion, Refusal, RequestHead, Response, Result, Timestamp,
};
use serde_json::{Value, json};

use crate::documents;
use crate::registration::details;
use crate::urls::{Hive, Urls};
use crate::view::View;

/// How many numbers of the log a page is for.
const PAGE: u64 = 500;

/// Ticks of 100 nanoseconds in a millisecond.
const TICKS: i64 = 10_000;

/// A change, as the catalog tells it from others.
struct Commit {
    sequence: u64,
    latest: Timestamp,
}

impl Commit {
    fn id(&self) -> String {
        format!("00000000-0000-0000-0000-{:012x}", self.sequence)
    }

    fn time(&self) -> String {
        let number = i64::try_from(self.sequence).unwrap_or(i64::MAX);
        let ticks = self.latest.millis().saturating_mul(TICKS).saturating_add(number);
        let (millis, rest) = (ticks.div_euclid(TICKS), ticks.rem_euclid(TICKS));
        let text = Timestamp::from_millis(millis).to_string();
        format!("{}{rest:04}Z", text.trim_end_matches('Z'))
    }
}

/// Answers `GET /v3/catalog/index.json`.
pub(crate) async fn index(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let sequence = host.sequence().await?;
    let key = format!("nuget catalog at {}", urls.base);
    if let Some(document) = host.document(&key, sequence).await? {
        return Ok(documents::respond(document));
    }
    let stretches = host.stretches(PAGE).await?;
    let pages = stretches.iter().map(|stretch| {
        let commit = Commit { sequence: stretch.last, latest: stretch.latest };
        json!({
            "@id": page_url(urls, stretch.number),
            "@type": "CatalogPage",
            "commitId": commit.id(),
            "commitTimeStamp": commit.time(),
            "count": stretch.count,
        })
    });
    let pages: Vec<_> = pages.collect();
    let last = stretches.last();
    let commit = Commit {
        sequence: last.map_or(0, |last| last.last),
        latest: last.map_or(Timestamp::EPOCH, |last| last.latest),
    };
    let index = json!({
        "@id": format!("{}/v3/catalog/index.json", urls.base),
        "@type": ["CatalogRoot", "AppendOnlyCatalog", "Permalink"],
        "commitId": commit.id(),
        "commitTimeStamp": commit.time(),
        "count": pages.len(),
        "items": pages,
    });
    let document = host.keep_document(&key, sequence, index.to_string().into()).await?;
    Ok(documents::respond(document))
}

/// Answers `GET /v3/catalog/page{number}.json`. A version that changes again moves to a later page.
pub(crate) async fn page(number: u64, head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let sequence = host.sequence().await?;
    let start = number.checked_mul(PAGE).filter(|start| *start < sequence);
    let start = start.ok_or_else(|| Refusal::not_found("the catalog has no such page yet"))?;
    let key = format!("nuget catalog page {number} at {}", urls.base);
    if let Some(document) = host.document(&key, sequence).await? {
        return Ok(documents::respond(document));
    }
    let found = host.changes(start, PAGE).await?;
    let mut commit = Commit { sequence: start, latest: found.before };
    let mut items = Vec::new();
    for change in found.changes.iter().take_while(|change| change.sequence <= start + PAGE) {
        commit = Commit { sequence: change.sequence, latest: commit.latest.max(change.at) };
        let kind = if change.is_there { "nuget:PackageDetails" } else { "nuget:PackageDelete" };
        items.push(json!({
            "@id": leaf_url(urls, change.sequence, &change.name, &change.version),
            "@type": kind,
            "commitId": commit.id(),
            "commitTimeStamp": commit.time(),
            "nuget:id": change.name.display(),
            "nuget:version": change.version.display(),
        }));
    }
    let page = json!({
        "@id": page_url(urls, number),
        "@type": "CatalogPage",
        "commitId": commit.id(),
        "commitTimeStamp": commit.time(),
        "count": items.len(),
        "parent": format!("{}/v3/catalog/index.json", urls.base),
        "items": items,
    });
    let document = host.keep_document(&key, sequence, page.to_string().into()).await?;
    Ok(documents::respond(document))
}

/// Answers `GET /v3/catalog/{sequence}/{id}/{version}.json`: the version as it is now, which later
/// changes may have made another, or that it is gone.
pub(crate) async fn leaf(
    sequence: u64,
    name: &PackageName,
    version: &PackageVersion,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let urls = Urls { base: &head.base_url };
    let found = host.changes(sequence.saturating_sub(1), 1).await?;
    let own = found.changes.first().filter(|change| change.sequence == sequence);
    let latest = own.map_or(found.before, |change| found.before.max(change.at));
    let commit = Commit { sequence, latest };
    let contents = host.contents(name).await?;
    let view = contents.as_ref().map(View::of);
    let there = view.as_ref().and_then(|view| Some((view, view.version(version.key())?)));
    let mut leaf = match there {
        Some((view, record)) => details(Hive::SemVer2, view, record, urls)?,
        None => json!({
            "id": name.display(),
            "originalId": name.display(),
            "published": commit.time(),
            "version": version.display(),
        }),
    };
    let kind = if there.is_some() { "PackageDetails" } else { "PackageDelete" };
    leaf["@id"] = leaf_url(urls, sequence, name, version).into();
    leaf["@type"] = json!([kind, "catalog:Permalink"]);
    leaf["catalog:commitId"] = commit.id().into();
    leaf["catalog:commitTimeStamp"] = commit.time().into();
    Ok(Response::json(200, leaf.to_string()).with_header("cache-control", "private, no-cache"))
}

fn page_url(urls: Urls<'_>, number: u64) -> Value {
    format!("{}/v3/catalog/page{number}.json", urls.base).into()
}

fn leaf_url(urls: Urls<'_>, sequence: u64, name: &PackageName, version: &PackageVersion) -> String {
    format!("{}/v3/catalog/{sequence}/{}/{}.json", urls.base, name.key(), version.key())
}
