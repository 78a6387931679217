//! The change log of a feed: how it proves that it is the same log.

use serde::{Deserialize, Serialize};

use super::key::RecordKey;
use crate::Digest;

/// A place in a feed's log: a sequence number and the chain up to it. Equal chains at one number are
/// equal histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sequence number; 0 before the first change.
    pub seq: u64,
    /// The chain there.
    pub chain: Digest,
}

impl Position {
    /// Before the first change.
    pub const START: Self = Self { seq: 0, chain: Digest::ZERO };
}

/// The newest position of the other side that this side has seen: the proof that its log went on
/// from there.
pub type Witness = Position;

/// How far a client has read a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The id of the log that the sequence numbers count in.
    pub lineage: String,
    /// All changes up to and with this number are known.
    pub seq: u64,
    /// What the source showed of its log's end.
    pub witness: Witness,
}

/// The chain after a change: a hash of the chain before it, the key and its new state.
#[must_use]
pub fn chain(previous: Digest, key: &RecordKey, state: Digest) -> Digest {
    Digest::of_parts(&[
        previous.as_bytes(),
        &[key.kind() as u8],
        key.name().as_bytes(),
        key.item().as_bytes(),
        state.as_bytes(),
    ])
}
