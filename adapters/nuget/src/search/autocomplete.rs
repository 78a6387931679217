//! `GET /v3/autocomplete`: ids that begin so, or the versions of an id.

use pakhus_core::{Host, Refusal, RefusalKind, RequestHead, Response, Result};
use serde_json::json;

use super::shown::Shown;
use super::{asked, filter_of};
use crate::metadata::VersionMetadata;
use crate::{documents, name};

/// Answers a question for ids (`q`) or versions (`id`).
pub(crate) async fn serve(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    if let Some(id) = head.query_parameter("id").filter(|id| !id.is_empty()) {
        return versions(&id, head, host).await;
    }
    let (mut search, _) = asked(head)?;
    search.in_names = true;
    let page = host.search(search).await?;
    let ids = page.found.iter().map(|found| Ok(found.shown.parse::<Shown>()?.id));
    let ids: Vec<_> = ids.collect::<serde_json::Result<_>>().map_err(Refusal::internal)?;
    let answer = json!({ "totalHits": page.total, "data": ids });
    Ok(Response::json(200, answer.to_string()).with_header("cache-control", "private, no-cache"))
}

async fn versions(id: &str, head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let name = name::parse(id).map_err(Refusal::invalid)?;
    let filter = filter_of(head);
    let kind = format!("versions for {}", filter.number());
    let found = documents::of_package(&kind, &name, "", host, |view| {
        let mut versions = Vec::new();
        for record in &view.contents.versions {
            let is_semver2 = VersionMetadata::of(record)?.nuspec.is_semver2;
            if view.is_listed(&record.version) && filter.passes(&record.version, is_semver2) {
                versions.push(record.version.display());
            }
        }
        Ok(Some(json!({ "totalHits": versions.len(), "data": versions })))
    });
    match found.await {
        Err(refusal) if refusal.kind == RefusalKind::NotFound => {
            Ok(Response::json(200, json!({ "totalHits": 0, "data": [] }).to_string()))
        }
        found => found,
    }
}
