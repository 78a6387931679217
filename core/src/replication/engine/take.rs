//! Taking records of the source: check, decide, fetch blobs, write.

use std::collections::{HashMap, HashSet};

use super::super::incoming::CheckedRecord;
use super::super::key::RecordKey;
use super::super::merge::{Kept, Merged, merge};
use super::super::state::{Record, Standing, State};
use super::report::describe;
use super::run::{Result, Run};
use super::store::{Aside, AsideKind, Batch};
use crate::{BlobRef, Digest, Timestamp};

/// The first pause before a record is tried again, in milliseconds; it doubles with each attempt.
const FIRST_PAUSE: i64 = 5_000;
/// The longest pause.
const LONGEST_PAUSE: i64 = 60 * 60 * 1_000;

/// When to try again what failed `attempts` times.
pub(super) fn next_attempt(now: Timestamp, attempts: u32) -> Timestamp {
    let pause = FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(20));
    Timestamp::from_millis(now.millis().saturating_add(pause.min(LONGEST_PAUSE)))
}

impl Run<'_> {
    /// Takes records of the source, no key twice, in one transaction with the link as it stands: what
    /// this feed knows of the source must never be newer than the witness by which it notices that the
    /// source lost it. Returns the records whose state here stands, with it.
    pub(super) async fn take(&mut self, records: Vec<Record>) -> Result<Vec<(RecordKey, State)>> {
        let mut batch = Batch::new(self.policy);
        let mut checked = Vec::with_capacity(records.len());
        for record in records {
            let (about, key) = (describe(&record.key), record.key.clone());
            let digest = record.state.digest();
            match self.store.check(record) {
                Ok(record) => {
                    batch.seen.push((key, Some(digest)));
                    checked.push(record);
                }
                Err(reason) => {
                    self.warn(format!("{about} from the source is left out: {reason}"));
                }
            }
        }
        let keys: Vec<_> = checked.iter().map(|record| record.key.clone()).collect();
        let local = self.store.states(&keys).await?;
        let mut needed: Vec<BlobRef> = Vec::new();
        let mut kept_local = Vec::new();
        for record in checked {
            let here = local.get(&record.key);
            match merge(here, &record.state, self.policy) {
                Merged::Same => batch.settled.extend(fetched(&record.key)),
                Merged::KeepLocal => {
                    batch.settled.extend(fetched(&record.key));
                    if self.sends() {
                        batch.aside.push(to_send(record.key.clone()));
                    }
                    kept_local.extend(here.cloned().map(|state| (record.key, state)));
                }
                Merged::TakeRemote(kept) => {
                    if self.options.dry_run {
                        self.tell(&record, kept);
                    }
                    if kept == Some(Kept::Trash) && is_deleted(&record.state) {
                        batch.aside.push(delete_aside(record));
                        continue;
                    }
                    let blobs = record.state.content().map_or(&[][..], |content| &content.blobs);
                    needed.extend_from_slice(blobs);
                    batch.writes.push(record);
                }
            }
        }
        let lacking = self.lacking(needed).await?;
        self.report.count_bytes(&lacking);
        if self.options.dry_run {
            return Ok(kept_local);
        }
        let mut failed = self.wrong_lengths(&batch.writes, &lacking).await?;
        if !lacking.is_empty() {
            failed.extend(self.remote.fetch(lacking).await?);
        }
        if !failed.is_empty() {
            self.set_aside_failed(&mut batch, &failed).await?;
        }
        let settled = batch.writes.iter().flat_map(|record| fetched(&record.key));
        batch.settled.extend(settled);
        batch.link = Some(self.link.clone());
        let outcome = self.store.apply(batch).await?;
        self.report.pulled += outcome.applied;
        self.report.conflicts += outcome.conflicts;
        kept_local.extend(outcome.kept_local);
        Ok(kept_local)
    }

    /// Those of the blobs that this feed has not. A blob that another feed of this instance has is
    /// fetched too: that the source names a digest does not prove that it may see the bytes.
    async fn lacking(&self, needed: Vec<BlobRef>) -> Result<Vec<BlobRef>> {
        let mut seen = HashSet::new();
        let needed: Vec<_> = needed.into_iter().filter(|blob| seen.insert(blob.digest)).collect();
        if needed.is_empty() {
            return Ok(needed);
        }
        let digests: Vec<_> = needed.iter().map(|blob| blob.digest).collect();
        let unknown: HashSet<_> = self.store.unknown_blobs(&digests).await?.into_iter().collect();
        Ok(needed.into_iter().filter(|blob| unknown.contains(&blob.digest)).collect())
    }

    /// Moves the writes whose blobs could not be had to the list of what is tried again.
    async fn set_aside_failed(
        &mut self,
        batch: &mut Batch,
        failed: &HashMap<Digest, String>,
    ) -> Result<()> {
        let known: HashMap<_, _> = self
            .store
            .asides(AsideKind::Fetch)
            .await?
            .into_iter()
            .map(|aside| (aside.key, aside.attempts))
            .collect();
        let now = self.store.now();
        for record in std::mem::take(&mut batch.writes) {
            let blobs = record.state.content().map_or(&[][..], |content| &content.blobs);
            let error = blobs.iter().find_map(|blob| failed.get(&blob.digest));
            let Some(error) = error else {
                batch.writes.push(record);
                continue;
            };
            let attempts = known.get(&record.key).copied().unwrap_or(0) + 1;
            self.report.set_aside += 1;
            self.warn(format!(
                "{} is set aside after {attempts} attempts: {error}",
                describe(&record.key)
            ));
            batch.aside.push(Aside {
                key: record.key,
                kind: AsideKind::Fetch,
                state: None,
                error: error.clone(),
                attempts,
                next_at: next_attempt(now, attempts),
            });
        }
        Ok(())
    }

    fn tell(&mut self, record: &CheckedRecord, kept: Option<Kept>) {
        let about = describe(&record.key);
        self.report.pulled += 1;
        let text = match kept {
            Some(Kept::Conflict) => {
                self.report.conflicts += 1;
                format!("would replace {about} by the source's, a conflict")
            }
            Some(Kept::Trash) if is_deleted(&record.state) => {
                self.report.deleted += 1;
                format!("would delete {about}")
            }
            Some(Kept::Trash) => format!("would overwrite {about}"),
            None => format!("would pull {about}"),
        };
        self.info(text);
    }
}

/// What no longer waits once a state of the source was dealt with. What waits to be sent goes on
/// waiting.
fn fetched(key: &RecordKey) -> [(AsideKind, RecordKey); 2] {
    [(AsideKind::Fetch, key.clone()), (AsideKind::Delete, key.clone())]
}

/// Whether the state is that of a deleted version.
pub(super) fn is_deleted(state: &State) -> bool {
    matches!(state, State::Version(version) if matches!(version.standing, Standing::Deleted { .. }))
}

/// What stands here against the source's state goes there, also when it was sent before: the source
/// may have forgotten it.
fn to_send(key: RecordKey) -> Aside {
    Aside {
        key,
        kind: AsideKind::Send,
        state: None,
        error: "it waits to be sent".to_owned(),
        attempts: 0,
        next_at: Timestamp::EPOCH,
    }
}

/// Deletes wait for the end of the run, when it is known how many there are.
fn delete_aside(record: CheckedRecord) -> Aside {
    Aside {
        key: record.key,
        kind: AsideKind::Delete,
        state: Some(record.state),
        error: "it waits for the end of the run, or for approval".to_owned(),
        attempts: 0,
        next_at: Timestamp::EPOCH,
    }
}
