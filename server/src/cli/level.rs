//! How much a recorded message matters.

use std::fmt;

use serde::{Deserialize, Deserializer};

use super::output::{Paint, Tone, one_line};

/// How much a recorded message matters: 0 debug, 10 info, 20 warning, 30 error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level(pub(super) u8);

impl Level {
    /// The names of the levels, as arguments have them.
    pub(super) const NAMES: [&'static str; 4] = ["debug", "info", "warning", "error"];

    /// The level of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "debug" => Some(Self(0)),
            "info" => Some(Self(10)),
            "warning" => Some(Self(20)),
            "error" => Some(Self(30)),
            _ => None,
        }
    }

    /// The tone that its messages have.
    pub(super) const fn tone(self) -> Option<Tone> {
        match self.0 {
            0..10 => Some(Tone::Dim),
            10..20 => None,
            20..30 => Some(Tone::Warning),
            _ => Some(Tone::Bad),
        }
    }

    /// A message of this level as one line: its text, with the level before it where it matters.
    pub(super) fn line(self, text: &str, paint: Paint) -> String {
        let text = one_line(text);
        match self.tone() {
            None => text,
            Some(Tone::Dim) => paint.tone(Tone::Dim, &text),
            Some(tone) => format!("{} {text}", paint.tone(tone, &format!("{self}:"))),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::NAMES[usize::from(self.0 / 10).min(3)])
    }
}

impl<'de> Deserialize<'de> for Level {
    /// Takes the number or the name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u8),
            Name(String),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Number(number) => Self(number),
            Either::Name(name) => Self::named(&name).unwrap_or(Self(10)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_its_number_or_its_name() {
        for json in ["20", "\"warning\""] {
            let level: Level = serde_json::from_str(json).expect("a level");
            assert_eq!((level, level.to_string()), (Level(20), "warning".to_owned()));
        }
    }

    #[test]
    fn only_what_matters_is_marked() {
        let line = |level| Level(level).line("pulled 3\nchanges", Paint::off());
        assert_eq!(line(10), "pulled 3 changes");
        assert_eq!(line(30), "error: pulled 3 changes");
    }
}
