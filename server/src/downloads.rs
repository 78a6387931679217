//! Counting downloads: in memory, and a few seconds later in the feed, from where they replicate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pakhus_core::Download;

use crate::app::{App, now};

/// How long counts stay in memory: a crash loses no more, and a package that is downloaded all the
/// time is one change each time, not one for each download.
const GATHER: Duration = Duration::from_secs(5);

type Counts = HashMap<i64, HashMap<Download, u64>>;

/// Downloads that are not yet counted in the database, by feed.
#[derive(Clone, Default)]
pub(crate) struct DownloadCounter(Arc<Mutex<Counts>>);

impl DownloadCounter {
    /// Counts a download.
    pub(crate) fn count(&self, feed_id: i64, download: Download) {
        self.add(feed_id, download, 1);
    }

    fn add(&self, feed_id: i64, download: Download, count: u64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(feed_id).or_default().entry(download).or_default() += count;
    }

    fn take(&self) -> Counts {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Writes the counts into the database, again and again.
pub(crate) async fn keep_downloads(app: App) {
    loop {
        tokio::time::sleep(GATHER).await;
        write_downloads(&app).await;
    }
}

/// Writes the counts into the database. What cannot be written now waits for the next time.
pub(crate) async fn write_downloads(app: &App) {
    for (feed_id, counts) in app.downloads.take() {
        let written =
            pakhus_db::downloads::add(&app.database, feed_id, &app.instance.id, &counts, now());
        match written.await {
            Ok(()) | Err(pakhus_db::Error::NoSuchFeed) => {}
            Err(error) => {
                tracing::warn!(%error, "downloads could not be counted yet");
                for (download, count) in counts {
                    app.downloads.add(feed_id, download, count);
                }
            }
        }
    }
}
