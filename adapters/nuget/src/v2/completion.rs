//! Ids and versions that begin so, for people who type: `package-ids`, `package-versions/{id}`.

use pakhus_core::{Host, PackageName, RequestHead, Response, Result, Search, SearchOrder};
use serde_json::json;

use super::find;
use super::query::Query;
use crate::search;
use crate::view::Filter;

/// The most ids that are offered, as at the public gallery.
const MOST_IDS: u64 = 30;

/// Answers `GET package-ids?partialId=…`: a list of texts in JSON.
pub(super) async fn ids(query: &Query, host: &dyn Host) -> Result<Response> {
    let filter = Filter { prerelease: query.flag("includePrerelease")?, semver2: query.semver2 };
    let search = Search {
        text: query.argument("partialId").unwrap_or_default(),
        labels: vec![vec![search::seen(filter)]],
        in_names: true,
        order: SearchOrder::Best,
        take: MOST_IDS,
        ..Search::default()
    };
    let found = host.search(search).await?;
    let ids: Vec<_> = found.found.iter().map(|found| found.name.display()).collect();
    Ok(list(&ids))
}

/// Answers `GET package-versions/{id}`: a list of texts in JSON.
pub(super) async fn versions(
    name: &PackageName,
    query: &Query,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let prerelease = query.flag("includePrerelease")?;
    let rows = find::rows(std::slice::from_ref(name), query.semver2, head, host).await?;
    let offered = rows.iter().filter(|row| row.is_listed && (prerelease || !row.is_prerelease()));
    let versions: Vec<_> = offered.map(|row| row.record.version.display()).collect();
    Ok(list(&versions))
}

fn list(texts: &[&str]) -> Response {
    Response::json(200, json!(texts).to_string()).with_header("cache-control", "private, no-cache")
}
