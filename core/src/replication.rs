//! Replication as pure functions: what records are, which of two states stands, how a log proves that
//! it is the same log, what a change makes of a feed, and whether two feeds may replicate at all.
//!
//! One total order per key makes every merge commutative, associative and idempotent. Everything else
//! (cursors, chains, shadows) only decides how soon states meet, never what they become.

mod apply;
mod edit;
pub mod engine;
mod fingerprint;
mod incoming;
mod key;
mod log;
mod merge;
mod message;
mod state;
mod verdict;

pub use apply::{Applying, Decided, decide};
pub use edit::{EditContext, evaluate};
pub use fingerprint::{BRANCHES, Fingerprint, Leaf, Sum, bucket};
pub use incoming::{CheckedRecord, check};
pub use key::{KeyKind, RecordKey};
pub use log::{Cursor, Position, Witness, chain};
pub use merge::{Kept, MergePolicy, Merged, merge};
pub use message::{
    Applied, ChangeLine, Handshake, InstanceInfo, KeptRecord, MissingBlobs, PROTOCOL, PageEnd,
    SourceOfSource,
};
pub use state::{Content, CountState, Record, RegisterState, Standing, State, VersionState};
pub use verdict::{
    ClientMode, ClientSide, ServerMode, UnknownMode, Verdict, VerdictState, verdict,
};
