//! What the engine asks of the feed at its own site.

use std::collections::HashMap;

use async_trait::async_trait;

use super::super::fingerprint::{Fingerprint, Leaf};
use super::super::incoming::CheckedRecord;
use super::super::key::RecordKey;
use super::super::log::{Cursor, Position};
use super::super::merge::MergePolicy;
use super::super::message::{PageEnd, SourceOfSource};
use super::super::state::{Record, State};
use super::super::verdict::ClientMode;
use crate::{BlobRef, Digest, Timestamp};

/// A failure of the store; nothing of what was asked has happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub String);

/// What stores return.
pub(super) type Result<T, E = StoreError> = std::result::Result<T, E>;

/// One feed, with the link that it is the client end of.
#[async_trait]
pub trait FeedStore: Send + Sync {
    /// Where the feed's log ends.
    async fn end(&self) -> Result<LogEnd>;

    /// Whether the feed's log went through `position`.
    async fn went_through(&self, position: Position) -> Result<bool>;

    /// The records that changed after number `since`, at most `limit` of them, in the order of their
    /// last change.
    async fn page(&self, since: u64, limit: u64) -> Result<Page>;

    /// The states of those of `keys` that have one.
    async fn states(&self, keys: &[RecordKey]) -> Result<HashMap<RecordKey, State>>;

    /// Does all of `batch` in one durable transaction.
    async fn apply(&self, batch: Batch) -> Result<Outcome>;

    /// What is known of the source; `None` before the first contact.
    async fn link(&self) -> Result<Option<Link>>;

    /// Forgets the link and all shadows: the source is another feed than before.
    async fn forget_link(&self) -> Result<()>;

    /// The digests of the states that the source is known to hold under those of `keys` that it was
    /// seen to have.
    async fn shadows(&self, keys: &[RecordKey]) -> Result<HashMap<RecordKey, Digest>>;

    /// The sums over the records, of the 256 children of the root (`branch` is `None`) or of a branch.
    async fn sums(&self, branch: Option<u8>) -> Result<Vec<Fingerprint>>;

    /// The leaves of a bucket.
    async fn leaves(&self, tree: Tree, bucket: u16) -> Result<Vec<Leaf>>;

    /// Those of `digests` that no record of this feed names and, at a server, no client uploaded.
    async fn unknown_blobs(&self, digests: &[Digest]) -> Result<Vec<Digest>>;

    /// Those of `blobs`, all of which are here, that have another length than is said.
    async fn of_other_length(&self, blobs: Vec<BlobRef>) -> Result<Vec<Digest>>;

    /// How many versions are there.
    async fn live_versions(&self) -> Result<u64>;

    /// What was set aside, of this kind.
    async fn asides(&self, kind: AsideKind) -> Result<Vec<Aside>>;

    /// Whether what is deleted or removed leaves a record that travels
    /// ([`crate::Capabilities::tracks_deletions`]).
    fn tracks_deletions(&self) -> bool;

    /// Whether other sites are told of the state. Where deletions are not tracked, what was deleted or
    /// removed at one site is its own affair.
    fn travels(&self, state: &State) -> bool {
        state.is_live() || self.tracks_deletions()
    }

    /// Checks a record that came from the other side.
    fn check(&self, record: Record) -> Result<CheckedRecord, String>;

    /// Now, by this site's clock.
    fn now(&self) -> Timestamp;
}

/// What the leaves of a bucket are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    /// The records of the feed.
    Records,
    /// The states that the source is known to hold. None of them counts as gone.
    Shadows,
}

/// Where a feed's log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEnd {
    /// The id of the log.
    pub lineage: String,
    /// Its end.
    pub position: Position,
    /// Tombstones of changes up to this number may be gone: who has read less must compare.
    pub floor: u64,
}

/// A page of changes.
#[derive(Debug, Clone)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// How it ends.
    pub end: PageEnd,
}

/// What a client knows of its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where the source is.
    pub source_url: String,
    /// The id of its instance.
    pub source_instance: String,
    /// How far its log is known.
    pub cursor: Cursor,
    /// How far this feed's own log was sent.
    pub push_seq: u64,
    /// What the source itself is a client of.
    pub sources: Vec<SourceOfSource>,
}

impl Link {
    /// Whether nothing was read and sent yet, or a comparison was not carried to its end: then the two
    /// are compared.
    #[must_use]
    pub const fn is_unread(&self) -> bool {
        self.cursor.seq == 0 && self.push_seq == 0
    }
}

/// What is done in one transaction.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Records to merge, no key twice, all of whose blobs are here.
    pub writes: Vec<CheckedRecord>,
    /// Who wins a conflict.
    pub policy: MergePolicy,
    /// How far the link has come, where that changes.
    pub link: Option<Link>,
    /// The source is to be taken, before `seen` says otherwise, to hold just those records of this feed
    /// that changed last by this number: after a comparison that began there, and names all that
    /// differs. What changed since was not compared.
    pub same_until: Option<u64>,
    /// The states that the source is now known to hold; `None` where it is known to hold none.
    pub seen: Vec<(RecordKey, Option<Digest>)>,
    /// What is set aside, in place of what was for the same key and kind.
    pub aside: Vec<Aside>,
    /// What is no longer set aside.
    pub settled: Vec<(AsideKind, RecordKey)>,
}

impl Batch {
    /// A batch that does nothing.
    #[must_use]
    pub const fn new(policy: MergePolicy) -> Self {
        Self {
            writes: Vec::new(),
            policy,
            link: None,
            same_until: None,
            seen: Vec::new(),
            aside: Vec::new(),
            settled: Vec::new(),
        }
    }
}

/// A record that could not be moved yet. It stays in a durable list, so that the rest can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The key.
    pub key: RecordKey,
    /// Why.
    pub kind: AsideKind,
    /// The state that waits; `None` where it is asked for again.
    pub state: Option<State>,
    /// What went wrong, in one sentence.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again.
    pub next_at: Timestamp,
}

/// Why a record was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AsideKind {
    /// A blob of it could not be fetched from the source.
    Fetch,
    /// A blob of it could not be sent to the source.
    Send,
    /// It would delete a version, and waits for the end of the run or for approval.
    Delete,
}

impl AsideKind {
    /// Whether it goes on to wait when the feed is set to `mode`: what a mode does not deal with waits
    /// for nothing. A comparison finds it again.
    #[must_use]
    pub fn waits_in(self, mode: ClientMode) -> bool {
        match self {
            Self::Fetch | Self::Delete => mode != ClientMode::PushOnly,
            Self::Send => mode != ClientMode::PullOnly,
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The end of the feed's log before and after it.
    pub start: Option<Position>,
    /// The end of the feed's log after it.
    pub end: Option<Position>,
    /// How many records changed something.
    pub applied: u64,
    /// How many of them took a version away.
    pub deleted: u64,
    /// How many contents lost a conflict and were kept aside.
    pub conflicts: u64,
    /// The records whose state here won, with it.
    pub kept_local: Vec<(RecordKey, State)>,
}
