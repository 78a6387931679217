//! Sending records with what they need, and noting what the source made of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::super::key::RecordKey;
use super::super::super::message::{Applied, KeptRecord};
use super::super::super::state::Record;
use super::super::remote::RemoteError;
use super::super::report::{Report, describe};
use super::super::retry::first_failed;
use super::super::run::{EngineError, Result, Run};
use super::super::store::{Aside, AsideKind, Batch, Link};
use crate::{BlobRef, Digest};

/// Records whose blobs are at the source, as far as they could be sent.
pub(super) struct Ready {
    records: Vec<Record>,
    failed: HashMap<Digest, String>,
    bytes: u64,
}

/// What the source made of records.
pub(super) struct Delivered {
    sent: Vec<Record>,
    applied: Applied,
    asides: Vec<Aside>,
    bytes: u64,
}

/// The same, counted. What is left is to note it.
pub(super) struct Counted {
    delivered: Delivered,
    /// The link as it is while something of them is not noted yet.
    before: Link,
    /// The link once they are noted.
    after: Link,
}

impl Counted {
    /// Whether there is nothing to note but how far the log is sent.
    pub(super) fn is_empty(&self) -> bool {
        self.delivered.sent.is_empty() && self.delivered.asides.is_empty()
    }

    /// How many records there were.
    pub(super) fn records(&self) -> u64 {
        (self.delivered.sent.len() + self.delivered.asides.len()) as u64
    }
}

impl Run<'_> {
    /// Sends the blobs that the source lacks for `records`.
    pub(super) async fn send_blobs_of(&self, records: Vec<Record>) -> Result<Ready> {
        let mut ready = Ready { records, failed: HashMap::new(), bytes: 0 };
        let blobs: Vec<Digest> = blobs_of(&ready.records).into_keys().collect();
        if !blobs.is_empty() {
            let missing = self.remote.missing(blobs).await?;
            self.send_missing(&mut ready, missing).await?;
        }
        Ok(ready)
    }

    async fn send_missing(&self, ready: &mut Ready, missing: Vec<Digest>) -> Result<()> {
        let missing: HashSet<Digest> = missing.into_iter().collect();
        let blobs = blobs_of(&ready.records);
        let missing: Vec<_> =
            blobs.into_values().filter(|blob| missing.contains(&blob.digest)).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        for blob in &missing {
            ready.bytes = ready.bytes.saturating_add(blob.size);
        }
        ready.failed.extend(self.remote.send(missing).await?);
        Ok(())
    }

    /// Delivers records, without those whose blobs could not be sent.
    pub(super) async fn deliver(&self, mut ready: Ready) -> Result<Delivered> {
        let mut asides = self.set_aside_unsent(&mut ready).await?;
        let mut applied = self.push_records(&ready.records).await?;
        if !applied.missing_blobs.is_empty() {
            let missing = std::mem::take(&mut applied.missing_blobs);
            self.send_missing(&mut ready, missing).await?;
            asides.extend(self.set_aside_unsent(&mut ready).await?);
            applied = self.push_records(&ready.records).await?;
            if let Some(digest) = applied.missing_blobs.first() {
                let text = format!("it lacks the blob {digest} that was just sent");
                return Err(EngineError::Remote(RemoteError::Broken(text)));
            }
        }
        let Ready { records: sent, bytes, .. } = ready;
        Ok(Delivered { sent, applied, asides, bytes })
    }

    async fn push_records(&self, records: &[Record]) -> Result<Applied> {
        if records.is_empty() {
            return Ok(Applied::default());
        }
        Ok(self.remote.push(records).await?)
    }

    /// Counts records that were delivered, and moves the link on: this feed's log is sent up to
    /// `push_seq` with them.
    pub(super) fn count_delivered(&mut self, mut delivered: Delivered, push_seq: u64) -> Counted {
        let applied = &mut delivered.applied;
        self.report.pushed += applied.applied;
        self.report.bytes = self.report.bytes.saturating_add(delivered.bytes);
        self.report.set_aside += delivered.asides.len() as u64;
        if let (Some(start), Some(end)) = (applied.start.take(), applied.end.take()) {
            // Nobody else changed the source since this feed read it: what comes next in its log is
            // what was just sent, and need not be pulled back.
            if start == self.link.cursor.witness && start.seq == self.link.cursor.seq {
                self.link.cursor.seq = end.seq;
            }
            self.link.cursor.witness = end;
        }
        let before = self.link.clone();
        self.link.push_seq = push_seq;
        Counted { delivered, before, after: self.link.clone() }
    }

    /// Notes what the source holds after records were delivered, and takes those of which it keeps its
    /// own state.
    pub(super) async fn note_delivered(&self, counted: Counted) -> Result<Report> {
        let Counted { delivered, before, after } = counted;
        let Delivered { sent, applied, asides, .. } = delivered;
        let mut report = Report::default();
        let mut batch = Batch::new(self.policy);
        batch.aside = asides;
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
        batch.settled.extend(sent.into_iter().map(|record| (AsideKind::Send, record.key)));
        batch.seen.extend(seen.into_iter().map(|(key, digest)| (key, Some(digest))));
        if !kept.is_empty() && self.options.client.mode.pulls() {
            // The source will not send them by itself: in its log they may be long past.
            let taking = self.prepare(kept, before, &HashSet::new()).await?;
            report.add(&self.write(taking).await?.report);
        }
        batch.link = Some(after);
        self.store.apply(batch).await?;
        Ok(report)
    }

    /// Takes out the records whose blobs could not be sent.
    async fn set_aside_unsent(&self, ready: &mut Ready) -> Result<Vec<Aside>> {
        let Ready { records, failed, .. } = ready;
        let mut reasons = Vec::new();
        records.retain(|record| match first_failed(&record.state, failed) {
            None => true,
            Some(reason) => {
                reasons.push((record.key.clone(), reason.clone()));
                false
            }
        });
        self.set_aside(AsideKind::Send, reasons).await
    }
}

/// The blobs that records need, each once.
fn blobs_of(records: &[Record]) -> BTreeMap<Digest, &BlobRef> {
    records
        .iter()
        .filter_map(|record| record.state.content())
        .flat_map(|content| &content.blobs)
        .map(|blob| (blob.digest, blob))
        .collect()
}
