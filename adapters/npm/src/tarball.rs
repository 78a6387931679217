//! Tarballs.

use pakhus_core::{Body, Download, Host, PackageName, PackageVersion, Refusal, Response, Result};

use crate::{metadata, version};

/// Answers `GET /{pkg}/-/{file}`.
pub(crate) async fn serve(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let record = version::stored(name, version, host).await?;
    let blob = metadata::tarball(&record.blobs).ok_or_else(|| {
        Refusal::internal(format!("{} {} has no tarball", name.display(), version.display()))
    })?;
    let body = Body::Blob { digest: blob.digest, size: blob.size };
    let download =
        Some(Download { name: name.key().to_owned(), version: version.key().to_owned() });
    Ok(Response { download, ..Response::new(200, body) }
        .with_header("content-type", "application/octet-stream")
        // Private, because the feed may be: tools share what is public between their users.
        .with_header("cache-control", "private, max-age=31536000, immutable")
        .with_header("last-modified", record.published_at.http_date()))
}

/// Where clients find the tarball of a version.
pub(crate) fn url(name: &PackageName, version: &PackageVersion, base_url: &str) -> String {
    let (name, base) = (name.key(), crate::name::unscoped(name));
    format!("{base_url}/{name}/-/{base}-{}.tgz", version.display())
}
