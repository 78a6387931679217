//! Texts, taken apart into the words that are looked for.

use pakhus_core::{Digest, PackageName, SearchEntry};

/// The longest word, in characters: what follows is not looked at.
const LONGEST_WORD: usize = 40;
/// The most words of a name, of all keywords and of a description.
const MOST_WORDS: usize = 120;
/// The most labels of a package.
const MOST_LABELS: usize = 120;
/// The most words, and the most labels of a list, of one search.
pub(super) const MOST_ASKED: usize = 20;

/// The words of a package, by where they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) name: Vec<String>,
    pub(super) keywords: Vec<String>,
    pub(super) description: Vec<String>,
    pub(super) labels: Vec<String>,
}

impl Terms {
    /// The words that the package of this feed is found by.
    pub(super) fn of(feed_id: i64, name: &PackageName, entry: &SearchEntry) -> Self {
        let mut labels: Vec<_> =
            entry.labels.iter().take(MOST_LABELS).map(|label| label_term(label)).collect();
        labels.push(feed_term(feed_id));
        Self {
            name: name_words(name.display()),
            keywords: entry.keywords.iter().flat_map(|text| words(text)).take(MOST_WORDS).collect(),
            description: words(&entry.description).take(MOST_WORDS).collect(),
            labels,
        }
    }
}

/// The words that are asked for; `None` where a text has nothing but what is no word, which nothing is
/// found by.
pub(super) fn asked(text: &str) -> Option<Vec<String>> {
    let asked: Vec<_> = words(text).take(MOST_ASKED).collect();
    (!asked.is_empty() || text.trim().is_empty()).then_some(asked)
}

/// The word that stands for a label, whatever characters it has.
pub(super) fn label_term(label: &str) -> String {
    format!("x{}", &Digest::of(label.to_lowercase().as_bytes()).hex()[..16])
}

/// The word that stands for a feed.
pub(super) fn feed_term(feed_id: i64) -> String {
    format!("f{feed_id}")
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().chars().take(LONGEST_WORD).collect())
}

/// The words of a name: its parts, where `camelCase` has parts too, and the whole without what parts
/// them, so that `lodashmerge` and `merge` find `lodash.merge`.
fn name_words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = words(name).collect();
    let whole: String = found.concat();
    let mut parted = String::with_capacity(name.len() + 8);
    let mut before_is_lower = false;
    for character in name.chars() {
        if before_is_lower && character.is_uppercase() {
            parted.push(' ');
        }
        before_is_lower = character.is_lowercase();
        parted.push(character);
    }
    found.extend(words(&parted));
    found.push(whole.chars().take(LONGEST_WORD).collect());
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|word| seen.insert(word.clone()));
    found.truncate(MOST_WORDS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_parts_and_as_a_whole() {
        assert_eq!(
            name_words("@acme/lodash.merge"),
            ["acme", "lodash", "merge", "acmelodashmerge"]
        );
        assert_eq!(name_words("JSONStream"), ["jsonstream"]);
        assert_eq!(name_words("eventEmitter2"), ["eventemitter2", "event", "emitter2"]);
        assert_eq!(name_words("tool"), ["tool"]);
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(asked("  Grüße, \"World\" (C++)* ").expect("words"), ["grüße", "world", "c"]);
        assert_eq!(asked("' OR 1=1 --").expect("words"), ["or", "1", "1"]);
        assert_eq!(asked("!!!"), None);
        assert_eq!(asked(" ").expect("all"), [""; 0]);
    }

    #[test]
    fn a_search_has_a_bounded_number_of_bounded_words() {
        let asked = asked(&"word ".repeat(1000)).expect("words");
        assert_eq!(asked.len(), MOST_ASKED);
        let long = super::asked(&"x".repeat(1000)).expect("a word");
        assert_eq!(long[0].len(), LONGEST_WORD);
    }

    #[test]
    fn labels_are_the_same_in_upper_and_lower_case() {
        assert_eq!(label_term("scope:Acme"), label_term("scope:acme"));
        assert_ne!(label_term("scope:acme"), label_term("scope:acm"));
    }
}
