//! The states of records.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::key::{KeyKind, RecordKey};
use crate::{BlobRef, ContentDigest, Digest, Metadata, Timestamp};

/// A key and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The key.
    pub key: RecordKey,
    /// The state.
    pub state: State,
}

/// The state of a record. Its variant is the one that belongs to the key's kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Of a version.
    Version(VersionState),
    /// Of a tag (the value is the version's key as a JSON string) or an attribute.
    Register(RegisterState),
    /// Of the downloads at one instance.
    Count(CountState),
}

/// The state of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionState {
    /// Counts the publishes of this identity: 1 for the first, one more for each publish after a
    /// delete. A delete keeps it.
    pub incarnation: u64,
    /// Whether it is there.
    pub standing: Standing,
}

/// Whether a version is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is there.
    Content(Content),
    /// It was deleted.
    Deleted {
        /// When, by the clock of the site where it was.
        at: Timestamp,
    },
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The package's name as it is shown.
    pub name: String,
    /// The version as it is shown.
    pub version: String,
    /// When; absent for package types that do not sync publish dates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// The id of the instance that took the publish.
    pub origin: String,
    /// The blobs.
    pub blobs: Vec<BlobRef>,
    /// What the adapter keeps.
    pub metadata: Metadata,
}

/// The state of a value that can be set again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterState {
    /// One more than the greatest that was known where it was set.
    pub counter: u64,
    /// The value; absent once removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Metadata>,
    /// When it was set, by the clock of the site where it was.
    pub at: Timestamp,
    /// The id of the instance where it was set.
    pub origin: String,
}

/// Downloads that one instance served, which alone changes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountState {
    /// How many there ever were.
    pub count: u64,
    /// How many on each of the last days that had any, by date (`2026-11-24`, UTC); at most
    /// [`Self::DAYS`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub days: BTreeMap<String, u64>,
}

impl CountState {
    /// How many days are told apart.
    pub const DAYS: usize = 35;

    /// Counts `more` downloads of the day `date`.
    pub fn add(&mut self, date: &str, more: u64) {
        self.count = self.count.saturating_add(more);
        let day = self.days.entry(date.to_owned()).or_default();
        *day = day.saturating_add(more);
        while self.days.len() > Self::DAYS {
            self.days.pop_first();
        }
    }
}

impl Content {
    /// The digest of what was published, whoever took it and when: names, metadata and blobs.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut parts: Vec<&[u8]> = vec![
            b"content",
            self.name.as_bytes(),
            self.version.as_bytes(),
            self.metadata.as_json().as_bytes(),
        ];
        let sizes: Vec<_> = self.blobs.iter().map(|blob| blob.size.to_be_bytes()).collect();
        for (blob, size) in self.blobs.iter().zip(&sizes) {
            parts.extend([blob.digest.as_bytes().as_slice(), size, blob.role.as_bytes()]);
            if let Some(ContentDigest::Sha512(sha512)) = &blob.sha512 {
                parts.push(sha512);
            }
        }
        Digest::of_parts(&parts)
    }
}

impl State {
    /// Whether this variant is the one for keys of `kind`.
    #[must_use]
    pub const fn fits(&self, kind: KeyKind) -> bool {
        matches!(
            (self, kind),
            (Self::Version(_), KeyKind::Version)
                | (Self::Register(_), KeyKind::Tag | KeyKind::Attribute)
                | (Self::Count(_), KeyKind::Downloads)
        )
    }

    /// Whether the record is there: not deleted, not removed.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Version(state) => matches!(state.standing, Standing::Content(_)),
            Self::Register(state) => state.value.is_some(),
            Self::Count(_) => true,
        }
    }

    /// The incarnation or counter.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        match self {
            Self::Version(state) => state.incarnation,
            Self::Register(state) => state.counter,
            Self::Count(state) => state.count,
        }
    }

    /// The content of a version that is there.
    #[must_use]
    pub const fn content(&self) -> Option<&Content> {
        match self {
            Self::Version(VersionState { standing: Standing::Content(content), .. }) => {
                Some(content)
            }
            _ => None,
        }
    }

    /// When the state came to be, by the clock of the site where it did.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Version(state) => match &state.standing {
                Standing::Content(Content { published_at: Some(at), .. })
                | Standing::Deleted { at } => *at,
                Standing::Content(_) => Timestamp::EPOCH,
            },
            Self::Register(state) => state.at,
            Self::Count(_) => Timestamp::EPOCH,
        }
    }

    /// The digest of the whole state. Equal digests are equal states.
    #[must_use]
    pub fn digest(&self) -> Digest {
        match self {
            Self::Version(VersionState { incarnation, standing }) => {
                let incarnation = incarnation.to_be_bytes();
                match standing {
                    Standing::Content(content) => Digest::of_parts(&[
                        b"version",
                        &incarnation,
                        content.digest().as_bytes(),
                        &moment(content.published_at),
                        content.origin.as_bytes(),
                    ]),
                    Standing::Deleted { at } => {
                        Digest::of_parts(&[b"deleted", &incarnation, &moment(Some(*at))])
                    }
                }
            }
            Self::Register(state) => {
                let value = state.value.as_ref().map_or("", Metadata::as_json);
                Digest::of_parts(&[
                    b"register",
                    &state.counter.to_be_bytes(),
                    value.as_bytes(),
                    &moment(Some(state.at)),
                    state.origin.as_bytes(),
                ])
            }
            Self::Count(CountState { count, days }) => {
                let (count, days) = (count.to_be_bytes(), days_text(days));
                Digest::of_parts(&[b"count", &count, days.as_bytes()])
            }
        }
    }

    /// The order in which the greater state wins. It is total: states that compare equal are equal.
    /// Clocks and ids only break ties between equal counters.
    #[must_use]
    pub fn cmp_to(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Version(a), Self::Version(b)) => cmp_versions(a, b),
            (Self::Register(a), Self::Register(b)) => {
                let order = |state: &RegisterState| (state.counter, state.at);
                order(a)
                    .cmp(&order(b))
                    .then_with(|| a.origin.cmp(&b.origin))
                    .then_with(|| self.digest().cmp(&other.digest()))
            }
            (Self::Count(a), Self::Count(b)) => {
                a.count.cmp(&b.count).then_with(|| a.days.cmp(&b.days))
            }
            // States of another kind never stand under one key (`fits`); any order will do.
            _ => self.digest().cmp(&other.digest()),
        }
    }
}

fn cmp_versions(a: &VersionState, b: &VersionState) -> Ordering {
    a.incarnation.cmp(&b.incarnation).then_with(|| match (&a.standing, &b.standing) {
        (Standing::Deleted { at: a }, Standing::Deleted { at: b }) => Reverse(a).cmp(&Reverse(b)),
        (Standing::Deleted { .. }, Standing::Content(_)) => Ordering::Greater,
        (Standing::Content(_), Standing::Deleted { .. }) => Ordering::Less,
        (Standing::Content(a), Standing::Content(b)) => Reverse(a.published_at)
            .cmp(&Reverse(b.published_at))
            .then_with(|| Reverse(a.digest()).cmp(&Reverse(b.digest())))
            .then_with(|| Reverse(&a.origin).cmp(&Reverse(&b.origin))),
    })
}

fn days_text(days: &BTreeMap<String, u64>) -> String {
    days.iter().map(|(day, count)| format!("{day}={count};")).collect()
}

fn moment(at: Option<Timestamp>) -> Vec<u8> {
    at.map_or(Vec::new(), |at| at.millis().to_be_bytes().to_vec())
}
