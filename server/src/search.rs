//! Keeping the index of search up to date, and looking into it.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use pakhus_core::{PackageType, Search, SearchPage};
use pakhus_db::feeds::Feed;
use pakhus_db::search;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::app::{App, now};

/// Changes are gathered for so long, so that many at once are looked at together.
const GATHER: Duration = Duration::from_millis(200);
/// How long a search waits for the index to be up to date; after a large import it answers with what
/// there is.
const PATIENCE: Duration = Duration::from_secs(2);
/// The time until an index that could not be brought up to date is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// Which feeds' indexes are being brought up to date, one task at a time each.
#[derive(Clone, Default)]
pub(crate) struct Indexes(Arc<std::sync::Mutex<HashMap<i64, Arc<Mutex<()>>>>>);

impl Indexes {
    fn of(&self, feed_id: i64) -> Arc<Mutex<()>> {
        let mut indexes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(indexes.entry(feed_id).or_default())
    }
}

/// Looks for packages of a feed. What was committed before is found.
pub(crate) async fn find(
    app: &App,
    feed: &Feed,
    package_type: &dyn PackageType,
    asked: &Search,
) -> pakhus_db::Result<SearchPage> {
    if let Ok(updated) = tokio::time::timeout(PATIENCE, update(app, feed, package_type)).await {
        updated?;
    }
    search::find(&app.database, feed.id, asked, now()).await
}

/// Keeps the indexes of all feeds up to date, as long as the server runs.
pub(crate) async fn keep_indexes(app: App) {
    let mut feeds_changed = app.feeds.watch();
    loop {
        feeds_changed.borrow_and_update();
        let mut keeping = JoinSet::new();
        for feed in app.feeds.all().values() {
            if let Some(package_type) = app.package_types.get(&feed.settings.package_type) {
                keeping.spawn(keep_index(app.clone(), Arc::clone(feed), package_type));
            }
        }
        if feeds_changed.changed().await.is_err() {
            return;
        }
    }
}

async fn keep_index(app: App, feed: Arc<Feed>, package_type: Arc<dyn PackageType>) {
    let mut head = app.database.watch_head(feed.id);
    loop {
        head.borrow_and_update();
        if let Err(error) = update(&app, &feed, &*package_type).await {
            tracing::warn!(feed = %feed.name(), %error, "the index of search is not up to date");
            tokio::time::sleep(AGAIN).await;
            continue;
        }
        if head.changed().await.is_err() {
            return;
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Brings the index of a feed up to date.
async fn update(app: &App, feed: &Feed, package_type: &dyn PackageType) -> pakhus_db::Result<()> {
    let index = app.indexes.of(feed.id);
    let _alone = index.lock().await;
    loop {
        let pending = search::pending(&app.database, feed.id).await?;
        if pending.is_empty() {
            return Ok(());
        }
        let entries = pending.into_iter().map(|pending| {
            let entry = pending.contents().map(|contents| {
                package_type.search_entry(contents).inspect_err(|error| {
                    let package = contents.package.name.display();
                    tracing::warn!(feed = %feed.name(), package, %error, "cannot be searched for");
                })
            });
            (pending, entry.and_then(Result::ok))
        });
        search::index(&app.database, feed.id, entries.collect()).await?;
    }
}
