//! The log of a feed in memory.

use pakhus_core::replication::RecordKey;

use super::feed::MemoryFeed;
use crate::{LogStretch, Refusal, Result, Timestamp, VersionChange, VersionChanges};

impl MemoryFeed {
    /// The number of the last change.
    pub(super) fn sequence(&self) -> u64 {
        self.store().sequence
    }

    /// At most `limit` of the last changes of versions behind number `after`.
    pub(super) fn changes(&self, after: u64, limit: u64) -> Result<VersionChanges> {
        let (done, rest): (Vec<_>, Vec<_>) =
            self.all_changes()?.into_iter().partition(|change| change.sequence <= after);
        let before = done.iter().map(|change| change.at).max().unwrap_or(Timestamp::EPOCH);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(VersionChanges { before, changes: rest.into_iter().take(limit).collect() })
    }

    /// The stretches of so many numbers.
    pub(super) fn stretches(&self, length: u64) -> Result<Vec<LogStretch>> {
        let mut latest = Timestamp::EPOCH;
        let mut stretches: Vec<LogStretch> = Vec::new();
        for change in self.all_changes()? {
            let number = (change.sequence - 1) / length;
            latest = latest.max(change.at);
            let known = stretches.pop_if(|known| known.number == number);
            let count = known.map_or(0, |known| known.count) + 1;
            stretches.push(LogStretch { number, count, last: change.sequence, latest });
        }
        Ok(stretches)
    }

    /// The last changes of all versions, in order.
    fn all_changes(&self) -> Result<Vec<VersionChange>> {
        let store = self.store();
        let mut changes = Vec::new();
        for (key, stored) in &store.records {
            let (name, version) = match key {
                RecordKey::Version { name, version } => (name, version),
                RecordKey::Attribute { name, version: Some(version), .. } => (name, version),
                _ => continue,
            };
            let name = self.name(name)?;
            if name.is_companion() {
                continue;
            }
            let version_key =
                RecordKey::Version { name: name.key().to_owned(), version: version.clone() };
            let version = self.package_type.parse_version(version).map_err(Refusal::internal)?;
            let record = store.records.get(&version_key).map(|stored| self.version_record(stored));
            let record = record.transpose()?.flatten();
            changes.push(VersionChange {
                sequence: stored.sequence,
                at: stored.arrived_at,
                is_there: record.is_some(),
                name: record.as_ref().map_or(name, |record| record.name.clone()),
                version: record.map_or(version, |record| record.version),
            });
        }
        changes.sort_by_key(|change| change.sequence);
        Ok(changes)
    }
}
