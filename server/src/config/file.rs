//! The whole file, and how its sections come to one [`Config`].

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use pakhus_db::feeds::Anonymous;

use super::api_keys::{self, ApiKeySection};
use super::blobs::BlobsSection;
use super::database::{Database, DatabaseSection, DatabaseUrl};
use super::diagnostics::DiagnosticsSection;
use super::error::{ConfigError, Place};
use super::feeds::{self, Feed, FeedSection};
use super::package_types::{PackageTypes, PackageTypesSection};
use super::server::{
    DEFAULT_LISTEN, InstanceName, PublicUrl, default_instance_name, deserialize_listen,
};
use super::sources::Sources;
use super::tls::TlsSection;
use super::{Config, Overrides};

/// The configuration file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConfigFile {
    /// The IP address and port to listen on. Default: `127.0.0.1:8624`.
    #[serde(deserialize_with = "deserialize_listen")]
    listen: Option<SocketAddr>,
    /// Where the instance keeps what is its own, relative to the working directory. Default:
    /// `pakhus-data`.
    data_dir: Option<Spanned<PathBuf>>,
    /// The address that clients and other sites reach it at. Default: what the request's `Host` says.
    public_url: Option<PublicUrl>,
    /// What people call this instance, 1 to 100 characters. Default: the host's name.
    instance_name: Option<InstanceName>,
    database: DatabaseSection,
    blobs: BlobsSection,
    tls: Option<TlsSection>,
    package_types: PackageTypesSection,
    diagnostics: DiagnosticsSection,
    feeds: Option<Vec<FeedSection>>,
    api_keys: Vec<ApiKeySection>,
}

impl ConfigFile {
    pub(super) fn resolve(
        self,
        sources: &Sources<'_>,
        overrides: &Overrides,
        built_in: &[&str],
    ) -> Result<Config, ConfigError> {
        let data_dir_place =
            self.data_dir.as_ref().map_or(Place::Defaults, |path| sources.place(&path.span()));
        let data_dir = overrides
            .data_dir
            .clone()
            .or(self.data_dir.map(Spanned::into_inner))
            .unwrap_or_else(|| PathBuf::from("pakhus-data"));
        if data_dir.as_os_str().is_empty() {
            let reason = "the data directory is empty: name a folder, like `pakhus-data`";
            return Err(ConfigError::refused(data_dir_place, reason));
        }
        let url = match self.database.url {
            Some(url) => url,
            None => DatabaseUrl::in_data_dir(&data_dir)
                .map_err(|reason| ConfigError::refused(data_dir_place, reason))?,
        };
        let (package_types, mut type_mentions) = self.package_types.resolve(sources, built_in)?;
        let starter_feeds = if !sources.has_file() && self.feeds.is_none() {
            starter_feeds(&package_types)
        } else {
            Vec::new()
        };
        let (feeds, mentions) = feeds::resolve(self.feeds.unwrap_or_default(), sources)?;
        type_mentions.extend(mentions);
        Ok(Config {
            listen: overrides.listen.or(self.listen).unwrap_or(DEFAULT_LISTEN),
            public_url: self.public_url,
            instance_name: self.instance_name.map_or_else(default_instance_name, |name| name.0),
            database: Database { url },
            blobs: self.blobs.resolve(sources, &data_dir)?,
            tls: self.tls.map(|tls| tls.resolve(sources)).transpose()?,
            package_types,
            diagnostics: self.diagnostics.resolve(sources)?,
            feeds,
            starter_feeds,
            api_keys: api_keys::resolve(self.api_keys, sources)?,
            data_dir,
            type_mentions,
        })
    }
}

/// One feed for each type, named as the type is. A type whose name cannot name a feed has none.
fn starter_feeds(types: &PackageTypes) -> Vec<Feed> {
    let feed = |package_type: &String| {
        let feed = Feed::new(package_type.parse().ok()?, package_type.clone());
        // For a first look, from this machine alone: the default address is a loopback one.
        Some(Feed { anonymous: Anonymous::View, ..feed })
    };
    types.enabled.iter().filter_map(feed).collect()
}
