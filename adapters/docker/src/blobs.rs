//! Blobs: reading and deleting them.

use pakhus_core::{
    BlobRef, Body, ContentDigest, Host, PackageName, Refusal, RefusalKind, Response, Result,
};

use crate::error;
use crate::pull::immutable;

/// Answers `GET /{name}/blobs/{digest}`.
pub(crate) async fn serve(
    name: &PackageName,
    digest: &ContentDigest,
    host: &dyn Host,
) -> Result<Response> {
    let blob = find(name, digest, host).await?.ok_or_else(|| unknown(name, digest))?;
    let response = Response::new(200, Body::Blob { digest: blob.digest, size: blob.size })
        .with_header("content-type", "application/octet-stream")
        .with_header("docker-content-digest", digest.to_string());
    Ok(immutable(response, host))
}

/// Answers `DELETE /{name}/blobs/{digest}`. What a manifest needs stays as long as the manifest.
pub(crate) async fn delete(
    name: &PackageName,
    digest: &ContentDigest,
    host: &dyn Host,
) -> Result<Response> {
    let was_brought = host.blobs().forget(name, digest).await?;
    if find(name, digest, host).await?.is_some() {
        let message = "manifests of this repository need the blob: delete those first";
        return Err(Refusal::new(RefusalKind::MethodNotAllowed, message));
    }
    if was_brought { Ok(Response::empty(202)) } else { Err(unknown(name, digest)) }
}

async fn find(
    name: &PackageName,
    digest: &ContentDigest,
    host: &dyn Host,
) -> Result<Option<BlobRef>> {
    let found = host.blobs().find(name, std::slice::from_ref(digest)).await?;
    Ok(found.into_values().next())
}

fn unknown(name: &PackageName, digest: &ContentDigest) -> Refusal {
    let name = name.display();
    Refusal::not_found(format!("the repository `{name}` has no blob {digest}"))
        .coded(error::BLOB_UNKNOWN)
}
