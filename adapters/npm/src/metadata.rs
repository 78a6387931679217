//! What is stored of a version.
//!
//! The manifest is kept in two halves that share no member: what installing needs, and the rest. The
//! abbreviated packument is rendered from the first half alone, the full one from both, by splicing
//! texts. What only the server knows (URLs, tags, deprecations, the publisher) is in neither half, so
//! that rendering can add it without making a member twice.

use std::borrow::Cow;

use pakhus_core::{BlobRef, Metadata, NewVersion, Refusal, Result, VersionRecord};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::dist::Dist;
use crate::document::malformed;
use crate::json::{self, Members};
use crate::{attestation, name, version};

/// The number of this form.
const FORMAT: u32 = 1;

/// The most bytes that are kept with a version.
const MAX_BYTES: usize = 4 << 20;

/// What the tarball is to its version.
pub(crate) const TARBALL: &str = "tarball";

/// The members of a manifest that installing needs: those of the abbreviated packument.
pub(crate) const INSTALL: [&str; 19] = [
    "name",
    "version",
    "dependencies",
    "acceptDependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bin",
    "directories",
    "engines",
    "_hasShrinkwrap",
    "hasInstallScript",
    "funding",
    "cpu",
    "os",
    "libc",
];

/// The members that are added when a manifest is rendered.
pub(crate) const RENDERED: [&str; 7] =
    ["_id", "_npmUser", "maintainers", "dist", "deprecated", "readme", "readmeFilename"];

/// What is stored of a version, its manifest not unpacked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct VersionMetadata<'a> {
    format: u32,
    /// The half of the manifest that installing needs.
    #[serde(borrow)]
    pub(crate) install: &'a RawValue,
    /// The other half.
    #[serde(borrow)]
    pub(crate) details: &'a RawValue,
    /// The hashes of the tarball.
    pub(crate) dist: Dist,
    /// Who published it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) publisher: Option<Cow<'a, str>>,
    /// The beginning of its readme, a text.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) readme: Option<&'a RawValue>,
    /// The name of the readme's file, a text.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) readme_filename: Option<&'a RawValue>,
    /// Where it was built, said by who built it: a Sigstore bundle.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) provenance: Option<&'a RawValue>,
}

/// The members of the first half that say which version it is.
#[derive(Deserialize)]
struct NameAndVersion<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

impl<'a> VersionMetadata<'a> {
    /// Puts together what is stored of a version without a readme or provenance.
    pub(crate) const fn new(install: &'a RawValue, details: &'a RawValue, dist: Dist) -> Self {
        Self {
            format: FORMAT,
            install,
            details,
            dist,
            publisher: None,
            readme: None,
            readme_filename: None,
            provenance: None,
        }
    }

    /// Reads what is stored of `record`.
    pub(crate) fn of(record: &'a VersionRecord) -> Result<Self> {
        record.metadata.parse().map_err(|error| {
            let (name, version) = (record.name.display(), record.version.display());
            Refusal::internal(format!("the metadata of {name} {version} is broken: {error}"))
        })
    }
}

/// Checks that `version` is what a publish here could have made, wherever it comes from. What is
/// rendered from it is trusted from then on.
pub(crate) fn check(version: &NewVersion) -> Result<()> {
    let name = name::parse(version.name.display()).map_err(Refusal::invalid)?;
    let parsed = version::parse(version.version.display()).map_err(Refusal::invalid)?;
    if name != version.name || parsed != version.version {
        return Err(Refusal::invalid("the name or version is not written as npm writes it"));
    }
    check_blobs(&version.blobs)?;
    check_metadata(&version.metadata, version.name.display(), version.version.display())
        .map_err(|refusal| Refusal::invalid(format!("the metadata is not npm's: {refusal}")))
}

/// The blob of the tarball, the only one of a version.
pub(crate) fn tarball(blobs: &[BlobRef]) -> Option<&BlobRef> {
    match blobs {
        [blob] if blob.role == TARBALL => Some(blob),
        _ => None,
    }
}

fn check_blobs(blobs: &[BlobRef]) -> Result<()> {
    match tarball(blobs) {
        Some(_) => Ok(()),
        None => Err(Refusal::invalid("a version has one blob, its tarball")),
    }
}

fn check_metadata(metadata: &Metadata, name: &str, version: &str) -> Result<()> {
    if metadata.as_json().len() > MAX_BYTES {
        return Err(Refusal::invalid(format!("it is longer than {MAX_BYTES} bytes")));
    }
    let stored: VersionMetadata = metadata.parse().map_err(malformed("it"))?;
    if stored.format != FORMAT {
        return Err(Refusal::invalid(format!("its format is {}, not {FORMAT}", stored.format)));
    }
    for half in [stored.install, stored.details] {
        json::check_plain(half).map_err(malformed("the manifest"))?;
    }
    let install: Members =
        serde_json::from_str(stored.install.get()).map_err(malformed("`install`"))?;
    let details: Members =
        serde_json::from_str(stored.details.get()).map_err(malformed("`details`"))?;
    if let Some((member, _)) = install.0.iter().find(|(name, _)| !INSTALL.contains(&name.as_str()))
    {
        return Err(Refusal::invalid(format!("`{member}` does not belong into `install`")));
    }
    let is_elsewhere = |name: &str| INSTALL.contains(&name) || RENDERED.contains(&name);
    if let Some((member, _)) = details.0.iter().find(|(name, _)| is_elsewhere(name)) {
        return Err(Refusal::invalid(format!("`{member}` does not belong into `details`")));
    }
    let says: NameAndVersion =
        serde_json::from_str(stored.install.get()).map_err(malformed("`install`"))?;
    if says.name != name || says.version != version {
        return Err(Refusal::invalid("it is of another name or version"));
    }
    for text in [stored.readme, stored.readme_filename].into_iter().flatten() {
        if json::string(text).is_none() {
            return Err(Refusal::invalid("the readme or its file name is no text"));
        }
    }
    stored.dist.check()?;
    match stored.provenance {
        Some(bundle) => attestation::check(bundle, name, version, &stored.dist.integrity),
        None => Ok(()),
    }
}
