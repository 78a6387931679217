//! Pushing packages.

use pakhus_core::{
    Change, Edit, Host, Identity, ReceivedFile, Refusal, RefusalKind, Response, Result,
};

use crate::delete::removal;
use crate::nuspec::Nuspec;
use crate::package::PackageFile;
use crate::{listed, metadata, symbols};

/// The most bytes of a package file.
pub(crate) const MAX_PACKAGE: u64 = 4 << 30;

/// Answers `PUT /v3/package`. What the package is stands in it, whatever the file is called.
pub(crate) async fn serve(identity: Option<Identity>, host: &dyn Host) -> Result<Response> {
    let file = receive(host).await?;
    let package = PackageFile::open(&file.blob, host).await?;
    let nuspec = package.nuspec().await?;
    if nuspec.is_of_type(symbols::SYMBOLS_PACKAGE) {
        return publish_symbols(&nuspec, &file, &package, host).await;
    }
    let new = metadata::new_version(nuspec, &file, identity)?;
    let (name, version) = (new.name.clone(), new.version.clone());
    let mut edits = Vec::new();
    if host.policy().overwrite && host.version(&name, &version).await?.is_some() {
        edits.extend(removal(&name, &version, host).await?);
    }
    // A version that was unlisted, deleted and is pushed anew starts afresh.
    edits.extend([Edit::Publish(new), listed::edit(&name, &version, true)?]);
    host.commit(Change { preconditions: Vec::new(), edits }).await.map_err(
        |refusal| match refusal.kind {
            RefusalKind::Conflict => Refusal::conflict(format!(
                "{} {} is here already: give the new package another version",
                name.display(),
                version.display()
            )),
            _ => refusal,
        },
    )?;
    Ok(Response::empty(201))
}

/// Answers `PUT /v3/symbols`.
pub(crate) async fn symbols(host: &dyn Host) -> Result<Response> {
    let file = receive(host).await?;
    let package = PackageFile::open(&file.blob, host).await?;
    let nuspec = package.nuspec().await?;
    if nuspec.is_of_type(symbols::SYMBOLS_PACKAGE) {
        return publish_symbols(&nuspec, &file, &package, host).await;
    }
    Err(Refusal::invalid(
        "this is no package of symbols: its nuspec does not have the package type SymbolsPackage",
    ))
}

async fn publish_symbols(
    nuspec: &Nuspec,
    file: &ReceivedFile,
    package: &PackageFile<'_>,
    host: &dyn Host,
) -> Result<Response> {
    let (name, version) = nuspec.identity()?;
    symbols::publish(&name, &version, file, package, host).await
}

async fn receive(host: &dyn Host) -> Result<ReceivedFile> {
    let file = host.receive_file(MAX_PACKAGE).await?;
    if file.blob.size == 0 {
        return Err(Refusal::invalid("the body is empty: send the package file"));
    }
    Ok(file)
}
