//! Ways in which an engine could be wrong. The simulation must find each: a check that cannot fail is
//! no check.

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
}

impl Breakage {
    pub(super) const ALL: [Self; 12] = [
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
    ];
}
