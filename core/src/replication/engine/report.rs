//! What a run tells: its log as it goes, and its sums at the end.

use serde::Serialize;

use super::super::key::RecordKey;
use crate::BlobRef;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JournalLevel {
    /// It went as it should.
    Info,
    /// It went, but somebody should look.
    Warning,
}

/// Takes what a run tells while it goes.
pub trait Journal: Send + Sync {
    /// A line of the log.
    fn log(&self, level: JournalLevel, text: String);

    /// A record could not be moved; a line of the log says so too.
    fn failed(&self, key: &RecordKey, reason: &str);

    /// What moves.
    fn moved(&self, movement: Movement);
}

/// What moves in a run; progress is made of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// The run pulls, pushes, …
    Phase(&'static str),
    /// So many more records are to be looked at.
    RecordsFound(u64),
    /// So many records are dealt with.
    RecordsDone(u64),
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Records of the source that changed something here.
    pub pulled: u64,
    /// Records of this feed that changed something at the source.
    pub pushed: u64,
    /// Versions that were deleted here.
    pub deleted: u64,
    /// Contents that lost a conflict here and were kept aside.
    pub conflicts: u64,
    /// Records that were set aside because a blob could not be moved.
    pub set_aside: u64,
    /// Deletes that wait for approval, because there are more than the fuse allows.
    pub held: u64,
    /// Records that the source had lost and that this feed kept.
    pub source_lost: u64,
    /// Bytes of blobs that were to be moved.
    pub bytes: u64,
    /// Whether everything was compared.
    pub reconciled: bool,
}

impl Report {
    /// Adds what a part of the run did.
    pub(super) fn add(&mut self, part: &Self) {
        self.pulled += part.pulled;
        self.pushed += part.pushed;
        self.deleted += part.deleted;
        self.conflicts += part.conflicts;
        self.set_aside += part.set_aside;
        self.held += part.held;
        self.source_lost += part.source_lost;
        self.bytes = self.bytes.saturating_add(part.bytes);
        self.reconciled |= part.reconciled;
    }

    pub(super) fn count_bytes(&mut self, blobs: &[BlobRef]) {
        for blob in blobs {
            self.bytes = self.bytes.saturating_add(blob.size);
        }
    }
}

/// The longest name of a record in a log, in characters: other sites make them up.
const LONGEST: usize = 200;

/// A record, as logs name it.
#[must_use]
pub fn describe(key: &RecordKey) -> String {
    let mut text = name_of(key);
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn name_of(key: &RecordKey) -> String {
    match key {
        RecordKey::Version { name, version } => format!("{name} {version}"),
        RecordKey::Tag { name, tag } => format!("the tag {tag} of {name}"),
        RecordKey::Attribute { name, version, attribute } => match version {
            Some(version) => format!("the attribute {attribute} of {name} {version}"),
            None => format!("the attribute {attribute} of {name}"),
        },
        RecordKey::Downloads { name, version, .. } => format!("the downloads of {name} {version}"),
    }
}
