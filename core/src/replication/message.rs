//! What the two ends of a link say to each other, as JSON.

use serde::{Deserialize, Serialize};

use super::key::RecordKey;
use super::log::Position;
use super::state::State;
use super::verdict::ServerMode;
use crate::{Capabilities, Digest, FeedName, Timestamp};

/// The replication protocol that this code speaks.
pub const PROTOCOL: u32 = 1;

/// Which instance speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceInfo {
    /// Its id, which never changes.
    pub id: String,
    /// Its name, as its operator set it.
    pub name: String,
}

/// What a replication server says of its feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handshake {
    /// The replication protocol it speaks.
    pub protocol: u32,
    /// The version of Pakhus it runs.
    pub version: String,
    /// Its instance.
    pub instance: InstanceInfo,
    /// Its feed.
    pub feed: FeedName,
    /// The feed's package type.
    #[serde(rename = "type")]
    pub package_type: String,
    /// What that type can do.
    pub capabilities: Capabilities,
    /// What the feed lets clients do.
    pub server_mode: ServerMode,
    /// The id of the feed's log.
    pub lineage: String,
    /// The end of the feed's log.
    #[serde(flatten)]
    pub end: Position,
    /// The feeds that it is a client of itself.
    pub sources: Vec<SourceOfSource>,
    /// What its clock shows.
    #[serde(default)]
    pub clock: Option<Timestamp>,
}

impl Handshake {
    /// A digest of all of it but the end of the log and the time: equal as long as no more changes. It
    /// travels with every page, so that a client at rest need not shake hands again.
    #[must_use]
    pub fn tag(&self) -> Digest {
        let at_rest = Self { end: Position::START, clock: None, ..self.clone() };
        Digest::of(&serde_json::to_vec(&at_rest).unwrap_or_default())
    }
}

/// A feed that a source is a client of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceOfSource {
    /// Its instance.
    pub instance_id: String,
    /// Its name there.
    pub feed: FeedName,
    /// Its own sources.
    #[serde(default)]
    pub sources: Vec<Self>,
}

impl SourceOfSource {
    /// Whether `is_sought` holds for this feed or one that it gets changes from.
    pub(super) fn reaches(&self, is_sought: &impl Fn(&str, &FeedName) -> bool) -> bool {
        is_sought(&self.instance_id, &self.feed)
            || self.sources.iter().any(|source| source.reaches(is_sought))
    }
}

/// One line of a page of changes: a record, or the end of the page.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeLine {
    /// A record's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<RecordKey>,
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The end of the page: no record stands in its line, and no line comes after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<PageEnd>,
}

/// How a page of changes ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageEnd {
    /// All changes up to and with this number are in this page or those before it.
    pub through: u64,
    /// The end of the source's log when the page was read.
    #[serde(flatten)]
    pub head: Position,
    /// Whether there are more.
    pub more: bool,
}

/// What a replication server made of pushed changes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Applied {
    /// How many of the records changed something.
    pub applied: u64,
    /// The records whose state at the server won.
    pub kept: Vec<KeptRecord>,
    /// Blobs that the records need and the server lacks. When there are any, nothing was applied.
    pub missing_blobs: Vec<Digest>,
    /// The end of the server's log before.
    #[serde(default)]
    pub start: Option<Position>,
    /// The end of the server's log afterwards.
    pub end: Option<Position>,
}

/// A record whose state at the server won over the pushed one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptRecord {
    /// The key.
    pub key: RecordKey,
    /// The state that stands.
    pub state: State,
}

/// Asks, and answers, which blobs a replication server lacks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct MissingBlobs {
    /// The blobs asked for; in the answer, those that are not there.
    pub digests: Vec<Digest>,
}
