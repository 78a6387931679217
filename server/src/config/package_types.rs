//! `[package_types]`.

use std::path::PathBuf;

use pakhus_core::FeedName;
use serde::Deserialize;
use toml::Spanned;

use super::error::{ConfigError, Place};
use super::sources::Sources;

/// `[package_types]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PackageTypesSection {
    /// The types that are served; one left out has no routes and no feeds. Default: all that are
    /// built in and all that plugins add.
    pub(super) enabled: Option<Vec<Spanned<String>>>,
    /// The files of the plugins, relative to the configuration file. Default: none.
    pub(super) plugins: Vec<PathBuf>,
}

/// The package types that are served.
#[derive(Debug, Clone)]
pub(crate) struct PackageTypes {
    /// Their names.
    pub(crate) enabled: Vec<String>,
    /// The files of the plugins.
    pub(crate) plugins: Vec<PathBuf>,
    built_in: Vec<String>,
    /// Whether `enabled` is the default, and grows with what plugins add.
    all: bool,
}

/// A place that names a package type: a feed's, or the list of the enabled ones.
#[derive(Debug, Clone)]
pub(super) struct TypeMention {
    pub(super) place: Place,
    pub(super) package_type: String,
    pub(super) feed: Option<FeedName>,
}

impl PackageTypesSection {
    pub(super) fn resolve(
        self,
        sources: &Sources<'_>,
        built_in: &[&str],
    ) -> Result<(PackageTypes, Vec<TypeMention>), ConfigError> {
        let built_in: Vec<String> = built_in.iter().map(|&name| name.to_owned()).collect();
        let all = self.enabled.is_none();
        let mut mentions: Vec<TypeMention> = Vec::new();
        for name in self.enabled.unwrap_or_default() {
            if mentions.iter().any(|other| other.package_type == *name.get_ref()) {
                let reason = format!("the package type `{name}` is enabled twice");
                return Err(sources.refuse(&name.span(), reason));
            }
            let place = sources.place(&name.span());
            mentions.push(TypeMention { place, package_type: name.into_inner(), feed: None });
        }
        let enabled = if all {
            built_in.clone()
        } else {
            mentions.iter().map(|mention| mention.package_type.clone()).collect()
        };
        let folder = sources.folder();
        let plugins = self.plugins.into_iter().map(|path| folder.join(path)).collect();
        Ok((PackageTypes { enabled, plugins, built_in, all }, mentions))
    }
}

impl PackageTypes {
    pub(super) fn settle(
        &mut self,
        plugins: &[&str],
        mentions: &[TypeMention],
    ) -> Result<(), ConfigError> {
        if self.all {
            self.enabled.extend(plugins.iter().map(|&name| name.to_owned()));
        }
        for mention in mentions {
            let name = &mention.package_type;
            let known = self.built_in.contains(name) || plugins.contains(&name.as_str());
            let reason = match &mention.feed {
                _ if !known => format!(
                    "the package type `{name}` is neither built in ({}) nor added by a plugin",
                    self.built_in.join(", ")
                ),
                Some(feed) if !self.enabled.contains(name) => format!(
                    "the feed `{feed}` holds {name} packages, a type that `package_types.enabled` leaves out"
                ),
                _ => continue,
            };
            return Err(ConfigError::refused(mention.place.clone(), reason));
        }
        Ok(())
    }
}
