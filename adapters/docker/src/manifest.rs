//! Manifests: images and indexes, of OCI and of Docker (schema 2).

use std::collections::{BTreeMap, HashSet};

use pakhus_core::{Refusal, Result};
use serde::Deserialize;

use crate::descriptor::Descriptor;
use crate::error;

/// The type of an index of OCI.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The most bytes of a manifest: what the specification asks of registries at least.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// The most blobs or manifests that one manifest names.
const MAX_DESCRIPTORS: usize = 5_000;

/// The types of manifests that are stored, and whether they are indexes.
const TYPES: [(&str, bool); 4] = [
    ("application/vnd.oci.image.manifest.v1+json", false),
    (INDEX, true),
    ("application/vnd.docker.distribution.manifest.v2+json", false),
    ("application/vnd.docker.distribution.manifest.list.v2+json", true),
];

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Its type.
    pub(crate) media_type: &'static str,
    /// What kind of artifact it is: what it says, or the type of the config of an image.
    pub(crate) artifact_type: Option<String>,
    /// The manifest that it is about.
    pub(crate) subject: Option<Descriptor>,
    /// What it says of itself.
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    /// The config of an image.
    pub(crate) config: Option<Descriptor>,
    /// The layers of an image, none twice.
    pub(crate) layers: Vec<Descriptor>,
    /// The manifests of an index, none twice.
    pub(crate) children: Vec<Descriptor>,
}

/// Whether `media_type` is one of a manifest that is stored; if so, as it is written, and whether it is
/// one of an index.
pub(crate) fn known_type(media_type: &str) -> Option<(&'static str, bool)> {
    TYPES.into_iter().find(|(known, _)| *known == media_type)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u64,
    media_type: Option<String>,
    artifact_type: Option<String>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
}

impl Manifest {
    /// Reads a manifest that was sent with this `Content-Type`.
    pub(crate) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self> {
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| invalid(format!("the manifest cannot be read: {error}")))?;
        if document.schema_version != 2 {
            return Err(invalid("the manifest is not of schema version 2"));
        }
        let (media_type, is_index) = type_of(&document, content_type)?;
        // What could be read as either would be another thing to every client.
        let is_both = document.manifests.is_some()
            && (document.layers.is_some() || document.config.is_some());
        if is_both || is_index != document.manifests.is_some() {
            return Err(invalid(match is_index {
                true => "an index has `manifests`, and neither `config` nor `layers`",
                false => "an image has `config` and `layers`, and no `manifests`",
            }));
        }
        if !is_index && document.config.is_none() {
            return Err(invalid("an image has a `config`"));
        }
        let (layers, children) = (document.layers, document.manifests);
        let layers = without_doubles(layers.unwrap_or_default())?;
        let children = without_doubles(children.unwrap_or_default())?;
        let said = document.artifact_type.filter(|said| !said.is_empty());
        let of_config = document.config.as_ref().map(|config| config.media_type.clone());
        Ok(Self {
            media_type,
            artifact_type: said.or(of_config),
            subject: document.subject,
            annotations: document.annotations,
            config: document.config,
            layers,
            children,
        })
    }
}

/// The type of a manifest: what it says itself, what it was sent as, or what it looks like.
fn type_of(document: &Document, content_type: Option<&str>) -> Result<(&'static str, bool)> {
    let sent_as =
        content_type.map(|sent_as| sent_as.split(';').next().unwrap_or_default().trim()).filter(
            |sent_as| !matches!(*sent_as, "" | "application/json" | "application/octet-stream"),
        );
    let said = document.media_type.as_deref().filter(|said| !said.is_empty());
    if let (Some(said), Some(sent_as)) = (said, sent_as)
        && said != sent_as
    {
        return Err(invalid(format!(
            "the manifest says that it is `{said}`, and was sent as `{sent_as}`"
        )));
    }
    let looks_like = if document.manifests.is_some() { TYPES[1].0 } else { TYPES[0].0 };
    let media_type = said.or(sent_as).unwrap_or(looks_like);
    known_type(media_type)
        .ok_or_else(|| invalid(format!("manifests of the type `{media_type}` are not stored here")))
}

fn without_doubles(mut descriptors: Vec<Descriptor>) -> Result<Vec<Descriptor>> {
    if descriptors.len() > MAX_DESCRIPTORS {
        return Err(invalid(format!("the manifest names more than {MAX_DESCRIPTORS} others")));
    }
    let mut seen = HashSet::new();
    descriptors.retain(|descriptor| seen.insert(descriptor.digest));
    Ok(descriptors)
}

pub(crate) fn invalid(message: impl std::fmt::Display) -> Refusal {
    Refusal::invalid(message).coded(error::MANIFEST_INVALID)
}
