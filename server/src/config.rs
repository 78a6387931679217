//! The configuration: one TOML file, environment variables over it, the command line over both.
//!
//! What a file may say is written down section by section in the modules below, one `…Section` each.
//! [`Config`] is what they come to: defaults filled in, paths found, secrets fetched, and every rule
//! that needs more than one key checked. A configuration that breaks a rule is refused whole, with the
//! file and line (or the environment variable) that breaks it.

mod api_keys;
mod blobs;
mod database;
mod diagnostics;
mod environment;
mod error;
mod feeds;
mod file;
mod interval;
mod limits;
mod package_types;
mod replication;
mod scope;
mod secret;
mod server;
mod sources;
mod tls;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub(crate) use api_keys::ApiKey;
pub(crate) use blobs::Blobs;
pub(crate) use database::Database;
pub(crate) use diagnostics::Diagnostics;
pub(crate) use environment::Environment;
pub(crate) use error::ConfigError;
pub(crate) use feeds::Feed;
pub(crate) use interval::Interval;
pub(crate) use limits::{Bandwidth, LimitsSection, Retention};
pub(crate) use package_types::PackageTypes;
pub(crate) use replication::{Replication, ReplicationClient, ReplicationServer, SourceUrl};
pub(crate) use scope::{Permission, Scope, ScopeFeed};
pub(crate) use secret::{Secret, SecretSource};
pub(crate) use server::{PublicUrl, parse_listen_address};
pub(crate) use tls::Tls;

use file::ConfigFile;
use package_types::TypeMention;
use sources::Sources;

/// What a Pakhus server is told to be.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The address and port to listen on.
    pub(crate) listen: SocketAddr,
    /// Where the instance keeps what is its own; relative to the working directory.
    pub(crate) data_dir: PathBuf,
    /// The address that clients and other sites reach it at; `None`: what the request's `Host` says.
    pub(crate) public_url: Option<PublicUrl>,
    /// What people call this instance.
    pub(crate) instance_name: String,
    /// The database.
    pub(crate) database: Database,
    /// The blob store.
    pub(crate) blobs: Blobs,
    /// The certificate to serve https with; `None`: plain http.
    pub(crate) tls: Option<Tls>,
    /// The package types that are served.
    pub(crate) package_types: PackageTypes,
    /// What the Diagnostic Center keeps.
    pub(crate) diagnostics: Diagnostics,
    /// The feeds that the configuration defines. They belong to it and are not edited elsewhere.
    pub(crate) feeds: Vec<Feed>,
    /// The feeds that an instance without a configuration file makes in its database when it starts
    /// for the first time: one for each built-in package type, of the same name.
    pub(crate) starter_feeds: Vec<Feed>,
    /// The API keys that the configuration defines.
    pub(crate) api_keys: Vec<ApiKey>,
    /// Where package types are named, until plugins have said which they add.
    type_mentions: Vec<TypeMention>,
}

/// What the command line says over file and environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Overrides {
    /// `--listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// `--data-dir`.
    pub(crate) data_dir: Option<PathBuf>,
}

impl Config {
    /// Reads the configuration from `file` (`None`: the embedded defaults), the variables `PAKHUS__…`
    /// of the process and `overrides`. `built_in` names the package types that need no plugin.
    ///
    /// # Errors
    /// The first rule that it breaks, and where.
    pub(crate) fn load(
        file: Option<&Path>,
        overrides: &Overrides,
        built_in: &[&str],
    ) -> Result<Self, ConfigError> {
        Self::load_from(file, &Environment::of_process(), overrides, built_in)
    }

    /// The same, with the environment given.
    ///
    /// # Errors
    /// The first rule that it breaks, and where.
    pub(crate) fn load_from(
        file: Option<&Path>,
        environment: &Environment,
        overrides: &Overrides,
        built_in: &[&str],
    ) -> Result<Self, ConfigError> {
        let sources = Sources::gather(file, environment)?;
        let parsed: ConfigFile = sources.parse()?;
        let mut config = parsed.resolve(&sources, overrides, built_in)?;
        // With plugins, only they can say which types there are: the caller settles it later.
        if config.package_types.plugins.is_empty() {
            config.settle_package_types(&[])?;
        }
        Ok(config)
    }

    /// Checks every package type that the configuration names, once `plugins` have said which types
    /// they add; where it enables none by name, theirs are enabled too. To be called when
    /// [`PackageTypes::plugins`] is not empty; [`Self::load`] has done it otherwise.
    ///
    /// # Errors
    /// The first type that is neither built in nor added, or that a feed has and that is not enabled.
    pub(crate) fn settle_package_types(&mut self, plugins: &[&str]) -> Result<(), ConfigError> {
        self.package_types.settle(plugins, &self.type_mentions)
    }

    /// Checks that only feeds have a policy whose package types leave that to them, as `has_policy`
    /// says of a type's name.
    ///
    /// # Errors
    /// The first feed that has one in vain.
    pub(crate) fn check_policies(
        &self,
        has_policy: impl Fn(&str) -> bool,
    ) -> Result<(), ConfigError> {
        self.feeds.iter().try_for_each(|feed| feed.check_policy(has_policy(&feed.package_type)))
    }
}
