//! XML, read into a tree of bounded size.
//!
//! Of namespaces only the local part of names is kept: nuspecs have one of six, or none. Document types
//! are refused, so there are no entities but those of XML itself.

use pakhus_core::{Refusal, Result};
use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// How deep elements may be nested. Nuspecs have five levels.
const MAX_DEPTH: usize = 32;

/// The most elements of a document.
const MAX_ELEMENTS: usize = 50_000;

/// An element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// The local part of its name.
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    /// The text in it, without that of elements in it.
    pub(crate) text: String,
    /// The elements in it.
    pub(crate) children: Vec<Self>,
}

impl Element {
    /// Parses a document; gives the element that it is.
    pub(crate) fn parse(document: &str) -> Result<Self> {
        let mut reader = Reader::from_str(document);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        let mut root = Self::default();
        let mut open: Vec<Self> = Vec::new();
        let mut count = 0;
        loop {
            let event = reader.read_event().map_err(malformed)?;
            let within = match open.last_mut() {
                Some(element) => element,
                None => &mut root,
            };
            match event {
                Event::Start(start) => {
                    count += 1;
                    if open.len() == MAX_DEPTH || count > MAX_ELEMENTS {
                        return Err(Refusal::invalid(
                            "the nuspec has too many elements, or they are nested too deep",
                        ));
                    }
                    open.push(Self::of(&start)?);
                }
                Event::End(_) => {
                    // The reader checks that each end has its start.
                    let element = open.pop().unwrap_or_default();
                    open.last_mut().unwrap_or(&mut root).children.push(element);
                }
                Event::Text(text) => within.push(&text.xml10_content())?,
                Event::CData(text) => within.push(&text.xml10_content())?,
                Event::GeneralRef(entity) => within.push(&resolved(&entity)?)?,
                Event::DocType(_) => {
                    return Err(Refusal::invalid(
                        "the nuspec has a document type, which it may not",
                    ));
                }
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Eof => break,
            }
        }
        let is_whole = open.is_empty() && root.text.trim().is_empty();
        match root.children.pop() {
            Some(element) if is_whole && root.children.is_empty() => Ok(element),
            _ => Err(malformed("it is not one whole element")),
        }
    }

    /// The value of the attribute with this local name, without spaces around it; `None` for an empty
    /// one.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(attribute, _)| attribute == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The one child of this name.
    ///
    /// # Errors
    /// When there are several.
    pub(crate) fn child(&self, name: &str) -> Result<Option<&Self>> {
        let mut found = self.children(name);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(_) => Err(Refusal::invalid(format!("the nuspec has `{name}` twice"))),
        }
    }

    /// The children of this name.
    pub(crate) fn children(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the one child of this name, without spaces around it; `None` for an empty one.
    pub(crate) fn text_of(&self, name: &str) -> Result<Option<&str>> {
        let text = self.child(name)?.map(|child| child.text.trim());
        Ok(text.filter(|text| !text.is_empty()))
    }

    fn of(start: &BytesStart<'_>) -> Result<Self> {
        let mut element = Self { name: start.local_name().as_ref().to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(malformed)?;
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(malformed)?;
            check_characters(&value)?;
            let name = attribute.key.local_name().as_ref().to_owned();
            element.attributes.push((name, value.into_owned()));
        }
        Ok(element)
    }

    fn push(&mut self, text: &str) -> Result<()> {
        check_characters(text)?;
        self.text.push_str(text);
        Ok(())
    }
}

/// What a reference stands for: a character, or one of the five entities of XML.
fn resolved(entity: &BytesRef<'_>) -> Result<String> {
    if let Some(character) = entity.resolve_char_ref().map_err(malformed)? {
        return Ok(character.to_string());
    }
    let name = entity.xml10_content();
    let text =
        resolve_xml_entity(&name).ok_or_else(|| malformed(format!("`&{name};` is unknown")))?;
    Ok(text.to_owned())
}

/// Refuses what no XML document may have (section 2.2): it could not be written into one again.
pub(crate) fn check_characters(text: &str) -> Result<()> {
    let is_character = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => c >= ' ',
    };
    if text.chars().all(is_character) {
        Ok(())
    } else {
        Err(malformed("it has a character that XML does not allow"))
    }
}

fn malformed(reason: impl std::fmt::Display) -> Refusal {
    let reason: String = reason.to_string().chars().take(200).collect();
    Refusal::invalid(format!("the nuspec is malformed: {reason}"))
}
