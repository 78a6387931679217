//! Comparing everything: after a long absence, with a source that was restored or replaced, at the
//! first contact of two filled feeds, or when asked to.
//!
//! What differs is found by the tree of sums, so the cost grows with the differences. Absence is no
//! delete: what this feed knows the source to have had and the source has not, was lost there by a
//! restored backup and is kept, unless the source's log proves that it went on from what this feed has
//! seen. Only then was it deleted so long ago that its tombstone is gone.

use std::collections::{HashMap, HashSet};

use super::super::fingerprint::{BRANCHES, Fingerprint, Leaf};
use super::super::key::RecordKey;
use super::super::log::Cursor;
use super::super::state::{Record, Standing, State, VersionState};
use super::remote::{Remote, RemoteError};
use super::report::{Movement, describe};
use super::run::{Result, Run};
use super::serve::read_records;
use super::store::{Aside, AsideKind, Batch, Tree};
use crate::{Digest, Timestamp};

/// Records asked for at once.
const CHUNK: usize = 200;
/// Records sent at once.
const SENT: usize = 500;

/// What a comparison finds.
#[derive(Default)]
struct Differences {
    /// Records of the source that this feed has otherwise or not at all.
    fetch: Vec<RecordKey>,
    /// Records of this feed that the source has not.
    send: Vec<RecordKey>,
    /// Versions that the source deleted so long ago that it has forgotten it.
    deleted: Vec<RecordKey>,
    /// What the source is now known to hold.
    seen: Vec<(RecordKey, Option<Digest>)>,
}

impl Run<'_> {
    /// Compares and brings both to the same, as far as the modes allow. `continuous` says that the
    /// source's log went on from what this feed has seen.
    pub(super) async fn reconcile(&mut self, continuous: bool) -> Result<()> {
        let mode = self.options.client.mode;
        self.journal.moved(Movement::Phase("compare"));
        self.report.reconciled = true;
        // What changes from here on is read after the comparison, on both sides.
        let now = self.store.now();
        let client = &self.options.client;
        self.handshake = super::run::shake_hands(self.remote, self.journal, client, now).await?;
        let end = self.handshake.end;
        // Unread, until all that differs is dealt with: should the run be cut off, the next compares
        // again.
        let lineage = self.handshake.lineage.clone();
        self.link.cursor = Cursor { lineage, seq: 0, witness: end };
        self.link.push_seq = 0;
        let own_end = self.store.end().await?.position;
        let Differences { fetch, mut send, deleted, seen } = self.compare(continuous).await?;
        // The leaves may have been newer than the end that was read before them.
        let after = self.remote.handshake().await?;
        if after.lineage != self.link.cursor.lineage {
            let text = "it became another feed while it was compared".to_owned();
            return Err(RemoteError::Diverged(text).into());
        }
        self.witness(after.end);
        if !self.options.dry_run {
            // All shadows anew: one that is left from a state that the source has lost would keep this
            // feed from sending that state when it comes again.
            let mut batch = Batch::new(self.policy);
            batch.same_until = Some(own_end.seq);
            batch.seen = seen;
            batch.link = Some(self.link.clone());
            if mode.pulls() {
                batch.aside = self.forgotten(&deleted).await?;
            }
            self.store.apply(batch).await?;
        } else if mode.pulls() {
            self.report.deleted += deleted.len() as u64;
            for key in &deleted {
                self.info(format!("would delete {}", describe(key)));
            }
        }
        let found = fetch.len() + send.len() + deleted.len();
        self.journal.moved(Movement::RecordsFound(found as u64));
        for keys in fetch.chunks(CHUNK) {
            let (records, end) = self.remote.records(keys).await?;
            self.witness(end);
            if mode.pulls() {
                let kept = self.take(records).await?;
                send.extend(kept.into_iter().map(|(key, _)| key));
            } else {
                send.extend(self.greater_here(&records).await?);
            }
            self.journal.moved(Movement::RecordsDone(keys.len() as u64));
        }
        if self.sends() {
            for keys in send.chunks(SENT) {
                self.send_keys(keys).await?;
            }
        }
        // What goes in one direction only is not dealt with in the other, should that be opened later.
        if mode.pulls() {
            self.link.cursor.seq = end.seq;
        }
        if self.sends() {
            self.link.push_seq = own_end.seq;
        }
        if self.options.dry_run {
            return Ok(());
        }
        let mut batch = Batch::new(self.policy);
        batch.link = Some(self.link.clone());
        self.store.apply(batch).await?;
        Ok(())
    }

    /// Whether the source holds nothing, and remembers no deletions.
    pub(super) async fn source_is_empty(&self) -> Result<bool> {
        Ok(checked(self.remote.sums(None).await?)?.iter().all(Fingerprint::is_empty))
    }

    async fn compare(&mut self, continuous: bool) -> Result<Differences> {
        let mut found = Differences::default();
        for (bucket, holds_some) in self.differing_buckets().await? {
            let there = if holds_some { self.remote.leaves(bucket).await? } else { Vec::new() };
            let there = by_key(there);
            let here = by_key(self.store.leaves(Tree::Records, bucket).await?);
            let shadows = by_key(self.store.leaves(Tree::Shadows, bucket).await?);
            let keys: HashSet<_> =
                there.keys().chain(here.keys()).chain(shadows.keys()).cloned().collect();
            let mut keys: Vec<_> = keys.into_iter().collect();
            keys.sort_unstable();
            for key in keys {
                let (there, here) = (there.get(&key), here.get(&key));
                self.classify(&mut found, key.clone(), there, here, shadows.get(&key), continuous);
            }
        }
        Ok(found)
    }

    fn classify(
        &mut self,
        found: &mut Differences,
        key: RecordKey,
        there: Option<&Leaf>,
        here: Option<&Leaf>,
        shadow: Option<&Leaf>,
        continuous: bool,
    ) {
        match (there, here) {
            (Some(there), Some(here)) if there.digest == here.digest => {}
            (Some(there), _) => {
                found.seen.push((key.clone(), Some(there.digest)));
                found.fetch.push(key);
            }
            (None, None) => found.seen.push((key, None)),
            (None, Some(here)) if shadow.is_some() && continuous && self.tracks_deletions() => {
                found.seen.push((key.clone(), None));
                let is_version = matches!(key, RecordKey::Version { .. });
                if is_version && here.live {
                    found.deleted.push(key);
                } else if here.live {
                    found.send.push(key);
                }
            }
            (None, Some(here)) if !here.live && !self.tracks_deletions() => {
                found.seen.push((key, None));
            }
            (None, Some(here)) => {
                if shadow.is_some() && here.live && self.tracks_deletions() {
                    self.report.source_lost += 1;
                    self.warn(format!("the source has lost {}: it is kept here", describe(&key)));
                }
                found.seen.push((key.clone(), None));
                found.send.push(key);
            }
        }
    }

    /// Whether absence can mean deletion at all.
    const fn tracks_deletions(&self) -> bool {
        self.handshake.capabilities.tracks_deletions
    }

    /// The buckets whose sums differ, and whether the source holds something in each: one request, and
    /// one more for each branch that differs and in which it does.
    async fn differing_buckets(&self) -> Result<Vec<(u16, bool)>> {
        let mut buckets = Vec::new();
        let there = checked(self.remote.sums(None).await?)?;
        let here = self.store.sums(None).await?;
        for branch in
            (0..=u8::MAX).filter(|branch| there[usize::from(*branch)] != here[usize::from(*branch)])
        {
            let there = branch_there(self.remote, &there, branch).await?;
            let here = self.store.sums(Some(branch)).await?;
            for child in 0..=u8::MAX {
                let (there, here) = (&there[usize::from(child)], &here[usize::from(child)]);
                if there != here {
                    buckets.push((u16::from_be_bytes([branch, child]), !there.is_empty()));
                }
            }
        }
        Ok(buckets)
    }

    /// For a feed that only sends: the records of which it has a greater state than the source.
    async fn greater_here(&mut self, records: &[Record]) -> Result<Vec<RecordKey>> {
        let keys: Vec<_> = records.iter().map(|record| record.key.clone()).collect();
        let states = self.store.states(&keys).await?;
        let greater = records.iter().filter(|record| {
            states.get(&record.key).is_some_and(|state| state.cmp_to(&record.state).is_gt())
        });
        Ok(greater.map(|record| record.key.clone()).collect())
    }

    /// The deletes of versions whose deletion the source has forgotten. They wait with the others.
    async fn forgotten(&self, keys: &[RecordKey]) -> Result<Vec<Aside>> {
        let now = self.store.now();
        let mut asides = Vec::with_capacity(keys.len());
        for keys in keys.chunks(CHUNK) {
            for (key, state) in self.store.states(keys).await? {
                let standing = Standing::Deleted { at: now };
                let incarnation = state.counter();
                asides.push(Aside {
                    key,
                    kind: AsideKind::Delete,
                    state: Some(State::Version(VersionState { incarnation, standing })),
                    error: "it waits for the end of the run, or for approval".to_owned(),
                    attempts: 0,
                    next_at: Timestamp::EPOCH,
                });
            }
        }
        asides.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Ok(asides)
    }

    async fn send_keys(&mut self, keys: &[RecordKey]) -> Result<()> {
        let mut records = read_records(self.store, keys).await?;
        records.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        if self.options.dry_run {
            for record in &records {
                self.info(format!("would push {}", describe(&record.key)));
            }
            self.report.pushed += records.len() as u64;
            return Ok(());
        }
        self.send(records).await
    }
}

fn by_key(leaves: Vec<Leaf>) -> HashMap<RecordKey, Leaf> {
    leaves.into_iter().map(|leaf| (leaf.key.clone(), leaf)).collect()
}

/// The sums of a branch of the source, with `root` those of its root: an empty branch need not be
/// asked for.
pub(super) async fn branch_there(
    remote: &dyn Remote,
    root: &[Fingerprint],
    branch: u8,
) -> Result<Vec<Fingerprint>> {
    if root[usize::from(branch)].is_empty() {
        return Ok(vec![Fingerprint::default(); BRANCHES]);
    }
    Ok(checked(remote.sums(Some(branch)).await?)?)
}

/// A source that sends too few sums must not make this side look beyond them.
pub(super) fn checked(sums: Vec<Fingerprint>) -> Result<Vec<Fingerprint>, RemoteError> {
    if sums.len() == BRANCHES {
        Ok(sums)
    } else {
        Err(RemoteError::Broken(format!("{} sums instead of {BRANCHES}", sums.len())))
    }
}
