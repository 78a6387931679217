//! `[[feeds]]`.

use std::collections::BTreeMap;

use pakhus_core::{Deletes, FeedName, FeedPolicy};
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
    /// What becomes of a version that a client deletes: `unlist` or `remove`. Default: `unlist`.
    pub(super) deletes: Option<Spanned<Deletes>>,
    /// Whether a push replaces a version that is there. Default: `false`.
    pub(super) overwrite: Option<Spanned<bool>>,
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
    /// What it lets clients do to versions that are there.
    pub(crate) policy: FeedPolicy,
    /// Where that is written, if it is.
    pub(crate) policy_place: Option<Place>,
    /// Whom it answers and whom it calls.
    pub(crate) replication: Replication,
}

impl Feed {
    /// A feed that nobody but the instance itself uses, and that nothing else is said of.
    pub(crate) fn new(name: FeedName, package_type: String) -> Self {
        Self {
            name,
            package_type,
            anonymous: Anonymous::None,
            policy: FeedPolicy::default(),
            policy_place: None,
            replication: Replication::default(),
        }
    }

    /// Refuses a policy of a feed whose package type has none.
    pub(super) fn check_policy(&self, has_policy: bool) -> Result<(), ConfigError> {
        match &self.policy_place {
            Some(place) if !has_policy => Err(ConfigError::refused(
                place.clone(),
                format!(
                    "the feed `{}`: {} packages have rules of their own for deletes and \
                     overwriting: leave `deletes` and `overwrite` out",
                    self.name, self.package_type
                ),
            )),
            _ => Ok(()),
        }
    }
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
        let policy_span = section.deletes.as_ref().map(Spanned::span);
        let policy_span = policy_span.or(section.overwrite.as_ref().map(Spanned::span));
        let policy = FeedPolicy {
            deletes: section.deletes.map(Spanned::into_inner).unwrap_or_default(),
            overwrite: section.overwrite.is_some_and(Spanned::into_inner),
        };
        mentions.push(TypeMention {
            place: sources.place(&section.package_type.span()),
            package_type: section.package_type.get_ref().clone(),
            feed: Some(name.clone()),
        });
        feeds.push(Feed {
            name,
            package_type: section.package_type.into_inner(),
            anonymous: section.anonymous,
            policy,
            policy_place: policy_span.map(|span| sources.place(&span)),
            replication,
        });
    }
    Ok((feeds, mentions))
}
