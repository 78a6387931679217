//! `GET /v3/search`.

use pakhus_core::{FoundPackage, Host, Refusal, RequestHead, Response, Result};
use serde_json::{Value, json};

use super::asked;
use super::shown::Shown;
use crate::urls::{Hive, Urls};
use crate::view::Filter;

/// Answers a search.
pub(crate) async fn serve(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let (search, filter) = asked(head)?;
    let page = host.search(search).await?;
    let urls = Urls { base: &head.base_url };
    let data: Vec<_> =
        page.found.iter().map(|found| result(found, filter, urls)).collect::<Result<_>>()?;
    let answer = json!({
        "@context": { "@base": urls.hive(hive_of(filter)) },
        "totalHits": page.total,
        "data": data,
    });
    Ok(Response::json(200, answer.to_string()).with_header("cache-control", "private, no-cache"))
}

fn result(found: &FoundPackage, filter: Filter, urls: Urls<'_>) -> Result<Value> {
    let shown: Shown = found.shown.parse().map_err(Refusal::internal)?;
    let (id, hive) = (found.name.key(), hive_of(filter));
    let Some(card) = shown.latest(filter) else {
        return Err(Refusal::internal(format!("{id} is found where nothing of it is to see")));
    };
    let downloads = &found.downloads;
    let versions: Vec<_> = shown
        .versions(filter)
        .map(|version| {
            json!({
                "@id": urls.leaf(hive, id, &version),
                "version": version.display(),
                "downloads": downloads.by_version.get(version.key()).copied().unwrap_or_default(),
            })
        })
        .collect();
    let mut result = card.members(urls);
    result["@id"] = urls.registration(hive, id).into();
    result["@type"] = "Package".into();
    result["registration"] = urls.registration(hive, id).into();
    result["id"] = shown.id.into();
    result["totalDownloads"] = downloads.total.into();
    result["verified"] = false.into();
    result["versions"] = versions.into();
    Ok(result)
}

/// The documents that a client can read.
const fn hive_of(filter: Filter) -> Hive {
    if filter.semver2 { Hive::SemVer2 } else { Hive::SemVer1 }
}
