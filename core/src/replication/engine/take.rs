//! Taking records of the source: check, decide, fetch blobs, write.

use std::collections::{HashMap, HashSet};

use super::super::incoming::CheckedRecord;
use super::super::key::RecordKey;
use super::super::merge::{Kept, Merged, merge};
use super::super::state::{Record, Standing, State};
use super::report::{Report, describe};
use super::retry::first_failed;
use super::run::{Result, Run};
use super::store::{Aside, AsideKind, Batch, Link};
use crate::{BlobRef, Digest, Timestamp};

/// Records of the source that were decided on and whose blobs are here. What is left is to write them.
#[derive(Default)]
pub(super) struct Taking {
    /// `None` in a dry run.
    batch: Option<Batch>,
    /// The keys that were decided on.
    keys: HashSet<RecordKey>,
    /// Blobs that were fetched for them, and may be named by no record yet.
    fetched: HashSet<Digest>,
    failed: HashMap<Digest, String>,
    taken: Taken,
}

/// What became of records that were taken.
#[derive(Default)]
pub(super) struct Taken {
    /// The records whose state here stands, with it.
    pub(super) kept_local: Vec<(RecordKey, State)>,
    /// The end of this feed's log before and after they were written.
    pub(super) written: Option<(u64, u64)>,
    pub(super) report: Report,
}

impl Taking {
    /// Whether one of `records` has a key that is about to be written: then it is too soon to decide
    /// on them.
    pub(super) fn is_about(&self, records: &[Record]) -> bool {
        records.iter().any(|record| self.keys.contains(&record.key))
    }

    /// Hands out the digests of the blobs that were fetched.
    pub(super) fn fetched(&mut self) -> HashSet<Digest> {
        std::mem::take(&mut self.fetched)
    }
}

impl Run<'_> {
    /// Takes records of the source, no key twice, in one transaction with the link as it stands: what
    /// this feed knows of the source must never be newer than the witness by which it notices that the
    /// source lost it. Returns the records whose state here stands, with it.
    pub(super) async fn take(&mut self, records: Vec<Record>) -> Result<Vec<(RecordKey, State)>> {
        let taking = self.prepare(records, self.link.clone(), &HashSet::new()).await?;
        let taken = self.write(taking).await?;
        self.report.add(&taken.report);
        Ok(taken.kept_local)
    }

    /// Decides on records that came with `link`, and fetches their blobs, without those that are
    /// `here_already` though no record names them yet.
    pub(super) async fn prepare(
        &self,
        records: Vec<Record>,
        link: Link,
        here_already: &HashSet<Digest>,
    ) -> Result<Taking> {
        let mut taking = Taking::default();
        let mut batch = Batch::new(self.policy);
        batch.link = Some(link);
        let checked = self.check(records, &mut batch);
        let keys: Vec<_> = checked.iter().map(|record| record.key.clone()).collect();
        let local = self.store.states(&keys).await?;
        let mut needed = Vec::new();
        for record in checked {
            let here = local.get(&record.key);
            match merge(here, &record.state, self.policy) {
                Merged::Same => batch.settled.extend(fetched(&record.key)),
                Merged::KeepLocal => {
                    batch.settled.extend(fetched(&record.key));
                    if self.sends() && here.is_some_and(|state| self.store.travels(state)) {
                        batch.aside.push(to_send(record.key.clone()));
                    }
                    let kept = here.cloned().map(|state| (record.key, state));
                    taking.taken.kept_local.extend(kept);
                }
                Merged::TakeRemote(kept) => {
                    if self.options.dry_run {
                        self.tell(&record, kept, &mut taking.taken.report);
                    }
                    if kept == Some(Kept::Trash) && is_deleted(&record.state) {
                        batch.aside.push(delete_aside(record));
                        continue;
                    }
                    let blobs = record.state.content().map_or(&[][..], |content| &content.blobs);
                    let lacking = |blob: &&BlobRef| !here_already.contains(&blob.digest);
                    needed.extend(blobs.iter().filter(lacking).cloned());
                    batch.writes.push(record);
                }
            }
        }
        taking.keys = keys.into_iter().collect();
        let lacking = self.lacking(needed).await?;
        taking.taken.report.count_bytes(&lacking);
        if self.options.dry_run {
            return Ok(taking);
        }
        taking.failed = self.wrong_lengths(&batch.writes, &lacking).await?;
        if !lacking.is_empty() {
            let asked: Vec<_> = lacking.iter().map(|blob| blob.digest).collect();
            taking.failed.extend(self.remote.fetch(lacking).await?);
            let came = asked.into_iter().filter(|digest| !taking.failed.contains_key(digest));
            taking.fetched = came.collect();
        }
        taking.batch = Some(batch);
        Ok(taking)
    }

    /// Checks records as if a stranger had sent them; leaves out what is wrong.
    fn check(&self, records: Vec<Record>, batch: &mut Batch) -> Vec<CheckedRecord> {
        let mut checked = Vec::with_capacity(records.len());
        for record in records {
            let (key, digest) = (record.key.clone(), record.state.digest());
            match self.store.check(record) {
                Ok(record) => {
                    batch.seen.push((key, Some(digest)));
                    checked.push(record);
                }
                Err(reason) => {
                    self.fails(&key, "from the source is left out", &reason);
                }
            }
        }
        checked
    }

    /// Writes what was prepared.
    pub(super) async fn write(&self, taking: Taking) -> Result<Taken> {
        let Taking { batch, failed, mut taken, .. } = taking;
        let Some(mut batch) = batch else { return Ok(taken) };
        if !failed.is_empty() {
            self.set_aside_failed(&mut batch, &failed, &mut taken.report).await?;
        }
        let settled = batch.writes.iter().flat_map(|record| fetched(&record.key));
        batch.settled.extend(settled);
        let outcome = self.store.apply(batch).await?;
        taken.report.pulled += outcome.applied;
        taken.report.conflicts += outcome.conflicts;
        taken.kept_local.extend(outcome.kept_local);
        taken.written = outcome.start.zip(outcome.end).map(|(start, end)| (start.seq, end.seq));
        Ok(taken)
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
        &self,
        batch: &mut Batch,
        failed: &HashMap<Digest, String>,
        report: &mut Report,
    ) -> Result<()> {
        let mut reasons = Vec::new();
        batch.writes.retain(|record| match first_failed(&record.state, failed) {
            None => true,
            Some(reason) => {
                reasons.push((record.key.clone(), reason.clone()));
                false
            }
        });
        let asides = self.set_aside(AsideKind::Fetch, reasons).await?;
        report.set_aside += asides.len() as u64;
        batch.aside.extend(asides);
        Ok(())
    }

    fn tell(&self, record: &CheckedRecord, kept: Option<Kept>, report: &mut Report) {
        let about = describe(&record.key);
        report.pulled += 1;
        let text = match kept {
            Some(Kept::Conflict) => {
                report.conflicts += 1;
                format!("would replace {about} by the source's, a conflict")
            }
            Some(Kept::Trash) if is_deleted(&record.state) => {
                report.deleted += 1;
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
