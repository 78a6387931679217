//! Changes that come from other sites.

use std::collections::HashSet;

use pakhus_core::replication::engine::{Batch, Outcome};
use pakhus_core::replication::{CheckedRecord, decide};
use pakhus_core::{Refusal, Timestamp};

use crate::leases::Lease;
use crate::write::{self, lock_feed, states_of, write_records};
use crate::{Database, Result, asides, leases, links};

/// Does all of `batch` in one transaction: merges its records, all of whose blobs are here, and keeps
/// what it says of the link. With a `lease`, only as long as nobody else has taken it.
///
/// # Errors
/// When a key is written twice or with a state of another kind, the feed is gone or the database
/// fails; nothing has changed then.
pub async fn apply(
    database: &Database,
    feed_id: i64,
    batch: Batch,
    lease: Option<&Lease>,
    now: Timestamp,
) -> Result<Outcome> {
    check(&batch.writes)?;
    let transaction = database.begin().await?;
    let mut feed = lock_feed(&transaction, feed_id).await?;
    if let Some(lease) = lease {
        leases::check(&transaction, lease).await?;
    }
    let start = feed.end;
    if let Some(until) = batch.same_until {
        links::take_records_for_shadows(&transaction, feed_id, until).await?;
    }
    links::set_shadows(&transaction, feed_id, &batch.seen).await?;
    let keys: Vec<_> = batch.writes.iter().map(|write| write.key.clone()).collect();
    let mut local = states_of(&transaction, feed_id, &keys).await?;
    let decided = decide(batch.writes, &mut local, batch.policy);
    write_records(&transaction, &mut feed, &decided.applying, now).await?;
    asides::settle(&transaction, feed_id, &batch.settled).await?;
    asides::add(&transaction, feed_id, batch.aside).await?;
    if let Some(link) = &batch.link {
        links::save(&transaction, feed_id, link).await?;
    }
    let end = feed.end;
    write::commit(database, transaction, feed).await?;
    Ok(Outcome {
        start: Some(start),
        end: Some(end),
        applied: decided.applying.len() as u64,
        deleted: decided.deleted(),
        conflicts: decided.conflicts(),
        kept_local: decided.kept_local,
    })
}

/// Refuses what would break the feed, whoever sent it.
fn check(writes: &[CheckedRecord]) -> Result<()> {
    let mut keys = HashSet::with_capacity(writes.len());
    for CheckedRecord { key, state, .. } in writes {
        if !state.fits(key.kind()) {
            return Err(
                Refusal::invalid(format!("{key:?} cannot have a state of that kind")).into()
            );
        }
        if !keys.insert(key) {
            return Err(Refusal::invalid(format!("{key:?} is written twice in one page")).into());
        }
    }
    Ok(())
}
