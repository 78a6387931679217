//! The Docker package type: repositories, tags, manifests, and the API of the OCI Distribution
//! Specification 1.1.
//!
//! A package is a repository, a version is a manifest by its digest, its blobs are the manifest's own
//! bytes, the config and the layers. A request is first recognised as an `Endpoint` by its head alone,
//! then served by the module of that endpoint. Every manifest is kept and served to the byte as it was
//! pushed; what is stored beside it (`metadata`) is what the server needs to know without reading it.

mod blobs;
mod catalog;
mod delete;
mod descriptor;
mod error;
mod manifest;
mod metadata;
mod name;
mod page;
mod pull;
mod push;
mod reference;
mod referrers;
mod route;
mod tags;
mod uploads;

use async_trait::async_trait;
use pakhus_core::{
    Capabilities, Descriptor, Host, InvalidName, InvalidVersion, Metadata, Mount, NewVersion,
    PackageName, PackageType, PackageVersion, Refusal, Request, RequestHead, Response, Result,
    Route,
};

use crate::route::Endpoint;

/// The Docker package type.
#[derive(Debug)]
pub struct Docker {
    descriptor: Descriptor,
}

impl Default for Docker {
    fn default() -> Self {
        // The limits of replication that container feeds have elsewhere too: it only adds.
        let capabilities = Capabilities {
            tracks_deletions: false,
            syncs_publish_date: false,
            syncs_download_count: false,
            has_policy: false,
            mount: Mount::V2,
        };
        let (name, version) = ("docker".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { descriptor: Descriptor { name, version, capabilities } }
    }
}

#[async_trait]
impl PackageType for Docker {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName> {
        name::parse(raw)
    }

    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion> {
        reference::version(raw)
    }

    fn check_version(&self, version: &NewVersion) -> Result<()> {
        metadata::check(version)
    }

    fn check_tag(&self, tag: &str) -> Result<()> {
        reference::check_tag(tag)
    }

    fn check_attribute(
        &self,
        attribute: &str,
        version: Option<&str>,
        value: &Metadata,
    ) -> Result<()> {
        referrers::check_attribute(attribute, version, value)
    }

    fn route(&self, head: &RequestHead) -> Result<Route> {
        Endpoint::parse(head).map(Endpoint::into_route)
    }

    async fn serve(&self, request: Request, host: &dyn Host) -> Result<Response> {
        let head = &request.head;
        match Endpoint::parse(head)? {
            Endpoint::Ping => Ok(Response::json(200, "{}")),
            Endpoint::Catalog => catalog::serve(head, host).await,
            Endpoint::Tags { name } => tags::list(&name, head, host).await,
            Endpoint::Referrers { name, subject } => {
                referrers::list(&name, &subject, head, host).await
            }
            Endpoint::Manifest { name, reference } => pull::manifest(&name, &reference, host).await,
            Endpoint::PutManifest { name, reference } => {
                push::manifest(&name, &reference, head, host).await
            }
            Endpoint::DeleteManifest { name, reference } => {
                delete::manifest(&name, &reference, host).await
            }
            Endpoint::Blob { name, digest } => blobs::serve(&name, &digest, host).await,
            Endpoint::DeleteBlob { name, digest } => blobs::delete(&name, &digest, host).await,
            Endpoint::BeginUpload { name } => uploads::begin(&name, head, host).await,
            Endpoint::Upload { name, id, act } => uploads::go_on(&name, &id, act, head, host).await,
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        error::refuse(refusal)
    }
}
