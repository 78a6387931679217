//! Pushing packages.

use pakhus_core::{Change, Edit, Host, Identity, Refusal, RefusalKind, Response, Result};

use crate::package::PackageFile;
use crate::{listed, metadata};

/// The most bytes of a package file.
pub(crate) const MAX_PACKAGE: u64 = 4 << 30;

/// The type of a package that has the symbols of another.
const SYMBOLS: &str = "SymbolsPackage";

/// Answers `PUT /v3/package`. What the package is stands in it, whatever the file is called.
pub(crate) async fn serve(identity: Option<Identity>, host: &dyn Host) -> Result<Response> {
    let file = host.receive_file(MAX_PACKAGE).await?;
    if file.blob.size == 0 {
        return Err(Refusal::invalid("the body is empty: send the package file"));
    }
    let nuspec = PackageFile::open(&file.blob, host).await?.nuspec().await?;
    if nuspec.is_of_type(SYMBOLS) {
        return Err(Refusal::invalid(
            "this is a package of symbols, which is no package by itself",
        ));
    }
    let new = metadata::new_version(nuspec, &file, identity)?;
    let (name, version) = (new.name.clone(), new.version.clone());
    // A version that was unlisted, deleted and is pushed anew starts afresh.
    let edits = vec![Edit::Publish(new), listed::edit(&name, &version, true)?];
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
