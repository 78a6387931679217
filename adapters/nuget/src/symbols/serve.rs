//! Serving symbols.

use pakhus_core::{
    Body, Host, PackageName, PackageVersion, Refusal, Response, Result, VersionRecord,
};

use super::symbols_name;
use crate::flat::IMMUTABLE;

/// Answers `GET /symbols/{file}/{signature}/{file}`, which debuggers ask. They ask for much that is
/// nowhere: one record is looked for.
pub(crate) async fn pdb(
    name: &PackageName,
    signature: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let record = host.version(name, signature).await?;
    blob_of(record, || Refusal::not_found("there is no such PDB here"))
}

/// Answers `GET /v3/flat/{id}/{version}/{id}.{version}.snupkg`.
pub(crate) async fn package(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let symbols = symbols_name(name).map_err(Refusal::invalid)?;
    let record = host.version(&symbols, version).await?;
    blob_of(record, || {
        let (name, version) = (name.display(), version.display());
        Refusal::not_found(format!("there are no symbols of {name} {version} here"))
    })
}

fn blob_of(record: Option<VersionRecord>, missing: impl FnOnce() -> Refusal) -> Result<Response> {
    let record = record.ok_or_else(missing)?;
    let [blob] = record.blobs.as_slice() else {
        return Err(Refusal::internal("symbols without their one blob"));
    };
    let body = Body::Blob { digest: blob.digest, size: blob.size };
    Ok(Response::new(200, body)
        .with_header("content-type", "application/octet-stream")
        .with_header("cache-control", IMMUTABLE)
        .with_header("last-modified", record.published_at.http_date()))
}
