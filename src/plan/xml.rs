//! A part's XML as a stream of elements and text: prefixes dropped, entities refused, depth bounded.

use std::{borrow::Cow, io::BufRead};

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesEnd, BytesStart, Event},
};

use super::package::{Refusal, corrupt};

/// Deeper nesting than any workbook has.
const MAX_DEPTH: usize = 256;

pub enum Item<'a> {
    /// An element opens; an empty one opens and closes.
    Open(Element<'a>),
    Close(Closed<'a>),
    Text(Cow<'a, str>),
    Other,
    End,
}

pub struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    pub fn name(&self) -> &str {
        local(self.0.name().0)
    }

    /// The attribute with this local name (`id` finds `r:id`).
    pub fn attribute(&self, name: &str) -> Option<String> {
        let [value] = self.attributes([name]);
        value.map(Cow::into_owned)
    }

    /// The attributes with these local names, read in one pass: a sheet has some ten thousand cells.
    pub fn attributes<const N: usize>(&self, names: [&str; N]) -> [Option<Cow<'_, str>>; N] {
        let mut found = [const { None }; N];
        for attribute in self.0.attributes().with_checks(false).flatten() {
            let name = local(attribute.key.0);
            let places = names.iter().zip(&mut found);
            let place =
                places.filter(|(wanted, place)| **wanted == name && place.is_none()).map(|(_, place)| place);
            if let Some(place) = place.last() {
                *place = Some(match attribute.normalized_value(XmlVersion::Implicit1_0) {
                    Ok(value) => value,
                    Err(_) => attribute.value,
                });
            }
        }
        found
    }
}

pub struct Closed<'a>(BytesEnd<'a>);

impl Closed<'_> {
    pub fn name(&self) -> &str {
        local(self.0.name().0)
    }
}

pub struct Xml<'a> {
    part: &'a str,
    reader: Reader<&'a mut dyn BufRead>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<'a> Xml<'a> {
    /// `part` names the stream in findings.
    pub fn new(part: &'a str, stream: &'a mut dyn BufRead) -> Self {
        let mut reader = Reader::from_reader(stream);
        reader.config_mut().expand_empty_elements = true;
        Self { part, reader, buffer: Vec::new(), depth: 0 }
    }

    /// The next item; [`Item::Other`] for comments and instructions, which carry nothing.
    pub fn pull(&mut self) -> Result<Item<'_>, Refusal> {
        let part = self.part;
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer).map_err(|error| corrupt(part, error))?;
        Ok(match event {
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Item::Other,
            Event::DocType(_) => return Err(corrupt(part, "DOCTYPE")),
            Event::Start(start) => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(corrupt(part, "nesting"));
                }
                Item::Open(Element(start))
            }
            Event::Empty(start) => Item::Open(Element(start)),
            Event::End(end) => {
                self.depth = self.depth.saturating_sub(1);
                Item::Close(Closed(end))
            }
            Event::Text(text) => Item::Text(Cow::Owned(text.xml10_content().into_owned())),
            Event::CData(text) => Item::Text(Cow::Owned(text.xml10_content().into_owned())),
            Event::GeneralRef(name) => {
                let text = match name.resolve_char_ref().map_err(|error| corrupt(part, error))? {
                    Some(c) => c.to_string(),
                    None => resolve_predefined_entity(&name)
                        .ok_or_else(|| corrupt(part, format_args!("&{};", &*name)))?
                        .to_owned(),
                };
                Item::Text(Cow::Owned(text))
            }
            Event::Eof if self.depth > 0 => return Err(corrupt(part, "unexpected end")),
            Event::Eof => Item::End,
        })
    }
}

/// `x:row` → `row`.
fn local(name: &str) -> &str {
    name.bytes().rposition(|byte| byte == b':').map_or(name, |colon| &name[colon + 1..])
}
