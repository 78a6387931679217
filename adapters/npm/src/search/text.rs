//! The text of a search: words, and qualifiers that narrow it down.
//!
//! The qualifiers are those of the public registry: `keywords:a,b` (one of them) and `keywords:a+b`
//! (both), `scope:`, `author:`, `maintainer:`, `is:` and `not:`. Its `boost-exact:` and the weights of a
//! search order what is found in another way there and are read over here.

use pakhus_core::Search;

/// What the text asks for.
pub(super) fn parse(text: &str) -> Search {
    let mut search = Search::default();
    let mut words: Vec<&str> = Vec::new();
    for part in text.split_whitespace() {
        let Some((qualifier, value)) = part.split_once(':').filter(|(_, value)| !value.is_empty())
        else {
            words.push(part);
            continue;
        };
        let value = value.trim_matches('"');
        match qualifier {
            "keywords" | "keyword" => {
                for both in value.split('+') {
                    let (without, with): (Vec<_>, Vec<_>) =
                        both.split(',').partition(|word| word.starts_with('-'));
                    let label = |word: &str| format!("keyword:{}", word.trim_start_matches('-'));
                    search.without.extend(without.into_iter().map(label));
                    if !with.is_empty() {
                        search.labels.push(with.into_iter().map(label).collect());
                    }
                }
            }
            "scope" => {
                search.labels.push(vec![format!("scope:{}", value.trim_start_matches('@'))]);
            }
            "author" | "maintainer" => search.labels.push(vec![format!("{qualifier}:{value}")]),
            "is" => search.labels.push(vec![value.to_owned()]),
            "not" => search.without.push(value.to_owned()),
            "boost-exact" => {}
            _ => words.push(part),
        }
    }
    search.text = words.join(" ");
    search
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_qualifier_is_a_word() {
        let search = parse(" router  http: foo:bar ");
        assert_eq!(search.text, "router http: foo:bar");
        assert!(search.labels.is_empty() && search.without.is_empty());
    }

    #[test]
    fn qualifiers_narrow_down() {
        let search = parse("keywords:cli,tool scope:@acme author:alice not:deprecated x");
        assert_eq!(search.text, "x");
        assert_eq!(
            search.labels,
            [vec!["keyword:cli", "keyword:tool"], vec!["scope:acme"], vec!["author:alice"],]
        );
        assert_eq!(search.without, ["deprecated"]);
    }

    #[test]
    fn keywords_may_all_be_wanted_and_some_not() {
        let search = parse("keywords:cli+tool,-old");
        assert_eq!(search.labels, [vec!["keyword:cli"], vec!["keyword:tool"]]);
        assert_eq!(search.without, ["keyword:old"]);
    }
}
