//! The npm package type: names, versions, packuments and the registry protocol of npm clients.
//!
//! A request is first recognised as an `Endpoint` by its head alone, then served by the module of
//! that endpoint. What is stored of a version is in `metadata`; everything that clients read is
//! rendered from that and from the tags and attributes of the package, by `render`, so that two sites
//! with equal contents answer with equal documents.

mod accept;
mod access;
mod account;
mod archive;
mod attestation;
mod audit;
mod deprecate;
mod dist;
mod dist_tags;
mod document;
mod error;
mod json;
mod manifest;
mod metadata;
mod name;
mod node_version;
mod owners;
mod package_json;
mod packument;
mod profile;
mod publish;
mod put;
mod range;
mod render;
mod rev;
mod route;
mod search;
mod tag;
mod tarball;
mod token;
mod unpublish;
mod version;
mod view;

use async_trait::async_trait;
use pakhus_core::{
    Capabilities, Descriptor, Host, InvalidName, InvalidVersion, Metadata, Mount, NewVersion,
    PackageContents, PackageName, PackageType, PackageVersion, Refusal, Request, RequestHead,
    Response, Result, Route, SearchEntry,
};

use crate::route::Endpoint;

/// The npm package type.
#[derive(Debug)]
pub struct Npm {
    descriptor: Descriptor,
}

impl Default for Npm {
    fn default() -> Self {
        let capabilities = Capabilities {
            tracks_deletions: true,
            syncs_publish_date: true,
            syncs_download_count: true,
            has_policy: false,
            mount: Mount::Feed,
        };
        let (name, version) = ("npm".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { descriptor: Descriptor { name, version, capabilities } }
    }
}

#[async_trait]
impl PackageType for Npm {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName> {
        name::parse(raw)
    }

    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion> {
        version::parse(raw)
    }

    fn check_version(&self, version: &NewVersion) -> Result<()> {
        metadata::check(version)
    }

    fn check_tag(&self, tag: &str) -> Result<()> {
        tag::check(tag)
    }

    fn check_attribute(
        &self,
        attribute: &str,
        version: Option<&str>,
        value: &Metadata,
    ) -> Result<()> {
        match attribute {
            deprecate::DEPRECATED => deprecate::check_attribute(version, value),
            owners::MAINTAINERS => owners::check_attribute(version, value),
            _ => Ok(()),
        }
    }

    fn search_entry(&self, contents: &PackageContents) -> Result<SearchEntry> {
        search::entry(contents)
    }

    fn route(&self, head: &RequestHead) -> Result<Route> {
        Endpoint::parse(head).map(Endpoint::into_route)
    }

    async fn serve(&self, request: Request, host: &dyn Host) -> Result<Response> {
        match Endpoint::parse(&request.head)? {
            Endpoint::Packument { name } => packument::packument(&name, &request.head, host).await,
            Endpoint::Manifest { name, wanted } => {
                packument::manifest(&name, &wanted, &request.head, host).await
            }
            Endpoint::Tarball { name, version } => tarball::serve(&name, &version, host).await,
            Endpoint::Put { name } => put::serve(&name, request.identity, host).await,
            Endpoint::PutRev { name, rev } => put::with_rev(&name, &rev, host).await,
            Endpoint::UnpublishTarball { name, version } => {
                unpublish::tarball(&name, &version, host).await
            }
            Endpoint::UnpublishPackage { name, rev } => unpublish::package(&name, &rev, host).await,
            Endpoint::DistTags { name } => dist_tags::list(&name, host).await,
            Endpoint::SetDistTag { name, tag } => dist_tags::set(&name, &tag, host).await,
            Endpoint::RemoveDistTag { name, tag } => dist_tags::remove(&name, &tag, host).await,
            Endpoint::Search => search::serve(&request.head, host).await,
            Endpoint::Attestations { name, version } => {
                attestation::serve(&name, &version, host).await
            }
            Endpoint::Keys => Err(attestation::keys()),
            Endpoint::AddOwner { name } => owners::add(&name, host).await,
            Endpoint::Collaborators { name } => owners::collaborators(&name, host).await,
            Endpoint::Visibility { name } => access::visibility(&name, host).await,
            Endpoint::SetAccess { name } => access::set(&name, host).await,
            Endpoint::Ping => Ok(account::ping()),
            Endpoint::WhoAmI => account::who_am_i(request.identity.as_ref()),
            Endpoint::SignIn { user } => account::sign_in(&user, &request.head, host).await,
            Endpoint::User { user } => account::user(&user, request.identity.as_ref(), host).await,
            Endpoint::SignOut { token } => account::sign_out(&token, host).await,
            Endpoint::BeginLogin => account::begin_login(&request.head, host).await,
            Endpoint::FinishLogin => account::finish_login(&request.head, host).await,
            Endpoint::Tokens => token::list(&request.head, host).await,
            Endpoint::CreateToken => token::create(&request.head, host).await,
            Endpoint::RevokeToken { token } => token::revoke(&token, host).await,
            Endpoint::Profile => profile::show(host).await,
            Endpoint::ChangeProfile => profile::change(host).await,
            Endpoint::Advisories => Ok(audit::advisories(&request.head)),
            Endpoint::Audit => Ok(audit::report(&request.head)),
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        error::refuse(refusal)
    }
}
