//! What a start makes true of the database: the feeds and keys of the configuration, and on the first
//! start an admin key and the starter feeds.

use std::io;
use std::path::{Path, PathBuf};

use pakhus_core::replication::ClientMode;
use pakhus_db::feeds::{self, ClientSettings, FeedSettings, Origin, ReplicationLimits};
use pakhus_db::{Database, api_keys, settings, sync_tokens};

use crate::app::now;
use crate::config::{self, Config};
use crate::secrets::new_api_key;

/// Why a server cannot start with this database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BootstrapError {
    #[error(transparent)]
    Database(#[from] pakhus_db::Error),
    #[error("cannot write the admin key to {}: {source}", path.display())]
    AdminKey { path: PathBuf, source: io::Error },
    #[error(
        "the configuration says that the feed `{feed}` holds {configured} packages, but it holds {stored} packages: rename the one in the configuration"
    )]
    OtherType { feed: String, configured: String, stored: String },
}

/// Makes the database say what the configuration says.
pub(crate) async fn bootstrap(database: &Database, config: &Config) -> Result<(), BootstrapError> {
    if !feeds::any(database).await? {
        for feed in &config.starter_feeds {
            let settings = feed_settings(feed, Origin::Database);
            feeds::create(database, &settings, now()).await?;
        }
    }
    let known = feeds::list(database).await?;
    for feed in &config.feeds {
        let settings = feed_settings(feed, Origin::File);
        let stored = known.iter().find(|stored| stored.settings.name == feed.name);
        let feed_id = match stored {
            Some(stored) if stored.settings.package_type != feed.package_type => {
                return Err(BootstrapError::OtherType {
                    feed: feed.name.to_string(),
                    configured: feed.package_type.clone(),
                    stored: stored.settings.package_type.clone(),
                });
            }
            Some(stored) => {
                let change = |stored: &mut FeedSettings| {
                    *stored = settings;
                    Ok(())
                };
                feeds::update(database, stored.id, change).await?;
                stored.id
            }
            None => match feeds::create(database, &settings, now()).await? {
                Some(created) => created.id,
                // Another node made it in between, from the same configuration.
                None => continue,
            },
        };
        let tokens: Vec<_> = feed
            .replication
            .server
            .sync_tokens
            .iter()
            .map(|token| token.expose().to_owned())
            .collect();
        sync_tokens::replace_file_tokens(database, feed_id, &tokens, now()).await?;
    }
    for stored in known {
        let is_left = stored.settings.origin == Origin::File
            && !config.feeds.iter().any(|feed| feed.name == stored.settings.name);
        if is_left {
            let feed = stored.name();
            tracing::warn!(%feed, "the feed is no longer in the configuration: it is kept as it is");
            let change = |stored: &mut FeedSettings| {
                stored.origin = Origin::Database;
                Ok(())
            };
            feeds::update(database, stored.id, change).await?;
        }
    }
    let keys: Vec<_> = config
        .api_keys
        .iter()
        .enumerate()
        .map(|(number, key)| {
            let scopes = key.scopes.iter().map(ToString::to_string).collect();
            (format!("configuration {}", number + 1), key.key.expose().to_owned(), scopes)
        })
        .collect();
    api_keys::replace_file_keys(database, &keys, now()).await?;
    Ok(())
}

fn feed_settings(feed: &config::Feed, origin: Origin) -> FeedSettings {
    let client = &feed.replication.client;
    let interval = client.interval.duration().as_millis();
    let mut limits = ReplicationLimits::default();
    feed.replication.limits.apply_to(&mut limits);
    FeedSettings {
        name: feed.name.clone(),
        package_type: feed.package_type.clone(),
        anonymous: feed.anonymous,
        policy: feed.policy,
        origin,
        server_mode: feed.replication.server.mode,
        client: ClientSettings {
            mode: client.mode,
            source_url: client.source_url.as_ref().map(|url| url.as_str().to_owned()),
            sync_token: match client.mode {
                ClientMode::Disabled => None,
                _ => client.sync_token.as_ref().map(|token| token.expose().to_owned()),
            },
            interval_ms: u64::try_from(interval).unwrap_or(u64::MAX),
        },
        limits,
    }
}

/// Notes in the database that an admin key was made, so that one that was revoked stays revoked.
const ADMIN_KEY_MADE: &str = "admin_key.made";

/// Makes the first admin key, in a file that its owner alone can read, on the first start.
pub(crate) async fn first_admin_key(
    database: &Database,
    data_dir: &Path,
) -> Result<PathBuf, BootstrapError> {
    let path = data_dir.join("admin.key");
    if settings::get(database, ADMIN_KEY_MADE).await?.is_some() {
        return Ok(path);
    }
    let failed = |source| BootstrapError::AdminKey { path: path.clone(), source };
    let secret = keep_private(&path, new_api_key()).map_err(failed)?;
    if api_keys::find(database, &secret, now()).await?.is_none() {
        let scopes = ["admin".to_owned()];
        let created =
            api_keys::create(database, "admin", &secret, &scopes, Origin::Database, now()).await;
        if let Err(error) = created
            // Unless another server with this file made it in between.
            && api_keys::find(database, &secret, now()).await?.is_none()
        {
            return Err(error.into());
        }
    }
    settings::set(database, ADMIN_KEY_MADE, "true").await?;
    Ok(path)
}

/// Keeps `secret` in a file that its owner alone can read. What is in the file already stays and is
/// returned: a start that was cut off has left it, or another server that starts at this moment made
/// it.
fn keep_private(path: &Path, secret: String) -> io::Result<String> {
    use std::io::Write as _;

    if let Ok(kept) = std::fs::read_to_string(path) {
        if !kept.trim().is_empty() {
            return Ok(kept.trim().to_owned());
        }
        std::fs::remove_file(path)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Written beside it first: whoever sees the file sees all of it.
    let part = path.with_extension(format!("{}.part", uuid::Uuid::now_v7()));
    let mut file = options.open(&part)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&part, path);
    std::fs::remove_file(&part)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(std::fs::read_to_string(path)?.trim().to_owned())
        }
        linked => linked.map(|()| secret),
    }
}
