//! Rendered documents, kept as long as what they were rendered from is the same.

use pakhus_core::{Body, Document, Host, PackageName, Refusal, Response, Result};
use serde_json::Value;

use crate::view::View;

/// Clients keep documents and ask each time whether they are still good: a version that was just
/// pushed is seen at once. Private, because the feed may be.
const CACHE_CONTROL: &str = "private, no-cache";

/// The document that is kept for `kind`, the package and the URL, or one that is rendered now.
///
/// # Errors
/// [`pakhus_core::RefusalKind::NotFound`] when there is no version of the package, or `render` has
/// nothing.
pub(crate) async fn of_package(
    kind: &str,
    name: &PackageName,
    base_url: &str,
    host: &dyn Host,
    render: impl FnOnce(&View<'_>) -> Result<Option<Value>> + Send,
) -> Result<Response> {
    let package = host.package(name).await?.ok_or_else(|| no_such_package(name))?;
    let key = format!("nuget {kind} of {} at {base_url}", name.key());
    if let Some(document) = host.document(&key, package.revision).await? {
        return Ok(respond(document));
    }
    let contents = host.contents(name).await?.ok_or_else(|| no_such_package(name))?;
    let text = render(&View::of(&contents))?.ok_or_else(|| no_such_package(name))?.to_string();
    let document = host.keep_document(&key, contents.package.revision, text.into()).await?;
    Ok(respond(document))
}

/// Answers with a document of JSON.
pub(crate) fn respond(document: Document) -> Response {
    Response::new(200, Body::Document(document))
        .with_header("content-type", "application/json")
        .with_header("cache-control", CACHE_CONTROL)
        .with_header("vary", "accept-encoding")
}

/// Nothing of the package is here, or nothing that the client may see.
pub(crate) fn no_such_package(name: &PackageName) -> Refusal {
    Refusal::not_found(format!("there is no package {} here", name.display()))
}
