//! People, as manifests write them.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(untagged)]
enum Person {
    Text(String),
    Object { name: String },
}

/// The name of a person: an object has it, and a text begins with it, as `Alice <a@b.c> (https://a.b)`.
pub(super) fn name_of(person: &RawValue) -> Option<String> {
    let name = match serde_json::from_str(person.get()).ok()? {
        Person::Text(text) => {
            let end = text.find(['<', '(']).unwrap_or(text.len());
            text[..end].trim().to_owned()
        }
        Person::Object { name } => name,
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_text_or_an_object() {
        let name = |json: &str| name_of(&RawValue::from_string(json.to_owned()).expect("JSON"));
        assert_eq!(name(r#""Alice <a@b.c> (https://a.b)""#).as_deref(), Some("Alice"));
        assert_eq!(name(r#"{ "name": "Bob", "email": "b@b.c" }"#).as_deref(), Some("Bob"));
        assert_eq!(name(r#""<a@b.c>""#), None);
        assert_eq!(name("[1]"), None);
    }
}
