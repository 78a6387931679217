//! Spans of time, as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How often something happens: `500ms`, `60s`, `5m` or `1h`, between 100 milliseconds and 7 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval(Duration);

/// A text that is no [`Interval`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidInterval {
    /// It is not a number and a unit.
    #[error(
        "`{0}` is no interval: write a whole number and a unit, like `500ms`, `60s`, `5m` or `1h`"
    )]
    Malformed(String),
    /// It is too short or too long.
    #[error("an interval of `{0}` is out of bounds: use at least 100ms and at most 168h")]
    OutOfBounds(String),
}

impl Interval {
    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

    /// An interval that was checked when it was set.
    #[must_use]
    pub(crate) const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// As a duration.
    #[must_use]
    pub(crate) const fn duration(self) -> Duration {
        self.0
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self(Duration::from_secs(60))
    }
}

impl FromStr for Interval {
    type Err = InvalidInterval;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || text.chars().take(40).collect();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(InvalidInterval::Malformed(shown())),
        };
        if number.is_empty() {
            return Err(InvalidInterval::Malformed(shown()));
        }
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(milliseconds))
            .map(Duration::from_millis)
            .filter(|duration| (Self::SHORTEST..=Self::LONGEST).contains(duration))
            .map(Self)
            .ok_or_else(|| InvalidInterval::OutOfBounds(shown()))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        match milliseconds {
            ms if ms % 3_600_000 == 0 => write!(f, "{}h", ms / 3_600_000),
            // A minute reads `60s`, as the default is written.
            ms if ms % 60_000 == 0 && ms > 60_000 => write!(f, "{}m", ms / 60_000),
            ms if ms % 1_000 == 0 => write!(f, "{}s", ms / 1_000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_number_and_a_unit() {
        for (text, milliseconds) in
            [("500ms", 500), ("60s", 60_000), ("5m", 300_000), ("1h", 3_600_000)]
        {
            let interval: Interval = text.parse().expect("an interval");
            assert_eq!(interval.duration(), Duration::from_millis(milliseconds));
            assert_eq!(interval.to_string(), text);
        }
        for text in ["", "60", "s", "1.5s", "-1s", "5 m", "5d", "5min"] {
            let refusal = text.parse::<Interval>().expect_err(text);
            assert!(matches!(refusal, InvalidInterval::Malformed(_)), "{text}: {refusal}");
        }
    }

    #[test]
    fn an_interval_has_a_shortest_and_a_longest() {
        for text in ["0s", "99ms", "169h", "99999999999999999999h", "18446744073709551615h"] {
            let refusal = text.parse::<Interval>().expect_err(text);
            assert!(matches!(refusal, InvalidInterval::OutOfBounds(_)), "{text}: {refusal}");
        }
    }
}
