//! What a batch of records makes of the states that are here.

use std::collections::HashMap;

use super::incoming::CheckedRecord;
use super::key::RecordKey;
use super::merge::{Kept, MergePolicy, Merged, merge};
use super::state::State;

/// A record that is written.
#[derive(Debug, Clone)]
pub struct Applying {
    /// What is written.
    pub record: CheckedRecord,
    /// What it replaces.
    pub previous: Option<State>,
    /// Why the content that stood is kept aside, if it is.
    pub kept: Option<Kept>,
}

/// What becomes of a batch.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// The records that are written, in order.
    pub applying: Vec<Applying>,
    /// The records whose state here stands, with it.
    pub kept_local: Vec<(RecordKey, State)>,
}

/// Decides over `writes` (no key twice), with `local` the states that are here under their keys.
#[must_use]
pub fn decide(
    writes: Vec<CheckedRecord>,
    local: &mut HashMap<RecordKey, State>,
    policy: MergePolicy,
) -> Decided {
    let mut decided = Decided::default();
    for record in writes {
        let previous = local.remove(&record.key);
        match merge(previous.as_ref(), &record.state, policy) {
            Merged::Same => {}
            Merged::KeepLocal => {
                decided.kept_local.extend(previous.map(|state| (record.key, state)));
            }
            Merged::TakeRemote(kept) => {
                decided.applying.push(Applying { record, previous, kept });
            }
        }
    }
    decided
}

impl Decided {
    /// How many versions are deleted.
    #[must_use]
    pub fn deleted(&self) -> u64 {
        let deletes = |applying: &&Applying| {
            applying.kept == Some(Kept::Trash) && !applying.record.state.is_live()
        };
        self.applying.iter().filter(deletes).count() as u64
    }

    /// How many contents lost a conflict.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        let conflict = |applying: &&Applying| applying.kept == Some(Kept::Conflict);
        self.applying.iter().filter(conflict).count() as u64
    }
}
