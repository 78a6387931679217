//! The feeds of this instance, kept in memory: every request looks one up.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use pakhus_db::feeds::Feed;
use pakhus_db::{Database, Result};
use tokio::sync::watch;

/// Feeds, by name.
pub(crate) type FeedsByName = BTreeMap<String, Arc<Feed>>;

/// The feeds of this instance.
#[derive(Clone)]
pub(crate) struct FeedDirectory {
    database: Database,
    feeds: Arc<RwLock<Arc<FeedsByName>>>,
    changed: watch::Sender<()>,
}

impl FeedDirectory {
    /// Reads the feeds from the database.
    pub(crate) async fn load(database: Database) -> Result<Self> {
        let directory = Self { database, feeds: Arc::default(), changed: watch::channel(()).0 };
        directory.reload().await?;
        Ok(directory)
    }

    /// Reads the feeds again, after a change of this node or to see those of others.
    pub(crate) async fn reload(&self) -> Result<()> {
        let feeds: FeedsByName = pakhus_db::feeds::list(&self.database)
            .await?
            .into_iter()
            .map(|feed| (feed.name().to_string(), Arc::new(feed)))
            .collect();
        let mut current = self.feeds.write().unwrap_or_else(PoisonError::into_inner);
        if **current != feeds {
            *current = Arc::new(feeds);
            drop(current);
            self.changed.send_replace(());
        }
        Ok(())
    }

    /// The feed called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Feed>> {
        self.all().get(name).map(Arc::clone)
    }

    /// All feeds as they are now.
    pub(crate) fn all(&self) -> Arc<FeedsByName> {
        Arc::clone(&self.feeds.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says when feeds were added, removed or set differently.
    pub(crate) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}
