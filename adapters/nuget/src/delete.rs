//! Taking versions away, and listing them again.

use pakhus_core::{Change, Host, PackageName, PackageVersion, Response, Result};

use crate::{listed, version};

/// Answers `DELETE /v3/package/{id}/{version}`: searches no longer find the version, and who depends on
/// it can go on.
pub(crate) async fn delete(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    set_listed(name, version, false, host).await?;
    Ok(Response::empty(204))
}

/// Answers `POST /v3/package/{id}/{version}`.
pub(crate) async fn relist(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    set_listed(name, version, true, host).await?;
    Ok(Response::empty(200))
}

async fn set_listed(
    name: &PackageName,
    version: &PackageVersion,
    is_listed: bool,
    host: &dyn Host,
) -> Result<()> {
    let record = version::stored(name, version, host).await?;
    let edits = vec![listed::edit(&record.name, &record.version, is_listed)?];
    host.commit(Change { preconditions: Vec::new(), edits }).await.map(drop)
}
