//! Documents that are made up, and what `serde_json` says of them.

use std::fmt;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::PathStep;
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};

/// A document as `serde_json` reads it, with the members that come twice.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
    Other(String),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyTree;
        impl<'de> Visitor<'de> for AnyTree {
            type Value = Tree;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
                Ok(Tree::Other(value.to_string()))
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Other("null".to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::Array(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Tree::Object(members))
            }
        }
        deserializer.deserialize_any(AnyTree)
    }
}

impl Tree {
    /// Takes the texts at the end of `path` out, with the names that lead to them.
    pub(super) fn take_out(
        &mut self,
        path: &[PathStep],
        way: &mut Vec<String>,
        out: &mut Vec<(Vec<String>, String)>,
    ) {
        match (self, path) {
            (Self::Text(text), []) => out.push((way.clone(), std::mem::take(text))),
            (Self::Object(members), [step, path @ ..]) => {
                for (name, tree) in members {
                    let follows = match step {
                        PathStep::Member(wanted) => name == wanted,
                        PathStep::MemberEndingIn(suffix) => name.ends_with(suffix),
                    };
                    if follows {
                        way.push(name.clone());
                        tree.take_out(path, way, out);
                        way.pop();
                    }
                }
            }
            _ => {}
        }
    }

    /// Writes it with the spaces and escapes that `choices` say.
    pub(super) fn write(&self, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
        space(choices, out);
        match self {
            Self::Text(text) => write_text(text, choices, out),
            Self::Other(text) => out.push_str(text),
            Self::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    item.write(choices, out);
                }
                space(choices, out);
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, tree)) in members.iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    space(choices, out);
                    write_text(name, choices, out);
                    space(choices, out);
                    out.push(':');
                    tree.write(choices, out);
                }
                space(choices, out);
                out.push('}');
            }
        }
        space(choices, out);
    }
}

fn space(choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    out.push_str(["", "", "", " ", "\n\t", "\r\n  "][usize::from(choices.next().unwrap_or(0) % 6)]);
}

fn write_text(text: &str, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    // What is base64 has no escapes but that of the slash, or it would not be lifted.
    let base64 = STANDARD.decode(text).is_ok();
    out.push('"');
    for char in text.chars() {
        let choice = choices.next().unwrap_or(0);
        match char {
            '/' if choice.is_multiple_of(2) => out.push_str("\\/"),
            '"' | '\\' if choice.is_multiple_of(2) => {
                out.push('\\');
                out.push(char);
            }
            '"' | '\\' | '\0'..' ' => write!(out, "\\u{:04x}", u32::from(char)).expect("a string"),
            _ if !base64 && choice.is_multiple_of(5) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04X}").expect("a string");
                }
            }
            _ => out.push(char),
        }
    }
    out.push('"');
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("_attachments".to_owned()),
        3 => Just("data".to_owned()),
        3 => prop::sample::select(vec![".tgz", "a-1.0.0.tgz", "\u{e9}\"\\.tgz"]).prop_map(str::to_owned),
        1 => "[a-c/\"\\\\\u{e9}\u{1f600}\n]{0,5}",
    ]
}

fn blob() -> impl Strategy<Value = Tree> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        // What has many slashes.
        (0..20_usize).prop_map(|length| vec![255; length]),
        (0..80_000_usize).prop_map(|length| vec![7; length]),
    ]
    .prop_map(|bytes| Tree::Text(STANDARD.encode(bytes)))
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        "[a-c:,{}\\[\\]/\"\\\\\u{e9}\u{1f600}\n]{0,9}".prop_map(Tree::Text),
        blob(),
        prop::sample::select(vec!["null", "true", "-1.5", "0"])
            .prop_map(|it| Tree::Other(it.to_owned())),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::Array),
            4 => prop::collection::vec((name(), inner), 0..5).prop_map(Tree::Object),
        ]
    })
}

/// One with what is to be lifted at its place, among much that is not.
fn publish() -> impl Strategy<Value = Tree> {
    let value = || prop_oneof![4 => blob(), 1 => tree()];
    let file = prop::collection::vec((name(), value()), 0..4).prop_map(Tree::Object);
    let files = prop::collection::vec((name(), prop_oneof![3 => file, 1 => tree()]), 0..4)
        .prop_map(Tree::Object);
    prop::collection::vec((name(), prop_oneof![3 => files, 1 => tree()]), 0..4)
        .prop_map(Tree::Object)
}

/// The text of a document, written in one of the ways it can be.
pub(super) fn written() -> impl Strategy<Value = String> {
    (prop_oneof![publish(), tree()], prop::collection::vec(any::<u8>(), 1..200)).prop_map(
        |(tree, choices)| {
            let mut text = String::new();
            tree.write(&mut choices.into_iter().cycle(), &mut text);
            text
        },
    )
}
