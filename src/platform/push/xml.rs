//! The XML of pushes: elements and text, within bounds. It defines no entities and reads no attributes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesDecl, BytesRef, Event};
use serde::Serialize;

use crate::error::PushXmlProblem;

/// WeChat nests three deep.
const MAX_DEPTH: usize = 16;
const ROOT: &str = "xml";

/// The elements of a message by name. `Debug` shows the names alone.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<String, Field>);

/// The content of an element.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Field {
    /// Text, perhaps none.
    Text(String),
    /// Other elements.
    Nested(Fields),
    /// Of all elements with one name, in their order. Only what is there more than once is a list.
    List(Vec<Self>),
}

impl Fields {
    /// The content of an element.
    pub fn get(&self, name: &str) -> Option<&Field> {
        self.0.get(name)
    }

    /// The text of an element, without blanks around it; `None` if there is none, if it has elements, or if it is repeated.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Field::Text(text) => Some(text.trim()).filter(|text| !text.is_empty()),
            Field::Nested(_) | Field::List(_) => None,
        }
    }

    fn add(&mut self, name: String, field: Field) {
        match self.0.entry(name) {
            Entry::Vacant(place) => {
                place.insert(field);
            }
            Entry::Occupied(mut place) => match place.get_mut() {
                Field::List(fields) => fields.push(field),
                first => {
                    let first_one = std::mem::replace(first, Field::List(Vec::new()));
                    *first = Field::List(vec![first_one, field]);
                }
            },
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Without the content, which may be a secret.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text"),
            Self::Nested(fields) => fields.fmt(f),
            Self::List(fields) => fields.fmt(f),
        }
    }
}

/// What is in the root element, which is `<xml>`.
pub(super) fn parse(bytes: &[u8]) -> Result<Fields, PushXmlProblem> {
    let text = str::from_utf8(bytes).map_err(|_| PushXmlProblem::Encoding)?;
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(|_| PushXmlProblem::Syntax)? {
            Event::Start(start) => tree.open(start.name().as_ref())?,
            Event::End(_) => tree.close()?,
            Event::Empty(element) => {
                tree.open(element.name().as_ref())?;
                tree.close()?;
            }
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => tree.reference(&character(&reference)?)?,
            Event::CData(section) => tree.section(&section.xml10_content())?,
            Event::Decl(declaration) => tree.declaration(&declaration)?,
            Event::DocType(_) => return Err(PushXmlProblem::Doctype),
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.root.ok_or(PushXmlProblem::Syntax),
        }
    }
}

/// What a reference means: one of the five entities that XML defines, or a character that XML allows.
fn character(reference: &BytesRef) -> Result<String, PushXmlProblem> {
    if let Some(character) = resolve_xml_entity(reference) {
        return Ok(character.to_owned());
    }
    let character = reference.resolve_char_ref().ok().flatten().ok_or(PushXmlProblem::Entity)?;
    let is_allowed =
        !matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}');
    is_allowed.then(|| character.into()).ok_or(PushXmlProblem::Entity)
}

/// The elements that are open, the outermost first, and what was in the root.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Fields>,
}

#[derive(Default)]
struct Element {
    name: String,
    fields: Fields,
    text: String,
    /// What is in CDATA sections: blanks around them are no text.
    sections: Option<String>,
    has_text_outside: bool,
}

impl Tree {
    fn open(&mut self, name: &str) -> Result<(), PushXmlProblem> {
        let is_second_root = self.open.is_empty() && (self.root.is_some() || name != ROOT);
        if is_second_root {
            return Err(PushXmlProblem::Syntax);
        }
        if self.open.len() == MAX_DEPTH {
            return Err(PushXmlProblem::Depth);
        }
        self.open.push(Element { name: name.to_owned(), ..Element::default() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), PushXmlProblem> {
        let element = self.open.pop().ok_or(PushXmlProblem::Syntax)?;
        let name = element.name.clone();
        let field = element.into_field()?;
        match (self.open.last_mut(), field) {
            (Some(parent), field) => parent.fields.add(name, field),
            (None, Field::Nested(fields)) => self.root = Some(fields),
            // A root without elements.
            (None, _) => self.root = Some(Fields::default()),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), PushXmlProblem> {
        let is_blank = text.trim_ascii().is_empty();
        match self.open.last_mut() {
            Some(element) => element.add(text, !is_blank),
            None if is_blank => {}
            None => return Err(PushXmlProblem::Syntax),
        }
        Ok(())
    }

    /// A blank that is written as a reference is meant.
    fn reference(&mut self, character: &str) -> Result<(), PushXmlProblem> {
        self.open.last_mut().ok_or(PushXmlProblem::Syntax)?.add(character, true);
        Ok(())
    }

    fn section(&mut self, section: &str) -> Result<(), PushXmlProblem> {
        let element = self.open.last_mut().ok_or(PushXmlProblem::Syntax)?;
        element.text.push_str(section);
        element.sections.get_or_insert_default().push_str(section);
        Ok(())
    }

    /// `<?xml version="1.0" encoding="UTF-8"?>`, at the beginning.
    fn declaration(&self, declaration: &BytesDecl) -> Result<(), PushXmlProblem> {
        if !self.open.is_empty() || self.root.is_some() {
            return Err(PushXmlProblem::Syntax);
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8") => Ok(()),
            Some(_) => Err(PushXmlProblem::Encoding),
        }
    }
}

impl Element {
    fn add(&mut self, text: &str, is_meant: bool) {
        self.text.push_str(text);
        self.has_text_outside |= is_meant;
    }

    fn into_field(self) -> Result<Field, PushXmlProblem> {
        if !self.fields.0.is_empty() {
            let is_mixed = self.has_text_outside || self.sections.is_some();
            return if is_mixed { Err(PushXmlProblem::Syntax) } else { Ok(Field::Nested(self.fields)) };
        }
        Ok(Field::Text(match self.sections {
            Some(sections) if !self.has_text_outside => sections,
            _ => self.text,
        }))
    }
}

#[cfg(test)]
mod tests;
