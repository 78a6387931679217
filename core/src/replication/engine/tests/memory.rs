//! A site in memory: a feed store whose durable steps can be cut off.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use super::breakage::Breakage;
use super::chance::{Chance, wait};
use super::disk::Disk;
use super::plain::Plain;
use crate::replication::engine::{
    Aside, AsideKind, Batch, FeedStore, Link, LogEnd, Outcome, Page, StoreError, Tree,
};
use crate::replication::{
    CheckedRecord, CountState, EditContext, Fingerprint, Leaf, PageEnd, Position, Record,
    RecordKey, State, bucket, check, evaluate,
};
use crate::{BlobRef, Digest, Edit, Timestamp};

/// A site.
#[derive(Clone)]
pub(super) struct Site {
    pub(super) id: String,
    disk: Arc<Mutex<Disk>>,
    chance: Arc<Mutex<Chance>>,
    /// Hours that its clock is off, in milliseconds.
    skew: i64,
    clock: Arc<Mutex<i64>>,
    /// Percent of durable steps that a crash comes with.
    pub(super) crashes: Arc<Mutex<u64>>,
    pub(super) breakage: Option<Breakage>,
    pub(super) tracks_deletions: bool,
}

impl Site {
    pub(super) fn new(
        number: usize,
        seed: u64,
        skew: i64,
        clock: Arc<Mutex<i64>>,
        breakage: Option<Breakage>,
    ) -> Self {
        let id = format!("site-{number}");
        let disk = Disk {
            lineage: format!("lineage-{number}"),
            records: BTreeMap::new(),
            log: Vec::new(),
            floor: 0,
            first_incarnation: 1,
            blobs: HashSet::new(),
            received: HashSet::new(),
            kept: Vec::new(),
            link: None,
            shadows: HashMap::new(),
            asides: Vec::new(),
        };
        Self {
            id,
            disk: Arc::new(Mutex::new(disk)),
            chance: Arc::new(Mutex::new(Chance::new(seed))),
            skew,
            clock,
            crashes: Arc::default(),
            breakage,
            tracks_deletions: true,
        }
    }

    pub(super) fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().expect("no panic while it was held")
    }

    /// What a dry run must leave as it is.
    pub(super) fn at_rest(&self) -> (Fingerprint, Option<Link>, Vec<Aside>) {
        let disk = self.disk();
        (disk.fingerprint(), disk.link.clone(), disk.asides.clone())
    }

    pub(super) fn set_crashes(&self, percent: u64) {
        *self.crashes.lock().expect("no panic while it was held") = percent;
    }

    fn broken(&self, breakage: Breakage) -> bool {
        self.breakage == Some(breakage)
    }

    /// A change that somebody makes at this site. `None` when it is refused.
    pub(super) fn edit(&self, edit: &Edit) -> Option<State> {
        let now = self.now();
        let mut disk = self.disk();
        let context = EditContext {
            origin: self.id.clone(),
            now,
            first_incarnation: disk.first_incarnation,
            syncs_publish_date: true,
        };
        let current = |key: &RecordKey| disk.records.get(key).map(|(state, _)| state.clone());
        let record = evaluate(edit, &context, current).ok()??;
        if let Edit::Publish(new) = edit {
            disk.blobs.extend(new.blobs.iter().map(|blob| blob.digest));
        }
        let state = record.state.clone();
        disk.write(record.key, record.state);
        Some(state)
    }

    /// Downloads that this site served.
    pub(super) fn download(&self, name: &str, version: &str, count: u64) {
        let key = RecordKey::Downloads {
            name: name.to_owned(),
            version: version.to_owned(),
            instance: self.id.clone(),
        };
        let mut disk = self.disk();
        let mut downloads = match disk.records.get(&key) {
            Some((State::Count(downloads), _)) => downloads.clone(),
            _ => CountState::default(),
        };
        downloads.add(&format!("day {}", self.now().millis() / 60_000), count);
        disk.write(key, State::Count(downloads));
    }

    /// Forgets all tombstones that the source, if there is one, is known to hold as well: none that
    /// waits to be sent once more.
    pub(super) fn prune(&self) {
        let mut disk = self.disk();
        let waiting: HashSet<_> = disk.asides.iter().map(|aside| aside.key.clone()).collect();
        let old: Vec<_> = disk
            .records
            .iter()
            .filter(|(key, (state, _))| {
                matches!(state, State::Version(_))
                    && !state.is_live()
                    && (disk.link.is_none() || disk.shadows.get(*key) == Some(&state.digest()))
                    && !waiting.contains(*key)
            })
            .map(|(key, (state, seq))| (key.clone(), state.counter(), *seq))
            .collect();
        for (key, incarnation, seq) in old {
            disk.first_incarnation = disk.first_incarnation.max(incarnation + 1);
            disk.records.remove(&key);
            disk.floor = disk.floor.max(seq);
        }
    }

    /// Whether this durable step is cut off before or after it happens.
    fn crash(&self) -> Option<bool> {
        let percent = *self.crashes.lock().expect("no panic while it was held");
        let mut chance = self.chance.lock().expect("no panic while it was held");
        chance.percent(percent).then(|| chance.percent(50))
    }
}

type Result<T> = std::result::Result<T, StoreError>;

#[async_trait]
impl FeedStore for Site {
    async fn end(&self) -> Result<LogEnd> {
        let disk = self.disk();
        Ok(LogEnd { lineage: disk.lineage.clone(), position: disk.end(), floor: disk.floor })
    }

    async fn went_through(&self, position: Position) -> Result<bool> {
        if self.broken(Breakage::NoChainCheck) || self.broken(Breakage::AbsenceIsDelete) {
            return Ok(true);
        }
        if position.seq == 0 {
            return Ok(position.chain == Digest::ZERO);
        }
        let index = usize::try_from(position.seq - 1).expect("a small number");
        Ok(self.disk().log.get(index) == Some(&position))
    }

    async fn page(&self, since: u64, limit: u64) -> Result<Page> {
        let disk = self.disk();
        let mut changed: Vec<_> =
            disk.records.iter().filter(|(_, (_, seq))| *seq > since).collect();
        changed.sort_unstable_by_key(|(_, (_, seq))| *seq);
        let head = disk.end();
        let more = changed.len() as u64 > limit;
        changed.truncate(usize::try_from(limit).expect("a small number"));
        let through = match changed.last() {
            Some((_, (_, seq))) if more => *seq,
            _ => head.seq,
        };
        let mut records: Vec<_> = changed
            .into_iter()
            .map(|(key, (state, _))| Record { key: key.clone(), state: state.clone() })
            .collect();
        if self.broken(Breakage::PageDropsLast) && records.len() > 1 {
            records.pop();
        }
        Ok(Page { records, end: PageEnd { through, head, more } })
    }

    async fn states(&self, keys: &[RecordKey]) -> Result<HashMap<RecordKey, State>> {
        let disk = self.disk();
        let state = |key: &RecordKey| Some((key.clone(), disk.records.get(key)?.0.clone()));
        Ok(keys.iter().filter_map(state).collect())
    }

    async fn apply(&self, batch: Batch) -> Result<Outcome> {
        let times = self.chance.lock().expect("no panic while it was held").below(6);
        wait(times).await;
        let crash = self.crash();
        let cut = || StoreError("crashed".to_owned());
        if crash == Some(false) {
            if self.broken(Breakage::CursorBeforeRecords) && batch.link.is_some() {
                self.disk().link = batch.link;
            }
            return Err(cut());
        }
        let mut disk = self.disk();
        if let Some(until) = batch.same_until {
            let until = if self.broken(Breakage::MeanwhileIsCompared) { u64::MAX } else { until };
            let compared = disk.records.iter().filter(|(_, (_, seq))| *seq <= until);
            let held = compared.map(|(key, (state, _))| (key.clone(), state.digest()));
            disk.shadows = held.collect();
        }
        let start = disk.end();
        let (deleted, conflicts, outcome) = disk.merge(&batch, self.breakage);
        let end = disk.end();
        for (key, digest) in batch.seen {
            match digest {
                Some(digest) => disk.shadows.insert(key, digest),
                None => disk.shadows.remove(&key),
            };
        }
        disk.asides.retain(|aside| !batch.settled.contains(&(aside.kind, aside.key.clone())));
        if !self.broken(Breakage::AsidesForgotten) {
            for aside in batch.aside {
                disk.asides.retain(|known| known.key != aside.key || known.kind != aside.kind);
                disk.asides.push(aside);
            }
        }
        if batch.link.is_some() {
            disk.link = batch.link;
        }
        if crash == Some(true) {
            return Err(cut());
        }
        Ok(Outcome { start: Some(start), end: Some(end), deleted, conflicts, ..outcome })
    }

    async fn link(&self) -> Result<Option<Link>> {
        Ok(self.disk().link.clone())
    }

    async fn forget_link(&self) -> Result<()> {
        let mut disk = self.disk();
        disk.link = None;
        disk.shadows.clear();
        disk.asides.clear();
        Ok(())
    }

    async fn shadows(&self, keys: &[RecordKey]) -> Result<HashMap<RecordKey, Digest>> {
        let disk = self.disk();
        let claim = self.broken(Breakage::ShadowsClaimAll);
        let shadow = |key: &RecordKey| {
            let known = disk.shadows.get(key).copied();
            let held = || Some(disk.records.get(key)?.0.digest());
            Some((key.clone(), if claim { held() } else { known }?))
        };
        Ok(keys.iter().filter_map(shadow).collect())
    }

    async fn sums(&self, branch: Option<u8>) -> Result<Vec<Fingerprint>> {
        let mut sums = vec![Fingerprint::default(); 256];
        for leaf in self.disk().leaves(Tree::Records) {
            let [first, second] = bucket(&leaf.key).to_be_bytes();
            let child = match branch {
                None => first,
                Some(branch) if branch == first => second,
                Some(_) => continue,
            };
            sums[usize::from(child)].add(&leaf.key, leaf.digest, leaf.live);
        }
        Ok(sums)
    }

    async fn leaves(&self, tree: Tree, number: u16) -> Result<Vec<Leaf>> {
        let leaves = self.disk().leaves(tree);
        Ok(leaves.into_iter().filter(|leaf| bucket(&leaf.key) == number).collect())
    }

    async fn unknown_blobs(&self, digests: &[Digest]) -> Result<Vec<Digest>> {
        let disk = self.disk();
        let named: BTreeSet<_> = disk.named_blobs().map(|blob| blob.digest).collect();
        let known = |digest: &&Digest| named.contains(digest) || disk.received.contains(digest);
        Ok(digests.iter().filter(|digest| !known(digest)).copied().collect())
    }

    async fn of_other_length(&self, _: Vec<BlobRef>) -> Result<Vec<Digest>> {
        Ok(Vec::new())
    }

    async fn live_versions(&self) -> Result<u64> {
        let disk = self.disk();
        let live = disk.records.values().filter(|(state, _)| state.content().is_some());
        Ok(live.count() as u64)
    }

    async fn asides(&self, kind: AsideKind) -> Result<Vec<Aside>> {
        Ok(self.disk().asides.iter().filter(|aside| aside.kind == kind).cloned().collect())
    }

    fn check(&self, record: Record) -> std::result::Result<CheckedRecord, String> {
        check(&Plain::new(self.tracks_deletions), record)
    }

    fn tracks_deletions(&self) -> bool {
        self.tracks_deletions
    }

    fn now(&self) -> Timestamp {
        let clock = *self.clock.lock().expect("no panic while it was held");
        Timestamp::from_millis(clock + self.skew)
    }
}
