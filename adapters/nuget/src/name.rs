//! Ids of packages.

use pakhus_core::{InvalidName, PackageName};

/// The longest id, in characters: what clients themselves allow (`PackageIdValidator`).
const MAX_CHARACTERS: usize = 100;

/// Parses an id: letters, digits and underscores, parted by single dots or hyphens. Upper and lower
/// case are the same package.
///
/// Old clients let letters of any script pass; the public gallery does not, and neither does this:
/// what is the lower case of those depends on whom one asks.
pub(crate) fn parse(raw: &str) -> Result<PackageName, InvalidName> {
    let invalid = |reason: &str| {
        let shortened: String = raw.chars().take(80).collect();
        Err(InvalidName(format!("the id `{shortened}` {reason}")))
    };
    if raw.is_empty() {
        return Err(InvalidName("the id is empty".to_owned()));
    }
    if raw.contains('$') {
        return invalid("has a placeholder that was not replaced when the package was made");
    }
    if raw.chars().count() > MAX_CHARACTERS {
        return invalid("is longer than 100 characters");
    }
    let is_word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    if !raw.split(['.', '-']).all(is_word) {
        return invalid(
            "is not of letters, digits and underscores (ASCII), parted by single dots or hyphens",
        );
    }
    PackageName::new(raw.to_ascii_lowercase(), raw)
}
