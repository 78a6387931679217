//! What is stored of symbols.

use pakhus_core::{
    BlobRef, Edit, Host, Metadata, NewVersion, PackageName, PackageVersion, Refusal, Result,
};
use serde::{Deserialize, Serialize};

use super::{Signature, pdb_name, symbols_name};
use crate::name;
use crate::version;

/// The number of this form.
const FORMAT: u32 = 1;

/// The most bytes that are kept with a package of symbols.
const MAX_BYTES: usize = 1 << 20;

/// The most PDBs of a package.
pub(super) const MAX_FILES: usize = 500;

/// What the blob is to a version.
const PACKAGE: &str = "symbols";
const PDB: &str = "pdb";

/// A package of symbols, and what is in it.
#[derive(Debug, Serialize, Deserialize)]
struct SymbolsMetadata {
    format: u32,
    id: String,
    version: String,
    pdbs: Vec<PdbKey>,
}

/// What a PDB is asked for by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PdbKey {
    file: String,
    signature: String,
}

/// A PDB, and which package it came with.
#[derive(Debug, Serialize, Deserialize)]
struct PdbMetadata {
    format: u32,
    id: String,
    version: String,
}

/// A PDB of a package that is pushed.
pub(super) struct NewPdb {
    pub(super) name: PackageName,
    pub(super) version: PackageVersion,
    pub(super) blob: BlobRef,
}

/// Puts together what is published of a package of symbols with these PDBs in it.
pub(super) fn new_symbols(
    name: &PackageName,
    version: &PackageVersion,
    blob: &BlobRef,
    pdbs: &[NewPdb],
) -> Result<NewVersion> {
    let metadata = SymbolsMetadata {
        format: FORMAT,
        id: name.display().to_owned(),
        version: version.display().to_owned(),
        pdbs: pdbs.iter().map(|pdb| key_of(&pdb.name, &pdb.version)).collect(),
    };
    checked(NewVersion {
        name: symbols_name(name).map_err(Refusal::invalid)?,
        version: version.clone(),
        metadata: Metadata::from_value(&metadata).map_err(Refusal::internal)?,
        blobs: vec![BlobRef { role: PACKAGE.to_owned(), ..blob.clone() }],
    })
}

/// Puts together what is published of a PDB that came with this package.
pub(super) fn new_pdb(
    name: &PackageName,
    version: &PackageVersion,
    pdb: NewPdb,
) -> Result<NewVersion> {
    let (id, version) = (name.display().to_owned(), version.display().to_owned());
    let metadata = PdbMetadata { format: FORMAT, id, version };
    checked(NewVersion {
        name: pdb.name,
        version: pdb.version,
        metadata: Metadata::from_value(&metadata).map_err(Refusal::internal)?,
        blobs: vec![BlobRef { role: PDB.to_owned(), ..pdb.blob }],
    })
}

/// Checks that `new` is what a push here could have made, wherever it comes from.
pub(crate) fn check(new: &NewVersion) -> Result<()> {
    let malformed = |error| Refusal::invalid(format!("its metadata is malformed: {error}"));
    let role = match new.blobs.as_slice() {
        [blob] => blob.role.as_str(),
        _ => return Err(Refusal::invalid("symbols have one blob")),
    };
    if new.metadata.as_json().len() > MAX_BYTES {
        return Err(Refusal::invalid(format!("its metadata is longer than {MAX_BYTES} bytes")));
    }
    let (format, id, version) = if pdb_name(file_of(&new.name)).is_ok_and(|it| it == new.name) {
        let stored: PdbMetadata = new.metadata.parse().map_err(malformed)?;
        if role != PDB || Signature::parse(new.version.key()).is_none() {
            return Err(Refusal::invalid("a PDB is one by its signature and its blob"));
        }
        (stored.format, stored.id, stored.version)
    } else {
        let stored: SymbolsMetadata = new.metadata.parse().map_err(malformed)?;
        let name = name::parse(&stored.id).and_then(|name| symbols_name(&name));
        if role != PACKAGE || name.map_err(Refusal::invalid)?.key() != new.name.key() {
            return Err(Refusal::invalid("symbols are those of their package"));
        }
        if stored.pdbs.len() > MAX_FILES {
            return Err(Refusal::invalid(format!("it has more than {MAX_FILES} PDBs")));
        }
        for key in &stored.pdbs {
            identity(key)?;
        }
        (stored.format, stored.id, stored.version)
    };
    name::parse(&id).map_err(Refusal::invalid)?;
    version::parse(&version).map_err(Refusal::invalid)?;
    if format == FORMAT {
        Ok(())
    } else {
        Err(Refusal::invalid(format!("its metadata has the format {format}, not {FORMAT}")))
    }
}

/// The edits after which nothing of the symbols of a version is left. A PDB that another version's
/// symbols have too goes only with those.
pub(crate) async fn removal(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<Vec<Edit>> {
    let name = symbols_name(name).map_err(Refusal::internal)?;
    let Some(contents) = host.contents(&name).await? else { return Ok(Vec::new()) };
    let (mut going, mut staying) = (None, Vec::new());
    for record in &contents.versions {
        let stored: SymbolsMetadata = record.metadata.parse().map_err(Refusal::internal)?;
        if record.version.key() == version.key() {
            going = Some(stored.pdbs);
        } else {
            staying.extend(stored.pdbs);
        }
    }
    let Some(going) = going else { return Ok(Vec::new()) };
    let mut edits = vec![Edit::Delete { name, version: version.clone() }];
    for key in going.iter().filter(|key| !staying.contains(key)) {
        let (name, version) = identity(key)?;
        if host.version(&name, &version).await?.is_some() {
            edits.push(Edit::Delete { name, version });
        }
    }
    Ok(edits)
}

/// The name of the file that a package of PDBs is called by.
pub(super) fn file_of(name: &PackageName) -> &str {
    name.display().rsplit_once('/').map_or("", |(_, file)| file)
}

fn key_of(name: &PackageName, version: &PackageVersion) -> PdbKey {
    PdbKey { file: file_of(name).to_owned(), signature: version.key().to_owned() }
}

fn identity(key: &PdbKey) -> Result<(PackageName, PackageVersion)> {
    let name = pdb_name(&key.file).map_err(Refusal::invalid)?;
    let signature = Signature::parse(&key.signature)
        .ok_or_else(|| Refusal::invalid("the signature of a PDB is none"))?;
    Ok((name, signature.version().map_err(Refusal::invalid)?))
}

fn checked(new: NewVersion) -> Result<NewVersion> {
    // Every site that gets it holds it to the same.
    check(&new)?;
    Ok(new)
}
