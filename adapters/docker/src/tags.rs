//! Listing tags.

use pakhus_core::{Host, PackageName, Refusal, RequestHead, Response, Result};
use serde_json::json;

use crate::page::{Page, path_below};

/// Answers `GET /{name}/tags/list`.
pub(crate) async fn list(
    name: &PackageName,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let page = Page::asked(head)?;
    if host.package(name).await?.is_none() {
        return Err(Refusal::not_found(format!("there is no repository `{}`", name.display())));
    }
    let mut tags = host.tags(name, page.last.as_deref(), page.to_read()).await?;
    let has_more = page.cut(&mut tags);
    let tags: Vec<_> = tags.into_iter().map(|(tag, _)| tag).collect();
    // Clients know the repository by its whole name.
    let feed = path_below(head, name.display());
    let full_name = feed.split_once("/v2/").map_or(feed.as_str(), |(_, name)| name);
    let response = Response::json(200, json!({ "name": full_name, "tags": tags }).to_string());
    Ok(match tags.last().filter(|_| has_more) {
        Some(last) => page.link(response, &format!("{feed}/tags/list"), last),
        None => response,
    })
}
