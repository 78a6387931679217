//! `[feeds.replication.limits]`: what the replication of a feed is held to.

use std::fmt;
use std::str::FromStr;

use pakhus_db::feeds::ReplicationLimits;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The limits as they are written, in the configuration and to the API alike; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsSection {
    /// So many versions one run may delete in any case without approval. Default: 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_deletes: Option<u64>,
    /// Or so many percent of the versions that the feed holds, if that is more. Default: 20.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "percent")]
    pub(crate) max_deletes_percent: Option<u8>,
    /// Bytes of blobs a second: `500kB/s`, `10MB/s`, `unlimited`. Default: `unlimited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bandwidth: Option<Bandwidth>,
    /// Requests for blobs under way at once, 1 to 64. Default: 6.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "concurrency")]
    pub(crate) concurrency: Option<u32>,
    /// How long what was deleted or replaced from elsewhere can be restored. Default: `30d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep_trash: Option<Retention>,
    /// How long a deletion is remembered: a site that was away for longer compares everything.
    /// Default: `730d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep_deleted: Option<Retention>,
}

impl LimitsSection {
    /// All limits that are set.
    pub(crate) const fn of(limits: &ReplicationLimits) -> Self {
        Self {
            max_deletes: Some(limits.fuse.least),
            max_deletes_percent: Some(limits.fuse.percent),
            bandwidth: Some(Bandwidth(limits.bandwidth)),
            concurrency: Some(limits.concurrency),
            keep_trash: Some(Retention(limits.keep_trash_ms)),
            keep_deleted: Some(Retention(limits.keep_deleted_ms)),
        }
    }

    /// Sets what is written; the rest stays.
    pub(crate) fn apply_to(&self, limits: &mut ReplicationLimits) {
        let fuse = &mut limits.fuse;
        fuse.least = self.max_deletes.unwrap_or(fuse.least);
        fuse.percent = self.max_deletes_percent.unwrap_or(fuse.percent);
        if let Some(Bandwidth(bandwidth)) = self.bandwidth {
            limits.bandwidth = bandwidth;
        }
        limits.concurrency = self.concurrency.unwrap_or(limits.concurrency);
        let millis = |retention: Option<Retention>, old| retention.map_or(old, |set| set.0);
        limits.keep_trash_ms = millis(self.keep_trash, limits.keep_trash_ms);
        limits.keep_deleted_ms = millis(self.keep_deleted, limits.keep_deleted_ms);
    }
}

fn percent<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    bounded(deserializer, 0..=100, "a number from 0 to 100")
}

fn concurrency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    bounded(deserializer, 1..=64, "a number from 1 to 64")
}

fn bounded<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
    bounds: std::ops::RangeInclusive<u64>,
    expected: &'static str,
) -> Result<Option<N>, D::Error> {
    let number = u64::deserialize(deserializer)?;
    let refused = || D::Error::invalid_value(Unexpected::Unsigned(number), &expected);
    if !bounds.contains(&number) {
        return Err(refused());
    }
    N::try_from(number).map(Some).map_err(|_| refused())
}

/// Bytes a second; `None`: as many as there is room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bandwidth(Option<u64>);

/// A span that something is kept: `12h`, `30d`; at least a second and at most 100 years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention(u64);

/// A text that is no limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLimit {
    #[error("`{0}` is no bandwidth: write `500kB/s`, `10MB/s`, `1GB/s` or `unlimited`")]
    Bandwidth(String),
    #[error(
        "`{0}` is no time to keep something: write `90s`, `10m`, `12h` or `30d`, at most 36500d"
    )]
    Retention(String),
}

/// Bytes a second below which nothing would get on.
const SLOWEST: u64 = 1_000;
const UNITS: [(&str, u64); 4] =
    [("GB/s", 1_000_000_000), ("MB/s", 1_000_000), ("kB/s", 1_000), ("B/s", 1)];
const SPANS: [(&str, u64); 4] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];

/// A whole number and one of the units.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(known, _)| *known == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// In the largest unit that gives a whole number.
fn shown(amount: u64, units: &[(&str, u64)]) -> String {
    let fits = |(_, factor): &&(&str, u64)| amount.is_multiple_of(*factor);
    let (unit, factor) = units.iter().find(fits).copied().unwrap_or(("", 1));
    format!("{}{unit}", amount / factor)
}

impl FromStr for Bandwidth {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "unlimited" {
            return Ok(Self(None));
        }
        measured(text, &UNITS)
            .filter(|bytes| (SLOWEST..1 << 50).contains(bytes))
            .map(|bytes| Self(Some(bytes)))
            .ok_or_else(|| InvalidLimit::Bandwidth(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unlimited"),
            Some(bytes) => f.write_str(&shown(bytes, &UNITS)),
        }
    }
}

impl Retention {
    /// In milliseconds.
    pub(crate) const fn millis(self) -> u64 {
        self.0
    }
}

impl FromStr for Retention {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        measured(text, &SPANS)
            .filter(|millis| (1_000..=36_500 * 86_400_000).contains(millis))
            .map(Self)
            .ok_or_else(|| InvalidLimit::Retention(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0, &SPANS))
    }
}

macro_rules! as_text {
    ($($limit:ty),+) => {$(
        impl Serialize for $limit {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $limit {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

as_text!(Bandwidth, Retention);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_read_back_as_they_are_written() {
        for text in ["unlimited", "1500B/s", "500kB/s", "10MB/s", "1GB/s"] {
            assert_eq!(text.parse::<Bandwidth>().expect("a bandwidth").to_string(), text);
        }
        for text in ["90s", "10m", "12h", "30d", "730d"] {
            assert_eq!(text.parse::<Retention>().expect("a time").to_string(), text);
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in ["", "10", "MB/s", "10 MB/s", "999B/s", "99999999999GB/s", "-1MB/s"] {
            assert!(text.parse::<Bandwidth>().is_err(), "{text}");
        }
        for text in ["", "0s", "d", "30", "30days", "36501d", "99999999999999999999d"] {
            assert!(text.parse::<Retention>().is_err(), "{text}");
        }
        for json in [
            r#"{"max_deletes_percent": 101}"#,
            r#"{"concurrency": 0}"#,
            r#"{"concurrency": 65}"#,
            r#"{"max_delete": 1}"#,
        ] {
            assert!(serde_json::from_str::<LimitsSection>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_left_out_stays() {
        let limits: LimitsSection =
            serde_json::from_str(r#"{"bandwidth": "2kB/s"}"#).expect("limits");
        let mut set = ReplicationLimits { concurrency: 3, ..ReplicationLimits::default() };
        limits.apply_to(&mut set);
        assert_eq!((set.bandwidth, set.concurrency), (Some(2_000), 3));
        let all = LimitsSection::of(&set);
        let mut again = ReplicationLimits::default();
        all.apply_to(&mut again);
        assert_eq!(again, set);
    }
}
