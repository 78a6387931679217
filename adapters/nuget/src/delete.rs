//! Taking versions away, and listing them again.

use pakhus_core::{Change, Deletes, Edit, Host, PackageName, PackageVersion, Response, Result};

use crate::{listed, symbols, version};

/// Answers `DELETE /v3/package/{id}/{version}`. What that does is for the feed to say: as a rule searches
/// no longer find the version, and who depends on it can go on.
pub(crate) async fn delete(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let record = version::stored(name, version, host).await?;
    let (name, version) = (record.name, record.version);
    let edits = match host.policy().deletes {
        Deletes::Unlist => vec![listed::edit(&name, &version, false)?],
        Deletes::Remove => removal(&name, &version, host).await?,
    };
    host.commit(Change { preconditions: Vec::new(), edits }).await?;
    Ok(Response::empty(204))
}

/// Answers `POST /v3/package/{id}/{version}`.
pub(crate) async fn relist(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Response> {
    let record = version::stored(name, version, host).await?;
    let edits = vec![listed::edit(&record.name, &record.version, true)?];
    host.commit(Change { preconditions: Vec::new(), edits }).await?;
    Ok(Response::empty(200))
}

/// The edits after which nothing of a version is left, nor of its symbols.
pub(crate) async fn removal(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Vec<Edit>> {
    let mut edits = symbols::removal(name, version, host).await?;
    edits.push(Edit::Delete { name: name.clone(), version: version.clone() });
    edits.push(listed::edit(name, version, true)?);
    Ok(edits)
}
