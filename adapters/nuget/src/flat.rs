//! The flat container: package files, and the files in them, by id and version.

use pakhus_core::{
    Body, Download, Host, PackageName, PackageVersion, RequestHead, Response, Result,
};
use serde_json::json;

use crate::metadata::{VersionMetadata, package_of};
use crate::package::PackageFile;
use crate::urls::Part;
use crate::{documents, version};

/// What never changes. Private, because the feed may be: tools share what is public between users.
pub(crate) const IMMUTABLE: &str = "private, max-age=31536000, immutable";

/// Answers `GET /v3/flat/{id}/index.json`: all versions, those that are not listed too, as clients put
/// them into URLs.
pub(crate) async fn versions(
    name: &PackageName,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    documents::of_package("versions", name, &head.base_url, host, |view| {
        let versions = view.contents.versions.iter().map(|record| record.version.key());
        Ok(Some(json!({ "versions": versions.collect::<Vec<_>>() })))
    })
    .await
}

/// Answers `GET /v3/flat/{id}/{version}/{id}.{version}.nupkg`.
pub(crate) async fn package(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let record = version::stored(name, version, host).await?;
    let blob = package_of(&record)?;
    let body = Body::Blob { digest: blob.digest, size: blob.size };
    let download =
        Some(Download { name: name.key().to_owned(), version: version.key().to_owned() });
    Ok(Response { download, ..Response::new(200, body) }
        .with_header("content-type", "application/octet-stream")
        .with_header("cache-control", IMMUTABLE)
        .with_header("last-modified", record.published_at.http_date()))
}

/// Answers `GET /v3/flat/{id}/{version}/{id}.nuspec` and the like: a file out of the package, which is
/// kept once it was unpacked.
pub(crate) async fn part(
    name: &PackageName,
    version: &PackageVersion,
    part: Part,
    host: &dyn Host,
) -> Result<Response> {
    let record = version::stored(name, version, host).await?;
    let nuspec = VersionMetadata::of(&record)?.nuspec;
    let path = match part {
        Part::Nuspec => None,
        Part::Icon => Some(("icon", nuspec.icon)),
        Part::Readme => Some(("readme", nuspec.readme)),
        Part::License => Some(("licence", nuspec.license_file)),
    };
    let path = match path {
        None => None,
        Some((what, path)) => Some(path.ok_or_else(|| {
            let (name, version) = (record.name.display(), record.version.display());
            pakhus_core::Refusal::not_found(format!("{name} {version} has no {what}"))
        })?),
    };
    let blob = package_of(&record)?;
    // The same package file always has the same in it.
    let key = format!("nuget file {} of {}", path.as_deref().unwrap_or_default(), blob.digest);
    let document = match host.document(&key, 0).await? {
        Some(document) => document,
        None => {
            let package = PackageFile::open(blob, host).await?;
            let bytes = match &path {
                None => package.manifest().await?,
                Some(path) => package.read(path).await?,
            };
            host.keep_document(&key, 0, bytes.into()).await?
        }
    };
    let content_type = match part {
        Part::Nuspec => "application/xml",
        Part::Icon => image_type(&document.bytes),
        Part::Readme => "text/markdown; charset=utf-8",
        Part::License => "text/plain; charset=utf-8",
    };
    Ok(Response::new(200, Body::Document(document))
        .with_header("content-type", content_type)
        // A browser must not take it for a page of this server, whatever is in it.
        .with_header("x-content-type-options", "nosniff")
        .with_header("content-security-policy", "sandbox; default-src 'none'")
        .with_header("cache-control", IMMUTABLE)
        .with_header("vary", "accept-encoding"))
}

/// The media type of an image, by its first bytes. What clients show nowhere is of no type.
fn image_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        _ => "application/octet-stream",
    }
}
