//! Names of dist-tags.

use pakhus_core::{Refusal, Result};

/// The tag that a client installs when none is asked for.
pub(crate) const LATEST: &str = "latest";

/// The longest name of a tag, in bytes.
const MAX_BYTES: usize = 214;

/// Checks that `tag` can name a tag: clients must be able to tell it from a version and a range, and
/// to write it into a path.
pub(crate) fn check(tag: &str) -> Result<()> {
    let reason = if tag.is_empty() {
        "is empty"
    } else if tag.len() > MAX_BYTES {
        "is longer than 214 bytes"
    } else if tag.chars().any(|c| c.is_control() || c.is_whitespace()) {
        "has a space or control character"
    } else if tag.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "has an empty, `.` or `..` part"
    } else if tag == "__proto__" {
        // Set on a plain object in a JavaScript client, it would not become a member.
        "cannot be a member of a JavaScript object"
    } else if tag.split("||").any(is_comparator) {
        "is a version or a range of versions"
    } else {
        return Ok(());
    };
    let shortened: String = tag.chars().take(80).collect();
    Err(Refusal::invalid(format!("the dist-tag `{shortened}` {reason}")))
}

/// Whether `text`, which has no spaces, is one comparator of a range as node-semver reads it: an
/// operator and one to three numbers or wildcards, the third with a pre-release or not. Loosely, as
/// clients do before they take a text for a tag. `1-lts` and `2fa` are no ranges.
fn is_comparator(text: &str) -> bool {
    // The empty range is every version.
    if text.is_empty() {
        return true;
    }
    let text = ["<=", ">=", "~>", "<", ">", "=", "~", "^"]
        .iter()
        .find_map(|operator| text.strip_prefix(operator))
        .unwrap_or(text)
        .trim_start_matches(['v', '=']);
    let mut rest = text.split_once('+').map_or(text, |(rest, _build)| rest);
    for position in 1..=3 {
        let Some(after) = after_number(rest) else { return false };
        rest = match after.strip_prefix('.') {
            Some(next) if position < 3 => next,
            _ if position < 3 => return after.is_empty(),
            _ => after,
        };
    }
    rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

/// What follows the number or wildcard that `text` starts with.
fn after_number(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(['x', 'X', '*']) {
        return Some(rest);
    }
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_ranges_cannot_name_a_tag() {
        for range in [
            "1",
            "v1",
            "1.2",
            "1.2.3",
            "v1.2.3-beta.1",
            "=1.2.3",
            "1.2.3beta",
            "x",
            "X",
            "*",
            "1.x",
            "1.2.*",
            ">=1.0.0",
            "<2",
            "~1.2",
            "~>3.2.1",
            "^0.0.1-beta",
            "1.x+build",
            "||",
            "1||2",
            "next||1",
            "1.x.x-alpha+build",
            "v1.0+a",
            "01.02.03",
        ] {
            assert!(check(range).is_err(), "{range}");
        }
    }

    #[test]
    fn words_that_only_look_like_numbers_name_tags() {
        for tag in [
            "latest",
            "next",
            "beta-1",
            "1-lts",
            "v16-lts",
            "2fa",
            "xp",
            "v",
            "aux",
            "con",
            "a/b",
            "release-1.x",
            "stable_2",
            "äöü",
            "constructor",
            "1.2-maintenance",
        ] {
            assert!(check(tag).is_ok(), "{tag}");
        }
    }

    #[test]
    fn hostile_tags_are_refused() {
        for tag in ["", "a b", "a\0", "a\n", "..", "a/../b", "a//b", "__proto__", &"t".repeat(215)]
        {
            assert!(check(tag).is_err(), "{tag:?}");
        }
    }
}
