//! `[feeds.replication]`: whom a feed answers and whom it calls.

use std::fmt;
use std::str::FromStr;

use pakhus_core::FeedName;
use pakhus_core::replication::{ClientMode, ServerMode};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use toml::Spanned;
use url::Url;

use super::error::ConfigError;
use super::interval::Interval;
use super::limits::LimitsSection;
use super::secret::{Secret, SecretSource};
use super::server::{plain_url, without_password};
use super::sources::Sources;

/// `[feeds.replication]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ReplicationSection {
    /// What other instances may do with the feed.
    pub(super) server: ServerSection,
    /// What the feed does with one of another instance.
    pub(super) client: ClientSection,
    /// What all of it is held to.
    pub(super) limits: LimitsSection,
}

/// `[feeds.replication.server]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerSection {
    /// `disabled`, `read-only` or `read-write`. Default: `disabled`.
    pub(super) mode: ServerMode,
    /// The secrets that clients show, each a literal, `env:NAME` or `file:PATH`. Default: none, which
    /// lets nobody in.
    pub(super) sync_tokens: Vec<Spanned<SecretSource>>,
}

/// `[feeds.replication.client]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ClientSection {
    /// `disabled`, `pull-only`, `push-only` or `mirror`. Default: `disabled`.
    pub(super) mode: Option<Spanned<ClientMode>>,
    /// The other feed: `PUBLIC_URL/replication/FEED`. Needed unless the mode is `disabled`.
    pub(super) source_url: Option<SourceUrl>,
    /// The secret that the other feed asks for: a literal, `env:NAME` or `file:PATH`. Needed unless
    /// the mode is `disabled`.
    pub(super) sync_token: Option<Spanned<SecretSource>>,
    /// How often to look for changes where nothing tells of them: `500ms`, `60s`, `5m`, `1h`.
    /// Default: `60s`.
    pub(super) interval: Interval,
}

/// Whom a feed answers and whom it calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replication {
    /// Whom it answers.
    pub(crate) server: ReplicationServer,
    /// Whom it calls.
    pub(crate) client: ReplicationClient,
    /// What all of it is held to.
    pub(crate) limits: LimitsSection,
}

/// What other instances may do with a feed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplicationServer {
    /// What.
    pub(crate) mode: ServerMode,
    /// The secrets that let them in.
    pub(crate) sync_tokens: Vec<Secret>,
}

/// What a feed does with one of another instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplicationClient {
    /// What. Unless it is disabled, `source_url` and `sync_token` are there.
    pub(crate) mode: ClientMode,
    /// The other feed.
    pub(crate) source_url: Option<SourceUrl>,
    /// The secret that it asks for.
    pub(crate) sync_token: Option<Secret>,
    /// How often to look for changes where nothing tells of them.
    pub(crate) interval: Interval,
}

/// The address of a replication server's feed: `PUBLIC_URL/replication/FEED`, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct SourceUrl(String);

/// A text that is no [`SourceUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no source URL: write the other server's address and its feed, like `https://hub.example/replication/libs`"
)]
pub(crate) struct InvalidSourceUrl(String);

impl SourceUrl {
    /// The URL.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SourceUrl {
    type Err = InvalidSourceUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names_a_feed = |url: &Url| {
            let mut path = url.path().trim_end_matches('/').rsplit('/');
            path.next().is_some_and(|feed| feed.parse::<FeedName>().is_ok())
                && path.next() == Some("replication")
        };
        plain_url(text)
            .filter(names_a_feed)
            .map(|url| Self(url.as_str().trim_end_matches('/').to_owned()))
            .ok_or_else(|| InvalidSourceUrl(without_password(text)))
    }
}

impl<'de> Deserialize<'de> for SourceUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl ReplicationSection {
    pub(super) fn resolve(self, sources: &Sources<'_>) -> Result<Replication, ConfigError> {
        Ok(Replication {
            server: self.server.resolve(sources)?,
            client: self.client.resolve(sources)?,
            limits: self.limits,
        })
    }
}

impl ServerSection {
    fn resolve(self, sources: &Sources<'_>) -> Result<ReplicationServer, ConfigError> {
        let sync_tokens = self
            .sync_tokens
            .iter()
            .map(|token| sources.secret("feeds.replication.server.sync_tokens", token))
            .collect::<Result<_, _>>()?;
        Ok(ReplicationServer { mode: self.mode, sync_tokens })
    }
}

impl ClientSection {
    fn resolve(self, sources: &Sources<'_>) -> Result<ReplicationClient, ConfigError> {
        if let Some(mode) = &self.mode
            && *mode.get_ref() != ClientMode::Disabled
        {
            let missing = match (&self.source_url, &self.sync_token) {
                (None, _) => Some("source_url"),
                (_, None) => Some("sync_token"),
                _ => None,
            };
            if let Some(missing) = missing {
                let reason = format!("the client mode `{mode}` needs a `{missing}`");
                return Err(sources.refuse(&mode.span(), reason));
            }
        }
        let sync_token = self
            .sync_token
            .as_ref()
            .map(|token| sources.secret("feeds.replication.client.sync_token", token))
            .transpose()?;
        Ok(ReplicationClient {
            mode: self.mode.map(Spanned::into_inner).unwrap_or_default(),
            source_url: self.source_url,
            sync_token,
            interval: self.interval,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_url_names_the_feed_of_a_server() {
        for (text, kept) in [
            (
                "http://hub.example:8624/replication/libs",
                "http://hub.example:8624/replication/libs",
            ),
            ("https://hub/pakhus/replication/libs/", "https://hub/pakhus/replication/libs"),
        ] {
            assert_eq!(text.parse::<SourceUrl>().expect("a source URL").as_str(), kept);
        }
        for text in [
            "hub.example/replication/libs",
            "http://hub.example/",
            "http://hub.example/npm/libs",
            "http://hub.example/replication/",
            "http://hub.example/replication/Libs",
            "http://hub.example/replication/libs?token=x",
        ] {
            assert!(text.parse::<SourceUrl>().is_err(), "{text}");
        }
    }
}
