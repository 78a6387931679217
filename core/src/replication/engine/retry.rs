//! Setting records aside that could not be moved, and trying them again.

use std::collections::HashMap;

use super::super::key::RecordKey;
use super::super::state::{Record, State};
use super::run::{Result, Run};
use super::serve::read_records;
use super::store::{Aside, AsideKind, Batch};
use crate::{Digest, Timestamp};

/// Records asked for at once.
const CHUNK: usize = 200;

/// The first pause before a record is tried again, in milliseconds; it doubles with each attempt.
const FIRST_PAUSE: i64 = 5_000;
/// The longest pause.
const LONGEST_PAUSE: i64 = 60 * 60 * 1_000;

/// When to try again what failed `attempts` times.
fn next_attempt(now: Timestamp, attempts: u32) -> Timestamp {
    let pause = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    Timestamp::from_millis(now.millis().saturating_add(pause.min(LONGEST_PAUSE)))
}

/// Why a record with this state cannot be moved: what `failed` says of the first of its blobs that it
/// says something of.
pub(super) fn first_failed<'f>(
    state: &State,
    failed: &'f HashMap<Digest, String>,
) -> Option<&'f String> {
    let blobs = state.content().map_or(&[][..], |content| &content.blobs);
    blobs.iter().find_map(|blob| failed.get(&blob.digest))
}

impl Run<'_> {
    /// Tells of records that could not be moved, each with the reason, and says when they are tried
    /// again.
    pub(super) async fn set_aside(
        &self,
        kind: AsideKind,
        reasons: Vec<(RecordKey, String)>,
    ) -> Result<Vec<Aside>> {
        if reasons.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.store.asides(kind).await?.into_iter();
        let known: HashMap<_, _> = known.map(|aside| (aside.key, aside.attempts)).collect();
        let now = self.store.now();
        let asides = reasons.into_iter().map(|(key, error)| {
            let attempts = known.get(&key).copied().unwrap_or(0) + 1;
            self.fails(&key, &format!("is set aside after {attempts} attempts"), &error);
            let next_at = next_attempt(now, attempts);
            Aside { key, kind, state: None, error, attempts, next_at }
        });
        Ok(asides.collect())
    }

    /// Asks the source again for the records whose blobs could not be fetched, as they are now.
    pub(super) async fn retry_fetches(&mut self) -> Result<()> {
        for keys in self.due(AsideKind::Fetch).await?.chunks(CHUNK) {
            let (records, end) = self.remote.records(keys).await?;
            self.witness(end);
            self.settle_gone(AsideKind::Fetch, keys, &records).await?;
            self.take(records).await?;
        }
        Ok(())
    }

    /// Sends again the records whose blobs could not be sent, as they are now.
    pub(super) async fn retry_sends(&mut self) -> Result<()> {
        for keys in self.due(AsideKind::Send).await?.chunks(CHUNK) {
            let mut records = read_records(self.store, keys).await?;
            records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            self.settle_gone(AsideKind::Send, keys, &records).await?;
            self.send(records).await?;
        }
        Ok(())
    }

    /// What there is nothing of any more waits no longer.
    async fn settle_gone(
        &self,
        kind: AsideKind,
        keys: &[RecordKey],
        records: &[Record],
    ) -> Result<()> {
        let mut gone = Batch::new(self.policy);
        gone.settled = keys
            .iter()
            .filter(|key| records.iter().all(|record| record.key != **key))
            .map(|key| (kind, key.clone()))
            .collect();
        if !gone.settled.is_empty() {
            self.store.apply(gone).await?;
        }
        Ok(())
    }

    /// What is to be tried again by now.
    async fn due(&self, kind: AsideKind) -> Result<Vec<RecordKey>> {
        if self.options.dry_run {
            return Ok(Vec::new());
        }
        let now = self.store.now();
        let asides = self.store.asides(kind).await?;
        // Where everything was compared, the others were just tried.
        let due = |aside: &Aside| aside.next_at <= now;
        Ok(asides.into_iter().filter(due).map(|aside| aside.key).collect())
    }
}
