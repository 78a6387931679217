//! Packuments and manifests: what a package is, for clients that install it.

use pakhus_core::{
    Body, Document, Host, PackageContents, PackageName, PackageVersion, RequestHead, Response,
    Result, VersionRecord,
};

use crate::accept::{FULL, Form};
use crate::error::{no_such_package, no_such_version};
use crate::view::View;
use crate::{render, tag, version};

/// Clients keep documents and ask each time whether they are still good: a version that was just
/// published is seen at once. Private, because the feed may be.
const CACHE_CONTROL: &str = "private, no-cache";

/// Answers `GET /{pkg}`.
pub(crate) async fn packument(
    name: &PackageName,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let form = Form::wanted(head);
    let base_url = head.base_url.as_str();
    let document =
        kept_document(kind_of(form), name, base_url, host, |view| render(form, view, base_url))
            .await?;
    let modified = render::modified(&document.bytes);
    let response =
        respond(document, form.content_type()).with_header("vary", "accept, accept-encoding");
    Ok(match modified {
        Some(modified) => response.with_header("last-modified", modified.http_date()),
        None => response,
    })
}

/// Both forms of the packument, each under the key that it is kept by.
pub(crate) fn documents(
    contents: &PackageContents,
    base_url: &str,
) -> Result<Vec<(String, String)>> {
    let view = View::of(contents);
    let of_form = |form| {
        let key = key_of(kind_of(form), &contents.package.name, base_url);
        Ok((key, render(form, &view, base_url)?))
    };
    Form::ALL.into_iter().map(of_form).collect()
}

const fn kind_of(form: Form) -> &'static str {
    match form {
        Form::Full => "full of",
        Form::Abbreviated => "abbreviated of",
    }
}

fn render(form: Form, view: &View<'_>, base_url: &str) -> Result<String> {
    match form {
        Form::Full => render::full(view, base_url),
        Form::Abbreviated => render::abbreviated(view, base_url),
    }
}

/// Answers `GET /{pkg}/{version, tag or range}`.
///
/// Documents are kept by version and by tag, of which there are so many: a range is resolved each
/// time, or whoever makes up ranges would crowd everything else out.
pub(crate) async fn manifest(
    name: &PackageName,
    wanted: &str,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let base_url = head.base_url.as_str();
    let render_one = |view: &View<'_>, record: Option<&VersionRecord>| {
        let record = record.ok_or_else(|| no_such_version(name, wanted))?;
        render::manifest(view, record, base_url)
    };
    let document = if let Ok(version) = version::parse(wanted) {
        let kind = manifest_of(&version);
        kept_document(&kind, name, base_url, host, |view| {
            render_one(view, view.version(version.key()))
        })
        .await?
    } else if tag::check(wanted).is_ok() {
        let kind = format!("manifest of the tag {wanted} of");
        kept_document(&kind, name, base_url, host, |view| {
            render_one(view, view.tags.get(wanted).copied())
        })
        .await?
    } else {
        let contents = host.contents(name).await?.ok_or_else(|| no_such_package(name))?;
        let (key, text) = {
            let view = View::of(&contents);
            let record = view.highest_in(wanted).ok_or_else(|| no_such_version(name, wanted))?;
            let key = key_of(&manifest_of(&record.version), name, base_url);
            (key, render::manifest(&view, record, base_url)?)
        };
        let revision = contents.package.revision;
        match host.document(&key, revision).await? {
            Some(document) => document,
            None => host.keep_document(&key, revision, text.into()).await?,
        }
    };
    Ok(respond(document, FULL).with_header("vary", "accept-encoding"))
}

fn manifest_of(version: &PackageVersion) -> String {
    format!("manifest {} of", version.key())
}

/// The document that is kept for `kind`, the package and the URL, or one that is rendered now.
pub(crate) async fn kept_document(
    kind: &str,
    name: &PackageName,
    base_url: &str,
    host: &dyn Host,
    render: impl FnOnce(&View<'_>) -> Result<String> + Send,
) -> Result<Document> {
    let package = host.package(name).await?.ok_or_else(|| no_such_package(name))?;
    let key = key_of(kind, name, base_url);
    if let Some(document) = host.document(&key, package.revision).await? {
        return Ok(document);
    }
    let contents = host.contents(name).await?.ok_or_else(|| no_such_package(name))?;
    let text = render(&View::of(&contents))?;
    host.keep_document(&key, contents.package.revision, text.into()).await
}

fn key_of(kind: &str, name: &PackageName, base_url: &str) -> String {
    format!("npm {kind} {} at {base_url}", name.key())
}

/// Answers with a document.
pub(crate) fn respond(document: Document, content_type: &str) -> Response {
    Response::new(200, Body::Document(document))
        .with_header("content-type", content_type)
        .with_header("cache-control", CACHE_CONTROL)
}
