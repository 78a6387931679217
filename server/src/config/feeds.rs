//! `[[feeds]]`.

use std::collections::BTreeMap;

use pakhus_core::FeedName;
use pakhus_db::feeds::Anonymous;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::error::{ConfigError, Place};
use super::package_types::TypeMention;
use super::replication::{Replication, ReplicationSection};
use super::sources::Sources;

/// One of `[[feeds]]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeedSection {
    /// Its name: 1 to 63 of a-z, 0-9, `.`, `_` and `-`, starting with a letter or digit. No default.
    pub(super) name: Spanned<FeedName>,
    /// The package type it holds. No default.
    #[serde(rename = "type")]
    pub(super) package_type: Spanned<String>,
    /// What anybody may do without a key: `none`, `view` or `publish`. Default: `none`.
    #[serde(default)]
    pub(super) anonymous: Anonymous,
    /// Whom it answers and whom it calls. Default: nobody.
    #[serde(default)]
    pub(super) replication: ReplicationSection,
    /// An upstream to read through to, which this version cannot do yet.
    pub(super) connector: Option<Spanned<IgnoredAny>>,
}

/// A feed that the configuration defines.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    /// Its name.
    pub(crate) name: FeedName,
    /// The package type it holds.
    pub(crate) package_type: String,
    /// What anybody may do without a key.
    pub(crate) anonymous: Anonymous,
    /// Whom it answers and whom it calls.
    pub(crate) replication: Replication,
}

/// Resolves all feeds, and says where each names its package type.
pub(super) fn resolve(
    sections: Vec<FeedSection>,
    sources: &Sources<'_>,
) -> Result<(Vec<Feed>, Vec<TypeMention>), ConfigError> {
    let mut feeds = Vec::with_capacity(sections.len());
    let mut mentions = Vec::with_capacity(sections.len());
    let mut seen: BTreeMap<FeedName, Place> = BTreeMap::new();
    for section in sections {
        let name = section.name.get_ref().clone();
        let place = sources.place(&section.name.span());
        if let Some(first) = seen.insert(name.clone(), place) {
            let reason = format!("the feed `{name}` is defined twice, first at {first}");
            return Err(sources.refuse(&section.name.span(), reason));
        }
        if let Some(connector) = section.connector {
            let reason = format!(
                "the feed `{name}`: connectors come in a later version: leave `connector` out"
            );
            return Err(sources.refuse(&connector.span(), reason));
        }
        let replication = section.replication.resolve(sources)?;
        mentions.push(TypeMention {
            place: sources.place(&section.package_type.span()),
            package_type: section.package_type.get_ref().clone(),
            feed: Some(name.clone()),
        });
        feeds.push(Feed {
            name,
            package_type: section.package_type.into_inner(),
            anonymous: section.anonymous,
            replication,
        });
    }
    Ok((feeds, mentions))
}
