//! Moments and spans of time as people say them.

use std::time::{SystemTime, UNIX_EPOCH};

use pakhus_core::Timestamp;

/// The present.
pub(super) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// How far from `now` a moment is: `3 min ago`, `in 2 days`; its date when that is long. A text that
/// is no moment is left as it is.
pub(super) fn relative(moment: &str, now: Timestamp) -> String {
    let Some(parsed) = Timestamp::parse(moment) else { return moment.to_owned() };
    let difference = now.millis().saturating_sub(parsed.millis());
    let seconds = difference.unsigned_abs() / 1000;
    let span = match seconds {
        0..5 => return "just now".to_owned(),
        5..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        86_400..172_800 => "1 day".to_owned(),
        172_800..2_592_000 => format!("{} days", seconds / 86_400),
        _ => return parsed.to_string().chars().take(10).collect(),
    };
    if difference < 0 { format!("in {span}") } else { format!("{span} ago") }
}

/// How long it is from one moment to another.
pub(super) fn between(start: &str, end: &str) -> Option<String> {
    let milliseconds = Timestamp::parse(end)?.millis() - Timestamp::parse(start)?.millis();
    u64::try_from(milliseconds).ok().map(span)
}

/// How long a number of milliseconds is.
pub(super) fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..10 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_by_its_distance() {
        let now = Timestamp::parse("2026-11-24T12:00:00Z").expect("a moment");
        for (moment, told) in [
            ("2026-11-24T11:59:58.500Z", "just now"),
            ("2026-11-24T11:59:18Z", "42 s ago"),
            ("2026-11-24T11:57:00Z", "3 min ago"),
            ("2026-11-24T05:00:00Z", "7 h ago"),
            ("2026-11-23T11:00:00Z", "1 day ago"),
            ("2026-11-10T12:00:00Z", "14 days ago"),
            ("2026-01-02T12:00:00Z", "2026-01-02"),
            ("2026-11-26T12:00:00Z", "in 2 days"),
            ("2026-11-24T14:57:00+03:00", "3 min ago"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(relative(moment, now), told, "{moment}");
        }
    }

    #[test]
    fn a_span_has_two_units_at_most() {
        for (milliseconds, told) in [
            (0, "0 ms"),
            (340, "340 ms"),
            (3_240, "3.2 s"),
            (42_900, "42 s"),
            (125_000, "2 min 5 s"),
            (3_780_000, "1 h 3 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(span(milliseconds), told);
        }
        assert_eq!(
            between("2026-11-24T12:00:00Z", "2026-11-24T12:00:03.5Z").as_deref(),
            Some("3.5 s")
        );
    }
}
