//! Whether a package may have changed since it was read.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that grow with each change of a package. Many packages share one: they seem to have
/// changed when another has, never the other way round.
#[derive(Debug)]
pub(crate) struct Stamps {
    slots: Box<[AtomicU64]>,
    hasher: RandomState,
}

const SLOTS: usize = 4096;

impl Default for Stamps {
    fn default() -> Self {
        let slots = std::iter::repeat_with(AtomicU64::default).take(SLOTS).collect();
        Self { slots, hasher: RandomState::new() }
    }
}

impl Stamps {
    /// The stamp of a package.
    pub(crate) fn of(&self, feed_id: i64, name: &str) -> u64 {
        self.slot(feed_id, name).load(Ordering::Acquire)
    }

    /// Says that the package has changed.
    pub(crate) fn raise(&self, feed_id: i64, name: &str) {
        self.slot(feed_id, name).fetch_add(1, Ordering::AcqRel);
    }

    /// Says that every package has changed.
    pub(crate) fn raise_all(&self) {
        for slot in &self.slots {
            slot.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn slot(&self, feed_id: i64, name: &str) -> &AtomicU64 {
        let hash = self.hasher.hash_one((feed_id, name));
        &self.slots[usize::try_from(hash % SLOTS as u64).unwrap_or_default()]
    }
}
