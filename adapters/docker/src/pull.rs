//! Pulling manifests.

use pakhus_core::{Body, Host, PackageName, Refusal, Response, Result};

use crate::error;
use crate::metadata::{self, Stored};
use crate::reference::Reference;

/// Answers `GET /{name}/manifests/{reference}`: the bytes that were pushed, whatever the client says
/// that it accepts.
pub(crate) async fn manifest(
    name: &PackageName,
    reference: &Reference,
    host: &dyn Host,
) -> Result<Response> {
    let version = reference.version(name, host).await?;
    let record = host.version(name, &version).await?;
    let record = record.ok_or_else(|| unknown(name, version.display()))?;
    let blob = metadata::manifest_of(&record)?;
    let body = Body::Blob { digest: blob.digest, size: blob.size };
    let response = Response::new(200, body)
        .with_header("content-type", Stored::read(&record)?.media_type)
        .with_header("docker-content-digest", version.display());
    Ok(match reference {
        Reference::Digest(_) => immutable(response, host),
        Reference::Tag(_) => response.with_header("cache-control", "no-cache"),
    })
}

/// There is no such manifest.
pub(crate) fn unknown(name: &PackageName, digest: &str) -> Refusal {
    let name = name.display();
    Refusal::not_found(format!("the repository `{name}` has no manifest {digest}"))
        .coded(error::MANIFEST_UNKNOWN)
}

/// Says that what a digest names is the same for ever.
pub(crate) fn immutable(response: Response, host: &dyn Host) -> Response {
    let caches = if host.is_public() { "public" } else { "private" };
    response.with_header("cache-control", format!("{caches}, max-age=31536000, immutable"))
}
