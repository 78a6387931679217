//! Descriptors: how manifests refer to blobs and to other manifests (OCI image specification 1.1,
//! `descriptor.md`).

use std::collections::BTreeMap;

use pakhus_core::ContentDigest;
use serde::{Deserialize, Serialize};

/// Layers of these types are fetched from elsewhere, and a registry need not have them.
const NOT_DISTRIBUTED: [&str; 4] = [
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
];

/// A reference to a blob or a manifest, as far as it is looked at here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    /// The type of what is referred to.
    pub(crate) media_type: String,
    /// Its digest.
    pub(crate) digest: ContentDigest,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// What kind of artifact a manifest is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    /// What a manifest says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    /// What the image of an index runs on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
}

/// What an image runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Platform {
    /// The operating system.
    pub(crate) os: String,
    /// The processor.
    pub(crate) architecture: String,
    /// The variant of the processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
}

impl Descriptor {
    /// Whether a registry need not have it.
    pub(crate) fn is_distributed_elsewhere(&self) -> bool {
        NOT_DISTRIBUTED.contains(&self.media_type.as_str())
    }
}
