//! The other sites of a feed by their names: its source, and its replication clients.

use pakhus_core::replication::{ClientMode, RecordKey, State};
use pakhus_db::feeds::Feed;
use pakhus_db::{links, records};

use super::clients::Client;
use crate::app::App;

/// A site that a feed exchanges changes with.
#[derive(Debug)]
pub(crate) enum Site {
    /// The feed's source.
    Source {
        /// The id of its instance.
        instance_id: String,
        /// The name of its instance.
        name: String,
    },
    /// A replication client of the feed.
    Client(Box<Client>),
}

/// Why there is no such site.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    /// None is called so.
    #[error("`{feed}` exchanges changes with no site called `{name}`; it knows {known}")]
    Unknown { feed: String, name: String, known: String },
    /// Several are.
    #[error("several sites are called `{name}`: say which by the id of its instance, {ids}")]
    Ambiguous { name: String, ids: String },
}

impl Site {
    const fn instance_id(&self) -> &String {
        match self {
            Self::Source { instance_id, .. } => instance_id,
            Self::Client(client) => &client.instance_id,
        }
    }

    const fn name(&self) -> &String {
        match self {
            Self::Source { name, .. } => name,
            Self::Client(client) => &client.name,
        }
    }

    /// Whether the version, which is in the feed, is known to be there too.
    pub(crate) async fn has(
        &self,
        app: &App,
        feed: &Feed,
        package: &str,
        version: &str,
    ) -> pakhus_db::Result<bool> {
        match self {
            Self::Source { .. } => {
                let (name, version) = (package.to_owned(), version.to_owned());
                let keys = [RecordKey::Version { name, version }];
                let here = records::states(&app.database, feed.id, &keys).await?;
                let there = links::shadows_of(&app.database, feed.id, &keys).await?;
                let here = here.get(&keys[0]).map(State::digest);
                Ok(here.is_some() && here.as_ref() == there.get(&keys[0]))
            }
            Self::Client(client) => {
                let seq = records::version_seq(&app.database, feed.id, package, version).await?;
                Ok(seq.is_some_and(|seq| client.kept >= Some(seq)))
            }
        }
    }

    /// What to look at when a version does not come to be there.
    pub(crate) fn standing(&self) -> String {
        match self {
            Self::Source { .. } => "see `pakhus status`".to_owned(),
            Self::Client(client) if !client.mode.pulls() => {
                format!("it only sends, as {}", client.mode)
            }
            Self::Client(client) => format!(
                "it was last heard of at {}: it may be paused there, or cut off",
                client.last_seen_at
            ),
        }
    }
}

/// The site of the feed with this name, or with this id of its instance.
///
/// # Errors
/// When there is none, or when there are several.
pub(crate) fn find_site(app: &App, feed: &Feed, name: &str) -> Result<Site, SiteError> {
    let mut sites = sites(app, feed);
    let known: Vec<_> = sites.iter().map(|site| format!("`{}`", label(site))).collect();
    sites.retain(|site| site.name() == name || site.instance_id() == name);
    let ids: Vec<_> = sites.iter().map(|site| format!("`{}`", site.instance_id())).collect();
    match (sites.pop(), sites.pop()) {
        (Some(site), None) => Ok(site),
        (Some(_), Some(_)) => {
            Err(SiteError::Ambiguous { name: name.to_owned(), ids: ids.join(" or ") })
        }
        (None, _) => Err(SiteError::Unknown {
            feed: feed.name().to_string(),
            name: name.to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        }),
    }
}

fn label(site: &Site) -> &str {
    if site.name().is_empty() { site.instance_id() } else { site.name() }
}

/// The source, as far as it was asked, and the clients that were seen, on this node since it started.
fn sites(app: &App, feed: &Feed) -> Vec<Site> {
    let source = app.replicator.sources.handshake(feed.id);
    let source = source.filter(|_| feed.settings.client.mode != ClientMode::Disabled);
    let source =
        source.map(|said| Site::Source { instance_id: said.instance.id, name: said.instance.name });
    let clients = app.replicator.clients.of(feed.id).into_iter();
    source.into_iter().chain(clients.map(|client| Site::Client(Box::new(client)))).collect()
}
