//! JSON, read without unpacking what is only passed on, and written by splicing.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// How deep what a client sends may be nested; parsers of clients have limits of their own.
pub(crate) const MAX_DEPTH: usize = 64;

/// The members of a JSON object in their order, each name once, their values not unpacked.
#[derive(Debug, Default)]
pub(crate) struct Members<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// The value of the member called `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            if !seen.insert(name.clone()) {
                return Err(twice(&name));
            }
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// Checks that any parser reads the same from `json`, and reads it at all: every text decodes, no
/// object has a member twice or one called `__proto__`, and nothing is nested deeper than
/// [`MAX_DEPTH`].
pub(crate) fn check_plain(json: &RawValue) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(json.get());
    Plain { depth: 0 }.deserialize(&mut deserializer)
}

/// Walks through a value of which nothing is kept.
#[derive(Clone, Copy)]
struct Plain {
    depth: usize,
}

impl Plain {
    fn inside<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("nested deeper than {MAX_DEPTH}")));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        let mut seen = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == "__proto__" {
                return Err(A::Error::custom("a member is called `__proto__`"));
            }
            if seen.contains(&name) {
                return Err(twice(&name));
            }
            seen.insert(name);
            map.next_value_seed(inside)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inside = self.inside()?;
        while seq.next_element_seed(inside)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

fn twice<E: Error>(name: &str) -> E {
    let shortened: String = name.chars().take(80).collect();
    E::custom(format!("the member `{shortened}` is there twice"))
}

/// The text of `value` when it is a JSON string.
pub(crate) fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// `text` as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("every text can be written as a JSON string")
}

/// Writes the members of one object into a growing text.
pub(crate) struct ObjectWriter<'t> {
    text: &'t mut String,
    is_empty: bool,
}

impl<'t> ObjectWriter<'t> {
    /// Opens an object.
    pub(crate) fn open(text: &'t mut String) -> Self {
        text.push('{');
        Self { text, is_empty: true }
    }

    /// Starts a member; its value is to be written into the text returned.
    pub(crate) fn member(&mut self, name: &str) -> &mut String {
        self.separate();
        self.text.push_str(&quoted(name));
        self.text.push(':');
        self.text
    }

    /// Writes a member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, json: &str) {
        self.member(name).push_str(json);
    }

    /// Writes a member whose value is a text.
    pub(crate) fn string(&mut self, name: &str, value: &str) {
        self.member(name).push_str(&quoted(value));
    }

    /// Writes the members of another object, as they are.
    pub(crate) fn splice(&mut self, object: &RawValue) {
        let members = object.get().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let members = members.unwrap_or_default().trim();
        if !members.is_empty() {
            self.separate();
            self.text.push_str(members);
        }
    }

    /// Closes the object.
    pub(crate) fn close(self) {
        self.text.push('}');
    }

    fn separate(&mut self) {
        if !self.is_empty {
            self.text.push(',');
        }
        self.is_empty = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Result<(), String> {
        let raw: &RawValue = serde_json::from_str(json).expect("a test writes JSON");
        check_plain(raw).map_err(|error| error.to_string())
    }

    #[test]
    fn nesting_is_bounded_however_deep_it_is() {
        for depth in [MAX_DEPTH + 1, 200, 100_000] {
            let arrays = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert!(check(&arrays).is_err(), "{depth}");
        }
        let arrays = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(check(&arrays), Ok(()));
    }

    #[test]
    fn what_parsers_read_differently_is_refused() {
        for json in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"\u0062":2}}"#,
            r#"{"__proto__":{}}"#,
            r#"[{"\u005f_proto__":1}]"#,
            r#""\ud800""#,
            "1e999",
        ] {
            assert!(check(json).is_err(), "{json}");
        }
        assert_eq!(check(r#"{"a":[1,-2,3.5,true,null,"\ud83d\ude00"],"b":{"a":1}}"#), Ok(()));
    }

    #[test]
    fn objects_are_spliced_without_a_stray_comma() {
        let empty: &RawValue = serde_json::from_str("{ }").expect("JSON");
        let full: &RawValue = serde_json::from_str(r#"{ "a" : 1 }"#).expect("JSON");
        let mut text = String::new();
        let mut object = ObjectWriter::open(&mut text);
        object.splice(empty);
        object.splice(full);
        object.string("b", "\"");
        object.close();
        assert_eq!(text, r#"{"a" : 1,"b":"\""}"#);
    }
}
