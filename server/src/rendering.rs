//! Rendering what clients read of a package when the package changes, not when they read it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pakhus_core::{Document, PackageContents, PackageType};
use pakhus_db::{PackagesChanged, records};
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::host::complete;

/// Changes are gathered for so long, so that a package that changes again and again is not rendered
/// each time.
const GATHER: Duration = Duration::from_millis(50);

/// The most URLs that one feed is known by.
const MOST_URLS: usize = 4;

/// How many packages are read at once.
const AT_ONCE: usize = 50;

/// The URLs by which clients knew the feeds of late: documents say where things are to be had.
#[derive(Default)]
pub(crate) struct BaseUrls(Mutex<HashMap<i64, Vec<String>>>);

impl BaseUrls {
    /// Notes that a client knows the feed by this URL. The one that was seen longest ago is forgotten
    /// where there are too many.
    pub(crate) fn note(&self, feed_id: i64, url: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let urls = known.entry(feed_id).or_default();
        if urls.last().is_some_and(|last| last == url) {
            return;
        }
        urls.retain(|known| known != url);
        if urls.len() == MOST_URLS {
            urls.remove(0);
        }
        urls.push(url.to_owned());
    }

    fn of(&self, feed_id: i64) -> Vec<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&feed_id).cloned().unwrap_or_default()
    }
}

/// Renders what changes, as long as the server runs. A change that is missed, and one that was not come
/// to yet, is rendered for the first who reads.
pub(crate) async fn keep_documents(app: App) {
    let mut changes = app.database.watch_packages();
    loop {
        let mut changed: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        let mut add = |packages: PackagesChanged| {
            changed.entry(packages.feed_id).or_default().extend(packages.names.iter().cloned());
        };
        match changes.recv().await {
            Ok(packages) => add(packages),
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        tokio::time::sleep(GATHER).await;
        while let Ok(packages) = changes.try_recv() {
            add(packages);
        }
        for (feed_id, names) in changed {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            for names in names.chunks(AT_ONCE) {
                if let Err(error) = render(&app, feed_id, names).await {
                    tracing::warn!(%error, "packages could not be rendered when they changed");
                }
            }
        }
    }
}

async fn render(app: &App, feed_id: i64, names: &[&str]) -> pakhus_db::Result<()> {
    let urls = app.base_urls.of(feed_id);
    let feed = app.feeds.all().values().find(|feed| feed.id == feed_id).cloned();
    let package_type = feed.and_then(|feed| app.package_types.get(&feed.settings.package_type));
    let Some(package_type) = package_type.filter(|_| !urls.is_empty()) else { return Ok(()) };
    let contents = records::contents_of(&app.database, feed_id, names).await?;
    let rendering = tokio::task::spawn_blocking(move || {
        contents.iter().flat_map(|contents| documents(&*package_type, contents, &urls)).collect()
    });
    let rendered: Vec<_> = rendering.await.unwrap_or_default();
    for (key, revision, document) in rendered {
        app.documents.insert(feed_id, key, revision, document).await;
    }
    Ok(())
}

/// The documents of a package, for all who know its feed by one of the URLs: each with its key and the
/// revision of the package.
fn documents(
    package_type: &dyn PackageType,
    contents: &PackageContents,
    urls: &[String],
) -> Vec<(String, u64, Document)> {
    let revision = contents.package.revision;
    let mut documents = Vec::new();
    for url in urls {
        match package_type.documents(contents, url) {
            Ok(rendered) => documents.extend(rendered.into_iter().filter_map(|(key, text)| {
                // Compressing in memory does not fail.
                Some((key, revision, complete(text.into()).ok()?))
            })),
            Err(error) => {
                let package = contents.package.name.display();
                tracing::warn!(package, %error, "a package cannot be rendered");
            }
        }
    }
    documents
}
