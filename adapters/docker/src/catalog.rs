//! Listing repositories.

use pakhus_core::{Host, PackageName, RequestHead, Response, Result};
use serde_json::json;

use crate::page::{Page, path_below};

/// Answers `GET /_catalog`: the repositories of the feed, by their names within it.
pub(crate) async fn serve(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let page = Page::asked(head)?;
    let mut names = host.packages(page.last.as_deref(), page.to_read()).await?;
    let has_more = page.cut(&mut names);
    let names: Vec<_> = names.iter().map(PackageName::display).collect();
    let response = Response::json(200, json!({ "repositories": names }).to_string());
    Ok(match names.last().filter(|_| has_more) {
        Some(last) => page.link(response, &path_below(head, "_catalog"), last),
        None => response,
    })
}
