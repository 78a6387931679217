//! What is stored of a version: what its nuspec says, and what was worked out when it was pushed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::{
    BlobRef, Identity, Metadata, NewVersion, ReceivedFile, Refusal, Result, VersionRecord,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nuspec::Nuspec;
use crate::xml;

/// The number of this form.
const FORMAT: u32 = 1;

/// The most bytes that are kept with a version.
const MAX_BYTES: usize = 2 << 20;

/// What the package file is to its version.
pub(crate) const PACKAGE: &str = "package";

/// What is stored of a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionMetadata {
    format: u32,
    /// What the nuspec says.
    pub(crate) nuspec: Nuspec,
    /// SHA-512 of the package file, in base64.
    pub(crate) sha512: String,
    /// Who pushed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) publisher: Option<String>,
}

impl VersionMetadata {
    /// Reads what is stored of `record`.
    pub(crate) fn of(record: &VersionRecord) -> Result<Self> {
        record.metadata.parse().map_err(|error| {
            let (name, version) = (record.name.display(), record.version.display());
            Refusal::internal(format!("the metadata of {name} {version} is broken: {error}"))
        })
    }
}

/// Puts together what is published of a package file.
pub(crate) fn new_version(
    nuspec: Nuspec,
    file: &ReceivedFile,
    identity: Option<Identity>,
) -> Result<NewVersion> {
    let (name, version) = nuspec.identity()?;
    let stored = VersionMetadata {
        format: FORMAT,
        nuspec,
        sha512: STANDARD.encode(file.sha512),
        publisher: identity.map(|identity| identity.name),
    };
    let new = NewVersion {
        name,
        version,
        metadata: Metadata::from_value(&stored).map_err(Refusal::internal)?,
        blobs: vec![BlobRef { role: PACKAGE.to_owned(), ..file.blob.clone() }],
    };
    // Every site that gets the version holds it to the same.
    check(&new)?;
    Ok(new)
}

/// Checks that `version` is what a push here could have made, wherever it comes from. What is rendered
/// from it is trusted from then on.
pub(crate) fn check(version: &NewVersion) -> Result<()> {
    if package(&version.blobs).is_none() {
        return Err(Refusal::invalid("a version has one blob, its package file"));
    }
    if version.metadata.as_json().len() > MAX_BYTES {
        return Err(Refusal::invalid(format!("its metadata is longer than {MAX_BYTES} bytes")));
    }
    let malformed = |error| Refusal::invalid(format!("its metadata is malformed: {error}"));
    let json: Value = version.metadata.parse().map_err(malformed)?;
    check_texts(&json)?;
    let stored: VersionMetadata = version.metadata.parse().map_err(malformed)?;
    if stored.format != FORMAT {
        let format = stored.format;
        return Err(Refusal::invalid(format!(
            "its metadata has the format {format}, not {FORMAT}"
        )));
    }
    stored.nuspec.check()?;
    if stored.nuspec.identity()? != (version.name.clone(), version.version.clone()) {
        return Err(Refusal::invalid("its nuspec is of another id or version"));
    }
    match STANDARD.decode(&stored.sha512) {
        Ok(bytes) if bytes.len() == 64 => Ok(()),
        _ => Err(Refusal::invalid("its `sha512` is no SHA-512 in base64")),
    }
}

/// The blob of the package file, the only one of a version.
pub(crate) fn package(blobs: &[BlobRef]) -> Option<&BlobRef> {
    match blobs {
        [blob] if blob.role == PACKAGE => Some(blob),
        _ => None,
    }
}

/// The same of what is stored, where it must be.
pub(crate) fn package_of(record: &VersionRecord) -> Result<&BlobRef> {
    package(&record.blobs).ok_or_else(|| {
        let (name, version) = (record.name.display(), record.version.display());
        Refusal::internal(format!("{name} {version} has no package file"))
    })
}

/// Every text can be written into an XML document: some clients are answered with those.
fn check_texts(json: &Value) -> Result<()> {
    match json {
        Value::String(text) => xml::check_characters(text),
        Value::Array(items) => items.iter().try_for_each(check_texts),
        Value::Object(members) => members.values().try_for_each(check_texts),
        _ => Ok(()),
    }
}
