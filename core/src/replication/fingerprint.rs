//! What a feed holds, summed: equal sums prove equal feeds, and a tree of them finds what differs.
//!
//! Each record adds `SHA-256(key ‖ state)` to the sum of its bucket, modulo 2^256, so that a change
//! costs one subtraction and one addition. A bucket is the first 16 bits of `SHA-256(key)`; the tree
//! has the root, 256 branches by the first byte, and 256 buckets in each.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::key::{KeyKind, RecordKey};
use crate::Digest;
use crate::digest::hex;

/// Children of a node of the tree.
pub const BRANCHES: usize = 256;

/// A sum of digests modulo 2^256, as 32 big-endian bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Sum([u8; 32]);

impl Sum {
    /// Takes stored bytes; `None` when there are not 32 of them.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether nothing was added, or all of it taken away again.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        let mut carry = 0;
        for (byte, more) in self.0.iter_mut().zip(&other.0).rev() {
            let total = u16::from(*byte) + u16::from(*more) + carry;
            *byte = (total & 0xff) as u8;
            carry = total >> 8;
        }
    }

    /// Takes away what was added.
    pub fn subtract(&mut self, other: &Self) {
        let mut borrow = 0;
        for (byte, less) in self.0.iter_mut().zip(&other.0).rev() {
            let total = 0x100 + u16::from(*byte) - u16::from(*less) - borrow;
            *byte = (total & 0xff) as u8;
            borrow = 1 - (total >> 8);
        }
    }
}

impl Serialize for Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digest: Digest = format!("sha256:{text}").parse().map_err(serde::de::Error::custom)?;
        Ok(Self(*digest.as_bytes()))
    }
}

/// What a part of a feed holds. Most parts of a small feed are empty, and are written as `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The sum over what is there.
    #[serde(default, skip_serializing_if = "Sum::is_zero")]
    pub live: Sum,
    /// The sum over what was deleted or removed.
    #[serde(default, skip_serializing_if = "Sum::is_zero")]
    pub gone: Sum,
    /// The sum over the counts of downloads: they are in step like all else, but two feeds with the
    /// same packages hold the same whatever was downloaded where.
    #[serde(default, skip_serializing_if = "Sum::is_zero")]
    pub counts: Sum,
}

impl Fingerprint {
    /// Adds a record.
    pub fn add(&mut self, key: &RecordKey, digest: Digest, live: bool) {
        self.sum_of(key, live).add(&entry(key, digest));
    }

    /// Takes away a record that was added.
    pub fn subtract(&mut self, key: &RecordKey, digest: Digest, live: bool) {
        self.sum_of(key, live).subtract(&entry(key, digest));
    }

    const fn sum_of(&mut self, key: &RecordKey, live: bool) -> &mut Sum {
        match (key.kind(), live) {
            (KeyKind::Downloads, _) => &mut self.counts,
            (_, true) => &mut self.live,
            (_, false) => &mut self.gone,
        }
    }

    /// Whether the part holds nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds another part.
    pub fn add_part(&mut self, part: &Self) {
        self.live.add(&part.live);
        self.gone.add(&part.gone);
        self.counts.add(&part.counts);
    }
}

/// A record, as the tree's leaves list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaf {
    /// The key.
    pub key: RecordKey,
    /// The digest of its state.
    pub digest: Digest,
    /// Whether it is there.
    pub live: bool,
}

/// What a record adds to its bucket.
fn entry(key: &RecordKey, digest: Digest) -> Sum {
    let hashed = Digest::of_parts(&[
        &[key.kind() as u8],
        key.name().as_bytes(),
        key.item().as_bytes(),
        digest.as_bytes(),
    ]);
    Sum(*hashed.as_bytes())
}

/// The bucket of a key.
#[must_use]
pub fn bucket(key: &RecordKey) -> u16 {
    let hashed =
        Digest::of_parts(&[&[key.kind() as u8], key.name().as_bytes(), key.item().as_bytes()]);
    let [first, second, ..] = *hashed.as_bytes();
    u16::from_be_bytes([first, second])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_added_in_any_order_and_taken_away_again_leaves_nothing(
            digests in proptest::collection::vec(any::<[u8; 32]>(), 0..20),
        ) {
            let mut sum = Sum::default();
            for digest in &digests {
                sum.add(&Sum(*digest));
            }
            let mut other = Sum::default();
            for digest in digests.iter().rev() {
                other.add(&Sum(*digest));
            }
            prop_assert_eq!(sum, other);
            for digest in &digests {
                sum.subtract(&Sum(*digest));
            }
            prop_assert_eq!(sum, Sum::default());
        }
    }

    #[test]
    fn a_sum_reads_as_it_was_written() {
        let sum = Sum([7; 32]);
        let json = serde_json::to_string(&sum).expect("JSON");
        assert_eq!(serde_json::from_str::<Sum>(&json).expect("a sum"), sum);
    }
}
