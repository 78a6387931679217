//! Ways in which an engine could be wrong. The simulation must find each: a check that cannot fail is
//! no check.

use std::collections::HashMap;

use crate::replication::engine::Batch;
use crate::replication::{Applying, CheckedRecord, Decided, Kept, RecordKey, State, decide};

/// What is broken in a run of the simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breakage {
    /// A server does not look whether its log went through the client's witness.
    NoChainCheck,
    /// A server says that a restored log goes on, so that absence counts as deletion.
    AbsenceIsDelete,
    /// The link is saved before the records that it counts as read.
    CursorBeforeRecords,
    /// The clocks decide who wins, not the counters.
    ClocksDecide,
    /// A delete loses against the content it deletes.
    DeleteLoses,
    /// What loses a conflict is thrown away.
    LosersThrownAway,
    /// A record is written though its blobs could not be had.
    BlobsDoNotMatter,
    /// A page leaves out its last record.
    PageDropsLast,
    /// The state that arrived last wins.
    LastArrivalWins,
    /// What was set aside is forgotten.
    AsidesForgotten,
    /// Download counts add up instead of taking the greater.
    CountsAdd,
    /// Every state is taken for known at the source.
    ShadowsClaimAll,
    /// A comparison takes what changed while it went on for compared.
    MeanwhileIsCompared,
    /// A link goes on from where it was though its mode is another.
    ModeChangesNothing,
}

impl Breakage {
    pub(super) const ALL: [Self; 14] = [
        Self::NoChainCheck,
        Self::AbsenceIsDelete,
        Self::CursorBeforeRecords,
        Self::ClocksDecide,
        Self::DeleteLoses,
        Self::LosersThrownAway,
        Self::BlobsDoNotMatter,
        Self::PageDropsLast,
        Self::LastArrivalWins,
        Self::AsidesForgotten,
        Self::CountsAdd,
        Self::ShadowsClaimAll,
        Self::MeanwhileIsCompared,
        Self::ModeChangesNothing,
    ];
}

/// What a broken engine makes of a batch.
pub(super) fn decide_wrongly(
    writes: &[CheckedRecord],
    local: &mut HashMap<RecordKey, State>,
    batch: &Batch,
    breakage: Breakage,
) -> Decided {
    let right = decide(writes.to_vec(), &mut local.clone(), batch.policy);
    let takes = |here: &State, there: &State| match breakage {
        Breakage::LastArrivalWins => Some(here != there),
        Breakage::ClocksDecide if here != there => Some(there.at() > here.at()),
        Breakage::DeleteLoses if there.content().is_none() && here.content().is_some() => {
            Some(matches!(there, State::Register(_)) && here.cmp_to(there).is_lt())
        }
        _ => None,
    };
    let mut wrong = Decided::default();
    for write in writes {
        let here = local.get(&write.key).cloned();
        let rightly = right.applying.iter().any(|applying| applying.record.key == write.key);
        let takes = here.as_ref().and_then(|here| takes(here, &write.state)).unwrap_or(rightly);
        let mut record = write.clone();
        if let (Breakage::CountsAdd, Some(State::Count(here)), State::Count(there)) =
            (breakage, &here, &mut record.state)
        {
            there.count += here.count;
        }
        if takes {
            let kept = (here != Some(write.state.clone())).then_some(Kept::Conflict);
            let kept = kept.filter(|_| here.as_ref().is_some_and(|here| here.content().is_some()));
            wrong.applying.push(Applying { record, previous: here, kept });
        } else {
            wrong.kept_local.extend(here.map(|here| (write.key.clone(), here)));
        }
    }
    wrong
}
