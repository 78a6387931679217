//! `_rev`, by which a client says which state of a package it has read.

use pakhus_core::{Change, Digest, Edit, Host, PackageContents, PackageName, Precondition, Result};

use crate::error::{no_such_package, stale};

/// The revision that clients read. It follows from the state alone, so all sites with the same
/// contents say the same; CouchDB's form, because clients put it into paths.
pub(crate) fn of(contents: &PackageContents) -> String {
    let mut digits = Digest::of(contents.fingerprint.as_bytes()).hex();
    digits.truncate(32);
    format!("1-{digits}")
}

/// Reads the package, which must be as it was when the client read `rev`.
pub(crate) async fn unchanged(
    name: &PackageName,
    rev: &str,
    host: &dyn Host,
) -> Result<PackageContents> {
    let contents = host.contents(name).await?.ok_or_else(|| no_such_package(name))?;
    if of(&contents) == rev { Ok(contents) } else { Err(stale(name)) }
}

/// Makes the edits if the package is still as `contents` says.
pub(crate) async fn commit(
    contents: &PackageContents,
    edits: Vec<Edit>,
    host: &dyn Host,
) -> Result<()> {
    let precondition = Precondition::Fingerprint {
        name: contents.package.name.clone(),
        fingerprint: contents.fingerprint.clone(),
    };
    host.commit(Change { preconditions: vec![precondition], edits }).await.map(drop)
}
