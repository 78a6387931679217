//! Names of repositories.

use pakhus_core::{InvalidName, PackageName};

/// Parses the name of a repository within its feed, as the distribution specification says: parts of
/// lower-case letters and digits, in which a dot, one or two underscores or hyphens may stand between
/// others, parted by slashes.
pub(crate) fn parse(raw: &str) -> Result<PackageName, InvalidName> {
    if !raw.split('/').all(is_component) {
        let shortened: String = raw.chars().take(80).collect();
        return Err(InvalidName(format!(
            "the repository `{shortened}` is not of lower-case letters, digits and single \
             separators (`.`, `_`, `__`, `-`), parted by slashes"
        )));
    }
    PackageName::new(raw, raw)
}

/// Whether a text is `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends_in_words =
        bytes.first().copied().is_some_and(is_word) && bytes.last().copied().is_some_and(is_word);
    let mut separators = bytes.split(|byte| is_word(*byte));
    ends_in_words
        && separators.all(|separator| {
            matches!(separator, b"" | b"." | b"_" | b"__")
                || separator.iter().all(|byte| *byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_named_as_the_specification_says() {
        for name in ["a", "a/b/c/d/e", "a.b", "a_b", "a__b", "a---b", "0", "library/alpine-3.20"] {
            assert!(parse(name).is_ok(), "{name}");
        }
        for name in [
            "", "A", "a/", "/a", "a//b", "a..b", "a___b", "a._b", "-a", "a-", ".a", "a.", "a b",
            "a/../b", "a:b", "ä", "a\n",
        ] {
            assert!(parse(name).is_err(), "{name:?}");
        }
        assert!(parse(&"a".repeat(255)).is_ok() && parse(&"a".repeat(256)).is_err());
    }
}
