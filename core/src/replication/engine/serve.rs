//! What a replication server does with its clients.

use super::super::fingerprint::Leaf;
use super::super::key::RecordKey;
use super::super::log::Cursor;
use super::super::merge::{MergePolicy, Merged, contents_compete, merge};
use super::super::message::{Applied, KeptRecord};
use super::super::state::Record;
use super::report::describe;
use super::store::{Batch, FeedStore, Page, StoreError, Tree};

/// Why a client's cursor is no good.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CursorRefused {
    /// It is of another log.
    #[error("diverged: {0}")]
    Diverged(&'static str),
    /// Deletions that came after it may be forgotten.
    #[error("expired: deletions after your last visit are no longer all remembered")]
    Expired,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why pushed records are not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TakeRefused {
    /// One of them is not what the protocol allows.
    #[error("{0}")]
    Invalid(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The changes after a client's cursor. A client is `fresh` when it began with nothing and is reading
/// all there is: no deletion can be missing to it.
///
/// # Errors
/// When the cursor is no good, or the store fails.
pub async fn read_changes(
    store: &dyn FeedStore,
    cursor: &Cursor,
    fresh: bool,
    limit: u64,
) -> Result<Page, CursorRefused> {
    let end = store.end().await?;
    if cursor.lineage != end.lineage {
        return Err(CursorRefused::Diverged("this is another feed than the one you know"));
    }
    if cursor.seq > end.position.seq || !store.went_through(cursor.witness).await? {
        return Err(CursorRefused::Diverged("the log does not go on from where you have seen it"));
    }
    if !fresh && cursor.seq < end.floor {
        return Err(CursorRefused::Expired);
    }
    let mut since = cursor.seq;
    loop {
        let mut page = store.page(since, limit).await?;
        page.records.retain(|record| store.travels(&record.state));
        // A page that says there is more has something: a client takes any other for one that leads
        // it nowhere.
        if !page.records.is_empty() || !page.end.more {
            return Ok(page);
        }
        since = page.end.through;
    }
}

/// The records under those of `keys` that have one, as they are now.
///
/// # Errors
/// When the store fails.
pub async fn read_records(
    store: &dyn FeedStore,
    keys: &[RecordKey],
) -> Result<Vec<Record>, StoreError> {
    let states = store.states(keys).await?.into_iter();
    let records = states.map(|(key, state)| Record { key, state });
    Ok(records.filter(|record| store.travels(&record.state)).collect())
}

/// The leaves of a bucket, as a client may see them.
///
/// # Errors
/// When the store fails.
pub async fn read_leaves(store: &dyn FeedStore, bucket: u16) -> Result<Vec<Leaf>, StoreError> {
    let mut leaves = store.leaves(Tree::Records, bucket).await?;
    leaves.retain(|leaf| leaf.live || store.tracks_deletions());
    Ok(leaves)
}

/// Merges records that a client pushed. When blobs are missing, nothing is merged. At a feed that only
/// follows a source itself (`is_replica`), contents of the source are not replaced by others published
/// under the same identity: a replica shows what its source shows.
///
/// # Errors
/// When a record is not what the protocol allows, or the store fails.
pub async fn take_changes(
    store: &dyn FeedStore,
    records: Vec<Record>,
    is_replica: bool,
) -> Result<Applied, TakeRefused> {
    let mut batch = Batch::new(MergePolicy::Converge);
    for record in records {
        let about = describe(&record.key);
        let record = store
            .check(record)
            .map_err(|reason| TakeRefused::Invalid(format!("{about}: {reason}")))?;
        batch.writes.push(record);
    }
    let keys: Vec<_> = batch.writes.iter().map(|record| record.key.clone()).collect();
    let local = store.states(&keys).await?;
    let mut kept: Vec<KeptRecord> = Vec::new();
    if is_replica {
        let shadows = store.shadows(&keys).await?;
        batch.writes.retain(|record| {
            let stands = local.get(&record.key).filter(|here| {
                contents_compete(here, &record.state)
                    && shadows.get(&record.key) == Some(&here.digest())
            });
            kept.extend(
                stands.map(|state| KeptRecord { key: record.key.clone(), state: state.clone() }),
            );
            stands.is_none()
        });
    }
    let digests: Vec<_> = batch
        .writes
        .iter()
        .filter(|record| {
            let merged = merge(local.get(&record.key), &record.state, MergePolicy::Converge);
            matches!(merged, Merged::TakeRemote(_))
        })
        .filter_map(|record| record.state.content())
        .flat_map(|content| content.blobs.iter().map(|blob| blob.digest))
        .collect();
    let missing_blobs = store.unknown_blobs(&digests).await?;
    if !missing_blobs.is_empty() {
        return Ok(Applied { missing_blobs, ..Applied::default() });
    }
    let outcome = store.apply(batch).await?;
    let kept_local = outcome.kept_local.into_iter();
    kept.extend(kept_local.map(|(key, state)| KeptRecord { key, state }));
    kept.retain(|record| store.travels(&record.state));
    Ok(Applied {
        applied: outcome.applied,
        kept,
        missing_blobs: Vec::new(),
        start: outcome.start,
        end: outcome.end,
    })
}
