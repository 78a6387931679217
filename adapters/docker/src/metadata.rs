//! What is stored of a manifest beside its bytes.

use pakhus_core::{BlobRef, ContentDigest, NewVersion, Refusal, Result, VersionRecord};
use serde::{Deserialize, Serialize};

use crate::descriptor::Platform;
use crate::manifest::{self, Manifest};

/// The form of what is stored; one that is changed gets a new number.
const FORMAT: u64 = 1;

/// The role of the blob that is the manifest itself, always the first.
pub(crate) const MANIFEST: &str = "manifest";
/// The role of an image's config.
pub(crate) const CONFIG: &str = "config";
/// The role of its layers.
pub(crate) const LAYER: &str = "layer";

/// How deep indexes may be in each other: an index of images is 1 deep.
pub(crate) const MAX_DEPTH: u8 = 8;

/// The longest text, in bytes.
const MAX_TEXT: usize = 1_024;

/// What is stored of a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    format: u64,
    /// Its type.
    pub(crate) media_type: String,
    /// What kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    /// The digest of the manifest that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<ContentDigest>,
    /// How deep its children are in each other: 0 for an image.
    pub(crate) depth: u8,
    /// The manifests of an index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) children: Vec<Child>,
}

/// A manifest of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Child {
    /// Its digest.
    pub(crate) digest: ContentDigest,
    /// What it runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
}

impl Stored {
    /// What to store of a manifest whose children are this deep.
    pub(crate) fn of(manifest: &Manifest, depth: u8) -> Self {
        let children = manifest
            .children
            .iter()
            .map(|child| Child { digest: child.digest, platform: child.platform.clone() });
        Self {
            format: FORMAT,
            media_type: manifest.media_type.to_owned(),
            artifact_type: manifest.artifact_type.clone(),
            subject: manifest.subject.as_ref().map(|subject| subject.digest),
            depth,
            children: children.collect(),
        }
    }

    /// What is stored of a version.
    pub(crate) fn read(record: &VersionRecord) -> Result<Self> {
        record.metadata.parse().map_err(Refusal::internal)
    }
}

/// The blob that is the manifest itself.
pub(crate) fn manifest_of(record: &VersionRecord) -> Result<&BlobRef> {
    record.blobs.first().ok_or_else(|| {
        let (name, version) = (record.name.display(), record.version.display());
        Refusal::internal(format!("{name}@{version} has no blob of its own"))
    })
}

/// Checks that `version` is what a push here could have made, wherever it comes from. That the bytes of
/// the manifest say the same is not looked at: who sent them has them from a push.
pub(crate) fn check(version: &NewVersion) -> Result<()> {
    let json = version.metadata.as_json();
    if json.len() > manifest::MAX_BYTES {
        return Err(Refusal::invalid("its metadata is longer than any manifest"));
    }
    let stored: Stored = version
        .metadata
        .parse()
        .map_err(|error| Refusal::invalid(format!("its metadata is malformed: {error}")))?;
    if stored.format != FORMAT {
        let format = stored.format;
        return Err(Refusal::invalid(format!(
            "its metadata has the format {format}, not {FORMAT}"
        )));
    }
    let Some((_, is_index)) = manifest::known_type(&stored.media_type) else {
        return Err(Refusal::invalid(format!("`{}` is no type of manifests", stored.media_type)));
    };
    if stored.artifact_type.as_ref().is_some_and(|text| text.len() > MAX_TEXT) {
        return Err(Refusal::invalid(format!("its artifact type is longer than {MAX_TEXT} bytes")));
    }
    let is_deep = stored.depth > 0;
    if stored.depth > MAX_DEPTH || is_deep != is_index || (!is_index && !stored.children.is_empty())
    {
        return Err(Refusal::invalid("its depth and its children are not those of its type"));
    }
    check_blobs(version, is_index)
}

/// The first blob is the manifest; an image has its config then, and its layers.
fn check_blobs(version: &NewVersion, is_index: bool) -> Result<()> {
    let refused = |reason: &str| Err(Refusal::invalid(reason));
    let [own, others @ ..] = version.blobs.as_slice() else {
        return refused("a version has a blob that is its manifest");
    };
    if own.role != MANIFEST || own.size > manifest::MAX_BYTES as u64 {
        return refused("the first blob of a version is its manifest, of at most 4 MiB");
    }
    if own.name().to_string() != version.version.key() {
        return refused("the digest of its manifest is another than its version");
    }
    match (is_index, others) {
        (true, []) => Ok(()),
        (true, _) => refused("an index has no blob but its own"),
        (false, [config, layers @ ..])
            if config.role == CONFIG && layers.iter().all(|blob| blob.role == LAYER) =>
        {
            Ok(())
        }
        (false, _) => refused("an image has a config, and layers behind it"),
    }
}
