//! The NuGet package type: ids, versions, packages and the protocols of NuGet clients.
//!
//! A request is first recognised as an `Endpoint` by its head alone, then served by the module of
//! that endpoint. What is stored of a version is in `metadata`: what its nuspec says. Everything that
//! clients read is rendered from that and from what is listed, so that two sites with equal contents
//! answer with equal documents; files in a package are read from the package itself.

mod catalog;
mod delete;
mod documents;
mod encoding;
mod error;
mod flat;
mod listed;
mod metadata;
mod name;
mod nuspec;
mod package;
mod push;
mod range;
mod registration;
mod route;
mod search;
mod service_index;
mod symbols;
mod urls;
mod v2;
mod version;
mod view;
mod xml;
mod zip;

use async_trait::async_trait;
use pakhus_core::{
    Capabilities, Descriptor, Host, InvalidName, InvalidVersion, LISTED, Metadata, Mount,
    NewVersion, PackageContents, PackageName, PackageType, PackageVersion, Refusal, Request,
    RequestHead, Response, Result, Route, SearchEntry,
};

use crate::route::Endpoint;

/// The NuGet package type.
#[derive(Debug)]
pub struct NuGet {
    descriptor: Descriptor,
}

impl Default for NuGet {
    fn default() -> Self {
        let capabilities = Capabilities {
            tracks_deletions: true,
            syncs_publish_date: true,
            syncs_download_count: true,
            has_policy: true,
            mount: Mount::Feed,
        };
        let (name, version) = ("nuget".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { descriptor: Descriptor { name, version, capabilities } }
    }
}

#[async_trait]
impl PackageType for NuGet {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName> {
        symbols::parse_name(raw).unwrap_or_else(|| name::parse(raw))
    }

    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion> {
        symbols::parse_version(raw).map_or_else(|| version::parse(raw), Ok)
    }

    fn check_version(&self, version: &NewVersion) -> Result<()> {
        if version.name.is_companion() { symbols::check(version) } else { metadata::check(version) }
    }

    fn check_tag(&self, _tag: &str) -> Result<()> {
        Err(Refusal::invalid("NuGet packages have no tags that point to versions"))
    }

    fn check_attribute(
        &self,
        attribute: &str,
        version: Option<&str>,
        value: &Metadata,
    ) -> Result<()> {
        match attribute {
            LISTED => listed::check_attribute(version, value),
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
        let head = &request.head;
        match Endpoint::parse(head)? {
            Endpoint::ServiceIndex => service_index::serve(head, host).await,
            Endpoint::Versions { name } => flat::versions(&name, head, host).await,
            Endpoint::Package { name, version } => flat::package(&name, &version, host).await,
            Endpoint::Part { name, version, part } => flat::part(&name, &version, part, host).await,
            Endpoint::Registration { hive, name } => {
                registration::index(hive, &name, head, host).await
            }
            Endpoint::RegistrationPage { hive, name, lower } => {
                registration::page(hive, &name, &lower, head, host).await
            }
            Endpoint::RegistrationLeaf { hive, name, version } => {
                registration::leaf(hive, &name, &version, head, host).await
            }
            Endpoint::Details { name, version } => {
                registration::version_details(&name, &version, head, host).await
            }
            Endpoint::Catalog => catalog::index(head, host).await,
            Endpoint::CatalogPage { number } => catalog::page(number, head, host).await,
            Endpoint::CatalogLeaf { sequence, name, version } => {
                catalog::leaf(sequence, &name, &version, head, host).await
            }
            Endpoint::Search => search::serve(head, host).await,
            Endpoint::Autocomplete => search::autocomplete(head, host).await,
            Endpoint::V2(endpoint) => v2::serve(&endpoint, head, host).await,
            Endpoint::Push => push::serve(request.identity, host).await,
            Endpoint::PushSymbols => push::symbols(host).await,
            Endpoint::Symbols { name, version } => symbols::package(&name, &version, host).await,
            Endpoint::Pdb { name, signature } => symbols::pdb(&name, &signature, host).await,
            Endpoint::Delete { name, version } => delete::delete(&name, &version, host).await,
            Endpoint::Relist { name, version } => delete::relist(&name, &version, host).await,
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        error::refuse(refusal)
    }
}
