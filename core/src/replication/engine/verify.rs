//! Proving that two feeds hold the same, or finding what differs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::super::fingerprint::{BRANCHES, Fingerprint, Leaf, Sum};
use super::super::key::{KeyKind, RecordKey};
use super::reconcile::{branch_there, checked};
use super::remote::Remote;
use super::run::Result;
use super::store::{FeedStore, Tree};
use crate::Digest;

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Whether both hold the same.
    pub identical: bool,
    /// The sum over what this feed holds.
    pub here: Sum,
    /// The sum over what the source holds.
    pub there: Sum,
    /// What differs, at most [`MOST`] of it.
    pub differences: Vec<Difference>,
}

/// A record that the two do not hold alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The key.
    pub key: RecordKey,
    /// The digest of its state here; absent where it is not here.
    pub here: Option<Digest>,
    /// The digest of its state at the source; absent where it is not there.
    pub there: Option<Digest>,
}

/// The most differences that are listed.
pub const MOST: usize = 10_000;

/// Compares what is live in the feed with what is live at its source. Where the sums of both are
/// equal, that took one request.
///
/// # Errors
/// When one of the two cannot be read.
pub async fn verify(store: &dyn FeedStore, remote: &dyn Remote) -> Result<Verification> {
    let there = checked(remote.sums(None).await?)?;
    let here = store.sums(None).await?;
    let mut differences = Vec::new();
    for branch in differing(&here, &there) {
        let there = branch_there(remote, &there, branch).await?;
        let here = store.sums(Some(branch)).await?;
        for child in differing(&here, &there) {
            let bucket = u16::from_be_bytes([branch, child]);
            let is_empty = there[usize::from(child)].is_empty();
            let there = if is_empty { Vec::new() } else { remote.leaves(bucket).await? };
            let here = store.leaves(Tree::Records, bucket).await?;
            differences.extend(compare(here, there));
            if differences.len() >= MOST {
                break;
            }
        }
    }
    differences.truncate(MOST);
    let (here, there) = (total(&here), total(&there));
    Ok(Verification { identical: here == there, here, there, differences })
}

/// The children whose live sums differ. Tombstones are left out, as one site may have forgotten them;
/// so are counts of downloads, which differ all the time.
fn differing(here: &[Fingerprint], there: &[Fingerprint]) -> Vec<u8> {
    let differs = |child: &u8| {
        let child = usize::from(*child);
        here[child].live != there[child].live
    };
    debug_assert_eq!(here.len(), BRANCHES);
    (0..=u8::MAX).filter(differs).collect()
}

fn compare(here: Vec<Leaf>, there: Vec<Leaf>) -> Vec<Difference> {
    let live = |leaves: Vec<Leaf>| -> BTreeMap<RecordKey, Digest> {
        let is_shown = |leaf: &Leaf| leaf.live && leaf.key.kind() != KeyKind::Downloads;
        let live = leaves.into_iter().filter(is_shown);
        live.map(|leaf| (leaf.key, leaf.digest)).collect()
    };
    let (here, there) = (live(here), live(there));
    let keys: BTreeSet<_> = here.keys().chain(there.keys()).collect();
    keys.into_iter()
        .filter(|key| here.get(*key) != there.get(*key))
        .map(|key| Difference {
            key: key.clone(),
            here: here.get(key).copied(),
            there: there.get(key).copied(),
        })
        .collect()
}

fn total(sums: &[Fingerprint]) -> Sum {
    let mut total = Sum::default();
    for part in sums {
        total.add(&part.live);
    }
    total
}
