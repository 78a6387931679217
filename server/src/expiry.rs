//! When an API key ends, as people write it.

use std::fmt;
use std::str::FromStr;

use pakhus_core::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::config::Retention;

/// When something ends: a moment (RFC 3339), or a time from now on such as `12h` or `30d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// At this moment.
    At(Timestamp),
    /// After so long.
    After(Retention),
}

/// A text that is no [`Expiry`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no end of a key: write a time like `12h` or `30d`, or a moment like `2027-01-31T00:00:00Z`"
)]
pub(crate) struct InvalidExpiry(String);

impl Expiry {
    /// The moment.
    pub(crate) fn moment(&self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => *moment,
            Self::After(time) => {
                let millis = i64::try_from(time.millis()).unwrap_or(i64::MAX);
                Timestamp::from_millis(now.millis().saturating_add(millis))
            }
        }
    }
}

impl FromStr for Expiry {
    type Err = InvalidExpiry;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse() {
            return Ok(Self::After(time));
        }
        Timestamp::parse(text)
            .map(Self::At)
            .ok_or_else(|| InvalidExpiry(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => moment.fmt(f),
            Self::After(time) => time.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_moment_or_a_time_from_now_on() {
        let now = Timestamp::parse("2026-11-24T12:00:00Z").expect("a moment");
        for (text, moment) in [
            ("90s", "2026-11-24T12:01:30.000Z"),
            ("30d", "2026-12-24T12:00:00.000Z"),
            ("2027-01-31T00:00:00+01:00", "2027-01-30T23:00:00.000Z"),
        ] {
            let end: Expiry = text.parse().expect(text);
            assert_eq!(end.moment(now).to_string(), moment);
            assert_eq!(end.to_string().parse::<Expiry>(), Ok(end));
        }
        for text in ["", "never", "30", "2027-01-31", "-1d"] {
            assert!(text.parse::<Expiry>().is_err(), "{text}");
        }
    }
}
