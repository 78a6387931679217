//! Changes that come from other sites.

use std::collections::{HashMap, HashSet};

use pakhus_core::replication::{Kept, MergePolicy, Merged, Position, RecordKey, State, merge};
use pakhus_core::{Refusal, Timestamp};

use crate::links::{self, LinkProgress};
use crate::write::{Replacement, Write, lock_feed, states_of, write_records};
use crate::{Database, Result};

/// What became of a page of records that came from another site.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The end of this feed's log before the page.
    pub start: Position,
    /// The end of this feed's log after it.
    pub end: Position,
    /// How many records changed something.
    pub applied: u64,
    /// How many of them took a version away.
    pub deleted: u64,
    /// How many contents lost a conflict and were kept aside.
    pub conflicts: u64,
    /// The records whose state here won, with it.
    pub kept_local: Vec<(RecordKey, State)>,
}

/// Merges `writes`, all of whose blobs are here, into the feed in one transaction, together with the
/// progress of the link that brought them, if a link of this feed did.
///
/// # Errors
/// When a key is written twice or with a state of another kind, the feed is gone or the database
/// fails; nothing has changed then.
pub async fn apply(
    database: &Database,
    feed_id: i64,
    writes: Vec<Write>,
    policy: MergePolicy,
    progress: Option<&LinkProgress>,
    now: Timestamp,
) -> Result<Outcome> {
    check(&writes)?;
    let transaction = database.begin().await?;
    let mut feed = lock_feed(&transaction, feed_id).await?;
    let start = feed.end;
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    let mut local = states_of(&transaction, feed_id, &keys).await?;
    if progress.is_some() {
        let seen = writes.iter().map(|write| (&write.key, write.state.digest()));
        links::set_shadows(&transaction, feed_id, seen).await?;
    }
    let (replacements, kept_local) = decide(writes, &mut local, policy);
    write_records(&transaction, &mut feed, &replacements, now).await?;
    if let Some(progress) = progress {
        links::save_progress(&transaction, feed_id, progress).await?;
    }
    transaction.commit().await?;
    database.announce_head(feed_id, feed.end.seq);
    let count = |holds: fn(&Replacement) -> bool| {
        replacements.iter().filter(|replacement| holds(replacement)).count() as u64
    };
    Ok(Outcome {
        start,
        end: feed.end,
        applied: replacements.len() as u64,
        deleted: count(|replacement| {
            let content = replacement.previous.as_ref().and_then(State::content);
            content.is_some() && !replacement.write.state.is_live()
        }),
        conflicts: count(|replacement| replacement.kept == Some(Kept::Conflict)),
        kept_local,
    })
}

/// Refuses what would break the feed, whoever sent it.
fn check(writes: &[Write]) -> Result<()> {
    let mut keys = HashSet::with_capacity(writes.len());
    for Write { key, state, .. } in writes {
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

fn decide(
    writes: Vec<Write>,
    local: &mut HashMap<RecordKey, State>,
    policy: MergePolicy,
) -> (Vec<Replacement>, Vec<(RecordKey, State)>) {
    let mut replacements = Vec::with_capacity(writes.len());
    let mut kept_local = Vec::new();
    for write in writes {
        let previous = local.remove(&write.key);
        match merge(previous.as_ref(), &write.state, policy) {
            Merged::Same => {}
            Merged::KeepLocal => kept_local.extend(previous.map(|state| (write.key, state))),
            Merged::TakeRemote(kept) => {
                replacements.push(Replacement { write, previous, kept });
            }
        }
    }
    (replacements, kept_local)
}

/// What a page would do, without doing it.
///
/// # Errors
/// When the database fails.
pub async fn preview(
    database: &Database,
    feed_id: i64,
    writes: &[Write],
    policy: MergePolicy,
) -> Result<Vec<(RecordKey, Merged)>> {
    let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
    let local = states_of(database.reader(), feed_id, &keys).await?;
    Ok(writes
        .iter()
        .map(|write| (write.key.clone(), merge(local.get(&write.key), &write.state, policy)))
        .collect())
}
