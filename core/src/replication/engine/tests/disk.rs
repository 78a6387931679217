//! What a site in memory keeps.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::breakage::{Breakage, decide_wrongly};
use crate::replication::engine::{Aside, Batch, Link, Outcome, Tree};
use crate::replication::{Applying, Fingerprint, Leaf, Position, RecordKey, State, chain, decide};
use crate::{BlobRef, Digest};

/// What a site keeps: all of it survives a crash, and all of it goes back when a backup is restored.
#[derive(Clone)]
pub(super) struct Disk {
    pub(super) lineage: String,
    pub(super) records: BTreeMap<RecordKey, (State, u64)>,
    pub(super) log: Vec<Position>,
    pub(super) floor: u64,
    pub(super) first_incarnation: u64,
    pub(super) blobs: HashSet<Digest>,
    pub(super) received: HashSet<Digest>,
    pub(super) kept: Vec<State>,
    pub(super) link: Option<Link>,
    pub(super) shadows: HashMap<RecordKey, Digest>,
    pub(super) asides: Vec<Aside>,
}

impl Disk {
    pub(super) fn end(&self) -> Position {
        self.log.last().copied().unwrap_or(Position::START)
    }

    pub(super) fn write(&mut self, key: RecordKey, state: State) {
        let before = self.end();
        let position =
            Position { seq: before.seq + 1, chain: chain(before.chain, &key, state.digest()) };
        self.log.push(position);
        self.records.insert(key, (state, position.seq));
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let mut all = Fingerprint::default();
        for (key, (state, _)) in &self.records {
            all.add(key, state.digest(), state.is_live());
        }
        all
    }

    pub(super) fn leaves(&self, tree: Tree) -> Vec<Leaf> {
        match tree {
            Tree::Records => self
                .records
                .iter()
                .map(|(key, (state, _))| Leaf {
                    key: key.clone(),
                    digest: state.digest(),
                    live: state.is_live(),
                })
                .collect(),
            Tree::Shadows => self
                .shadows
                .iter()
                .map(|(key, digest)| Leaf { key: key.clone(), digest: *digest, live: true })
                .collect(),
        }
    }

    /// The blobs of everything that is there.
    pub(super) fn named_blobs(&self) -> impl Iterator<Item = &BlobRef> {
        let contents = self.records.values().filter_map(|(state, _)| state.content());
        contents.flat_map(|content| &content.blobs)
    }

    pub(super) fn merge(
        &mut self,
        batch: &Batch,
        breakage: Option<Breakage>,
    ) -> (u64, u64, Outcome) {
        let keys = batch.writes.iter().map(|write| &write.key);
        let mut local: HashMap<_, _> =
            keys.filter_map(|key| Some((key.clone(), self.records.get(key)?.0.clone()))).collect();
        let decided = match breakage {
            None => decide(batch.writes.clone(), &mut local, batch.policy),
            Some(breakage) => decide_wrongly(&batch.writes, &mut local, batch, breakage),
        };
        let (deleted, conflicts) = (decided.deleted(), decided.conflicts());
        let applied = decided.applying.len() as u64;
        for Applying { record, previous, kept } in decided.applying {
            if kept.is_some() && breakage != Some(Breakage::LosersThrownAway) {
                self.kept.extend(previous);
            }
            self.write(record.key, record.state);
        }
        let kept_local = decided.kept_local;
        (deleted, conflicts, Outcome { applied, kept_local, ..Outcome::default() })
    }
}
