//! Which form of a packument a client wants.

use pakhus_core::RequestHead;

/// The media type of abbreviated packuments.
pub(crate) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// The media type of everything else.
pub(crate) const FULL: &str = "application/json";

/// A form of a packument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// All that is known.
    Full,
    /// What installing needs.
    Abbreviated,
}

impl Form {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Full, Self::Abbreviated];

    /// Reads what the client accepts. Nobody is refused: what fits neither form gets the full one.
    pub(crate) fn wanted(head: &RequestHead) -> Self {
        // Who is about to write the document back wants all of it, whatever else it accepts.
        if head.query_parameter("write").is_some_and(|value| value == "true") {
            return Self::Full;
        }
        // A wildcard beside the abbreviated type is for servers that do not have it.
        let accept = head.header("accept").unwrap_or_default();
        match (quality(accept, ABBREVIATED), quality(accept, FULL)) {
            (Some(abbreviated), full) if abbreviated > 0 && abbreviated >= full.unwrap_or(0) => {
                Self::Abbreviated
            }
            _ => Self::Full,
        }
    }

    /// Its media type.
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Full => FULL,
            Self::Abbreviated => ABBREVIATED,
        }
    }
}

/// The quality, in thousandths, that `accept` gives to `media_type` by name.
fn quality(accept: &str, media_type: &str) -> Option<u32> {
    accept.split(',').find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        if !parts.next()?.eq_ignore_ascii_case(media_type) {
            return None;
        }
        let quality = parts.find_map(|part| part.strip_prefix("q="));
        Some(quality.map_or(1000, thousandths))
    })
}

fn thousandths(quality: &str) -> u32 {
    let (whole, decimals) = quality.split_once('.').unwrap_or((quality, ""));
    let digit = |index: usize| {
        decimals.as_bytes().get(index).filter(|byte| byte.is_ascii_digit()).map_or(0, |b| b - b'0')
    };
    match whole {
        "0" => u32::from(digit(0)) * 100 + u32::from(digit(1)) * 10 + u32::from(digit(2)),
        _ => 1000,
    }
}
