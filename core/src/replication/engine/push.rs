//! Sending this feed's changes to the source.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::key::RecordKey;
use super::super::message::{Applied, KeptRecord};
use super::super::state::Record;
use super::remote::RemoteError;
use super::report::{Movement, describe};
use super::run::{EngineError, Result, Run};
use super::store::{Aside, AsideKind, Batch, FeedStore, Page, StoreError};
use super::take::{is_deleted, next_attempt};
use crate::{BlobRef, Digest};

/// The most records that are looked at, and sent, at once.
const PAGE: u64 = 500;

impl Run<'_> {
    /// Pushes until there is no more.
    pub(super) async fn push(&mut self) -> Result<()> {
        if self.holds_pushed_deletes().await? {
            return Ok(());
        }
        loop {
            let (page, unsent) = unsent(self.store, self.link.push_seq).await?;
            let count = unsent.len() as u64;
            self.journal.moved(Movement::RecordsFound(count));
            if self.options.dry_run {
                for record in &unsent {
                    self.info(format!("would push {}", describe(&record.key)));
                }
                self.report.pushed += count;
                self.link.push_seq = page.end.through;
            } else {
                let before = self.link.clone();
                let mut batch = self.exchange_records(&unsent).await?;
                self.link.push_seq = page.end.through;
                if self.link != before || !batch.seen.is_empty() || !batch.aside.is_empty() {
                    batch.link = Some(self.link.clone());
                    self.store.apply(batch).await?;
                }
            }
            self.journal.moved(Movement::RecordsDone(count));
            if !page.end.more {
                return Ok(());
            }
        }
    }

    /// Sends records of this feed, and notes what the source holds then.
    pub(super) async fn send(&mut self, records: &[Record]) -> Result<()> {
        let mut batch = self.exchange_records(records).await?;
        batch.link = Some(self.link.clone());
        self.store.apply(batch).await?;
        Ok(())
    }

    /// Whether more versions of the source would be deleted than the fuse allows. Then nothing is
    /// pushed: what was deleted here by mistake is not deleted everywhere.
    async fn holds_pushed_deletes(&mut self) -> Result<bool> {
        if self.options.allow_deletes {
            return Ok(false);
        }
        let mut deletes = 0;
        let mut since = self.link.push_seq;
        loop {
            let (page, unsent) = unsent(self.store, since).await?;
            let deleted: Vec<_> = unsent
                .into_iter()
                .filter(|record| is_deleted(&record.state))
                .map(|record| record.key)
                .collect();
            // Only what the source was seen to hold can be deleted there.
            deletes += self.store.shadows(&deleted).await?.len() as u64;
            since = page.end.through;
            if !page.end.more {
                break;
            }
        }
        let versions = self.store.live_versions().await? + deletes;
        let allowed = self.options.fuse.allowed(versions).max(self.allowed_deletes);
        if deletes <= allowed {
            return Ok(false);
        }
        self.warn(format!(
            "held: {deletes} versions would be deleted at the source and the fuse allows {allowed}; \
             look at them and run again with --allow-deletes"
        ));
        self.report.held += deletes;
        Ok(true)
    }

    /// Sends records with the blobs that the source lacks for them. The batch says what the source
    /// holds under their keys now, and which could not be sent.
    pub(super) async fn exchange_records(&mut self, records: &[Record]) -> Result<Batch> {
        let mut batch = Batch::new(self.policy);
        if records.is_empty() {
            return Ok(batch);
        }
        let failed = self.send_blobs(records, None).await?;
        let mut sent = self.set_aside_unsent(&mut batch, records, &failed).await?;
        let mut applied = self.remote.push(&sent).await?;
        if !applied.missing_blobs.is_empty() {
            let missing = std::mem::take(&mut applied.missing_blobs);
            let failed = self.send_blobs(&sent, Some(missing)).await?;
            sent = self.set_aside_unsent(&mut batch, &sent, &failed).await?;
            applied = self.remote.push(&sent).await?;
            if let Some(digest) = applied.missing_blobs.first() {
                let text = format!("it lacks the blob {digest} that was just sent");
                return Err(EngineError::Remote(RemoteError::Broken(text)));
            }
        }
        let kept = self.note_applied(&mut batch, &sent, applied);
        if !kept.is_empty() && self.options.client.mode.pulls() {
            // The source will not send them by itself: in its log they may be long past.
            self.take(kept).await?;
        }
        Ok(batch)
    }

    /// Notes what the source holds after a push. Returns the records of which it keeps its own state.
    fn note_applied(
        &mut self,
        batch: &mut Batch,
        sent: &[Record],
        applied: Applied,
    ) -> Vec<Record> {
        self.report.pushed += applied.applied;
        if let (Some(start), Some(end)) = (applied.start, applied.end) {
            // Nobody else changed the source since this feed read it: what comes next in its log is
            // what was just sent, and need not be pulled back.
            if start == self.link.cursor.witness && start.seq == self.link.cursor.seq {
                self.link.cursor.seq = end.seq;
            }
            self.link.cursor.witness = end;
        }
        let mut seen: HashMap<RecordKey, Digest> =
            sent.iter().map(|record| (record.key.clone(), record.state.digest())).collect();
        let mut kept = Vec::new();
        for KeptRecord { key, state } in applied.kept {
            // A server says only of what it was sent.
            if let Some(digest) = seen.get_mut(&key) {
                self.info(format!("the source keeps its own {}", describe(&key)));
                *digest = state.digest();
                kept.push(Record { key, state });
            }
        }
        let settled = sent.iter().map(|record| (AsideKind::Send, record.key.clone()));
        batch.settled.extend(settled);
        batch.seen.extend(seen.into_iter().map(|(key, digest)| (key, Some(digest))));
        kept
    }

    /// Sends the blobs of the records that the source says it lacks: those of `missing`, or the answer
    /// to asking it.
    async fn send_blobs(
        &mut self,
        records: &[Record],
        missing: Option<Vec<Digest>>,
    ) -> Result<HashMap<Digest, String>> {
        let blobs: BTreeMap<Digest, &BlobRef> = records
            .iter()
            .filter_map(|record| record.state.content())
            .flat_map(|content| &content.blobs)
            .map(|blob| (blob.digest, blob))
            .collect();
        if blobs.is_empty() {
            return Ok(HashMap::new());
        }
        let missing = match missing {
            Some(missing) => missing,
            None => self.remote.missing(blobs.keys().copied().collect()).await?,
        };
        let missing: HashSet<Digest> = missing.into_iter().collect();
        let missing: Vec<_> =
            blobs.into_values().filter(|blob| missing.contains(&blob.digest)).cloned().collect();
        if missing.is_empty() {
            return Ok(HashMap::new());
        }
        self.report.count_bytes(&missing);
        Ok(self.remote.send(missing).await?.into_iter().collect())
    }

    /// Leaves out the records whose blobs could not be sent.
    async fn set_aside_unsent(
        &mut self,
        batch: &mut Batch,
        records: &[Record],
        failed: &HashMap<Digest, String>,
    ) -> Result<Vec<Record>> {
        if failed.is_empty() {
            return Ok(records.to_vec());
        }
        let known: HashMap<_, _> = self
            .store
            .asides(AsideKind::Send)
            .await?
            .into_iter()
            .map(|aside| (aside.key, aside.attempts))
            .collect();
        let now = self.store.now();
        let mut sent = Vec::with_capacity(records.len());
        for record in records {
            let blobs = record.state.content().map_or(&[][..], |content| &content.blobs);
            let Some(error) = blobs.iter().find_map(|blob| failed.get(&blob.digest)) else {
                sent.push(record.clone());
                continue;
            };
            let attempts = known.get(&record.key).copied().unwrap_or(0) + 1;
            self.report.set_aside += 1;
            let about = describe(&record.key);
            self.warn(format!("{about} is set aside after {attempts} attempts: {error}"));
            batch.aside.push(Aside {
                key: record.key.clone(),
                kind: AsideKind::Send,
                state: None,
                error: error.clone(),
                attempts,
                next_at: next_attempt(now, attempts),
            });
        }
        Ok(sent)
    }
}

/// The next page of a feed's own log, and those of its records that the source is not known to have.
///
/// # Errors
/// When the store fails.
pub(super) async fn unsent(
    store: &dyn FeedStore,
    since: u64,
) -> Result<(Page, Vec<Record>), StoreError> {
    let mut page = store.page(since, PAGE).await?;
    let records = std::mem::take(&mut page.records);
    let keys: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
    let shadows = store.shadows(&keys).await?;
    let unsent = records
        .into_iter()
        .filter(|record| store.travels(&record.state))
        .filter(|record| shadows.get(&record.key) != Some(&record.state.digest()))
        .collect();
    Ok((page, unsent))
}

/// Whether the feed has something from `since` on that the source is not known to have. Otherwise,
/// how far the feed's log was looked through.
///
/// # Errors
/// When the store fails.
pub async fn has_unsent(store: &dyn FeedStore, since: u64) -> Result<Option<u64>, StoreError> {
    let mut since = since;
    loop {
        let (page, unsent) = unsent(store, since).await?;
        if !unsent.is_empty() {
            return Ok(None);
        }
        since = page.end.through;
        if !page.end.more {
            return Ok(Some(since));
        }
    }
}
