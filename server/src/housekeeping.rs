//! What is done now and then: old things are removed.

use std::time::Duration;

use pakhus_core::Timestamp;
use pakhus_db::feeds::Feed;
use pakhus_db::{api_keys, diagnostics, executions, kept, leases, pruning};

use crate::app::{App, now};

/// Uploads that were not continued for so long are removed.
const STALE_UPLOAD: Duration = Duration::from_secs(24 * 60 * 60);
/// Executions and diagnostic entries are kept for so long.
const KEEP_HISTORY: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The time between two rounds.
const ROUND: Duration = Duration::from_secs(10 * 60);

/// Keeps house as long as the server runs.
pub(crate) async fn keep_house(app: App) {
    loop {
        if let Err(error) = app.blobs.uploads().sweep(STALE_UPLOAD).await {
            tracing::warn!(%error, "stale uploads could not be removed");
        }
        if let Err(error) = forget_old(&app).await {
            tracing::warn!(%error, "what is old could not all be removed");
        }
        tokio::time::sleep(ROUND).await;
    }
}

async fn forget_old(app: &App) -> pakhus_db::Result<()> {
    let history = before(KEEP_HISTORY.as_millis().try_into().unwrap_or(u64::MAX));
    executions::prune(&app.database, history).await?;
    diagnostics::prune(&app.database, history).await?;
    leases::forget_expired(&app.database, history).await?;
    api_keys::prune(&app.database, history).await?;
    for feed in app.feeds.all().values() {
        forget_old_of(app, feed).await?;
    }
    Ok(())
}

async fn forget_old_of(app: &App, feed: &Feed) -> pakhus_db::Result<()> {
    let limits = &feed.settings.limits;
    kept::empty_trash(&app.database, feed.id, before(limits.keep_trash_ms)).await?;
    let deleted_before = before(limits.keep_deleted_ms);
    // Where deletions do not travel, forgetting one would have what was deleted come back.
    let package_type = app.package_types.get(&feed.settings.package_type);
    if package_type.is_some_and(|known| known.descriptor().capabilities.tracks_deletions) {
        while pruning::forget_deletions(&app.database, feed.id, deleted_before).await? > 0 {}
    }
    pruning::prune_log(&app.database, feed.id, deleted_before).await?;
    Ok(())
}

/// So many milliseconds ago.
fn before(millis: u64) -> Timestamp {
    let millis = i64::try_from(millis).unwrap_or(i64::MAX);
    Timestamp::from_millis(now().millis().saturating_sub(millis))
}
