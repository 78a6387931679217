//! Pushing packages of symbols.

use pakhus_core::{
    Change, Edit, Host, PackageName, PackageVersion, ReceivedFile, Refusal, RefusalKind, Response,
    Result,
};

use super::identity::has_extension;
use super::record::{self, MAX_FILES, NewPdb};
use super::{pdb, pdb_name, removal};
use crate::package::PackageFile;
use crate::push::MAX_PACKAGE;
use crate::version;
use crate::zip::Entry;

/// The type of a package of symbols.
pub(crate) const SYMBOLS_PACKAGE: &str = "SymbolsPackage";

/// What may be in one beside PDBs, as the public gallery has it.
const OTHERS: [&str; 6] = [".nuspec", ".xml", ".psmdcp", ".rels", ".p7s", "/"];

/// Publishes the symbols of a version that is here.
pub(crate) async fn publish(
    name: &PackageName,
    version: &PackageVersion,
    file: &ReceivedFile,
    package: &PackageFile<'_>,
    host: &dyn Host,
) -> Result<Response> {
    // Symbols are shown as their package is.
    let record = version::stored(name, version, host).await?;
    let pdbs = pdbs_in(package, host).await?;
    let mut edits = Vec::new();
    if host.policy().overwrite {
        edits.extend(removal(&record.name, &record.version, host).await?);
    }
    let symbols = record::new_symbols(&record.name, &record.version, &file.blob, &pdbs)?;
    edits.push(Edit::Publish(symbols));
    for pdb in pdbs {
        // One that another package brought along stays as it is: its signature says that it is the same.
        let goes = edits.iter().any(|edit| match edit {
            Edit::Delete { name, version } => *name == pdb.name && *version == pdb.version,
            _ => false,
        });
        if goes || host.version(&pdb.name, &pdb.version).await?.is_none() {
            let new = record::new_pdb(&record.name, &record.version, pdb)?;
            edits.push(Edit::Publish(new));
        }
    }
    host.commit(Change { preconditions: Vec::new(), edits }).await.map_err(
        |refusal| match refusal.kind {
            RefusalKind::Conflict => Refusal::conflict(format!(
                "the symbols of {} {} are here already",
                name.display(),
                version.display()
            )),
            _ => refusal,
        },
    )?;
    Ok(Response::empty(201))
}

/// Unpacks the PDBs, and reads what identifies each.
async fn pdbs_in(package: &PackageFile<'_>, host: &dyn Host) -> Result<Vec<NewPdb>> {
    let mut entries: Vec<Entry> = Vec::new();
    package
        .zip
        .for_each(|entry| {
            let path = entry.path().to_lowercase();
            if has_extension(&path) {
                if entries.len() == MAX_FILES {
                    let message = format!("the package has more than {MAX_FILES} PDBs");
                    return Err(Refusal::invalid(message));
                }
                entries.push(entry);
            } else if !OTHERS.iter().any(|end| path.ends_with(end)) {
                let name = entry.shortened_name();
                return Err(Refusal::invalid(format!(
                    "the package of symbols has the file `{name}`: only PDBs may be in it"
                )));
            }
            Ok(())
        })
        .await?;
    if entries.is_empty() {
        return Err(Refusal::invalid("the package of symbols has no PDB in it"));
    }
    let mut pdbs: Vec<NewPdb> = Vec::new();
    for entry in entries {
        let path = entry.path();
        let file = path.rsplit_once('/').map_or(path.as_str(), |(_, file)| file);
        let name = pdb_name(file).map_err(Refusal::invalid)?;
        let blob = package.zip.unpack(&entry, MAX_PACKAGE).await?;
        let signature = pdb::signature(file, &blob, host).await?;
        let version = signature.version().map_err(Refusal::internal)?;
        if !pdbs.iter().any(|known| known.name == name && known.version == version) {
            pdbs.push(NewPdb { name, version, blob });
        }
    }
    Ok(pdbs)
}
