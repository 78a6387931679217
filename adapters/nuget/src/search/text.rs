//! The text of a search: words, and fields that narrow it down.
//!
//! The fields are those of the public gallery: `packageid:`, `id:`, `version:`, `tags:`, `author:` and
//! `owner:`. Of one field any will do, of several fields all must hold. Words for the title, the
//! description or the summary are looked for wherever words are.

use std::collections::BTreeMap;

use pakhus_core::Search;

use crate::version;

/// What the text asks for.
pub(crate) fn parse(text: &str) -> Search {
    let mut words = Vec::new();
    let mut fields: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for part in parts(text) {
        let (field, value) = part.split_once(':').unwrap_or(("", &part));
        let value = value.trim_matches('"');
        let field = match field.to_ascii_lowercase().as_str() {
            "packageid" => "packageid",
            "id" => "id",
            "version" => "version",
            "tag" | "tags" => "tags",
            "author" | "authors" => "author",
            "owner" | "owners" => "owner",
            "title" | "description" | "summary" => {
                words.push(value.to_lowercase());
                continue;
            }
            _ => {
                words.push(part.trim_matches('"').to_lowercase());
                continue;
            }
        };
        let label = match field {
            "version" => version::parse(value)
                .map_or_else(|_| value.to_owned(), |version| version.key().to_owned()),
            _ => value.to_owned(),
        };
        fields.entry(field).or_default().push(format!("{field}:{label}"));
    }
    Search {
        // In lower case, as ids are keyed: the package of the very id comes first.
        text: words.join(" "),
        labels: fields.into_values().collect(),
        ..Search::default()
    }
}

/// The parts between spaces; what is quoted is not parted.
fn parts(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        quoted ^= character == '"';
        match parts.last_mut() {
            Some(part) if quoted || !character.is_whitespace() => part.push(character),
            _ => parts.push(String::new()),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_field_is_a_word() {
        let search = parse(" Json.NET  http: foo:bar description:Fast ");
        assert_eq!(search.text, "json.net http: foo:bar fast");
        assert!(search.labels.is_empty());
    }

    #[test]
    fn of_one_field_any_will_do_and_of_several_all() {
        let search = parse("id:acme tags:\"a b\" ID:lib author:Zoë");
        assert_eq!(search.text, "");
        let labels = [vec!["author:Zoë"], vec!["id:acme", "id:lib"], vec!["tags:a b"]];
        assert_eq!(search.labels, labels);
    }

    #[test]
    fn a_version_is_normalised() {
        let search = parse("version:1.04.0.0-Delta.4+git");
        assert_eq!(search.labels, [["version:1.4.0-delta.4"]]);
    }
}
