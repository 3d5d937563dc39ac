//! From a sheet's name to its part in the package (planning-sheet 2.4).

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use unicode_normalization::UnicodeNormalization;

use super::archive::Archive;

/// A sheet as the package spells it, and the entry of its XML: `xl/worksheets/sheet9.xml`.
#[derive(Debug, PartialEq, Eq)]
pub struct SheetPart {
    pub name: String,
    pub part: String,
}

/// Finds a sheet by its exact name, else by its name without spaces and width; `None` when there is no such sheet.
pub fn sheet(archive: &Archive, sheet: &str) -> Option<SheetPart> {
    let workbook = part_of_type(archive, "", "/officeDocument").unwrap_or_else(|| "xl/workbook.xml".into());
    let mut sheets = Vec::new();
    for_each_element(&text(archive, &workbook)?, |tag| {
        if tag.local_name().as_ref() == "sheet" {
            sheets.push((value(tag, "name"), value(tag, "id")));
        }
    })?;
    let same = |name: &str| name == sheet;
    let alike = |name: &str| plain(name) == plain(sheet);
    let (name, id) =
        sheets.iter().find(|(name, _)| same(name)).or_else(|| sheets.iter().find(|(n, _)| alike(n)))?;
    let mut part = None;
    for_each_element(&text(archive, &relations_of(&workbook))?, |tag| {
        if tag.local_name().as_ref() == "Relationship" && value(tag, "Id") == *id {
            part = Some(resolve(&workbook, &value(tag, "Target")));
        }
    })?;
    Some(SheetPart { name: name.clone(), part: part? })
}

/// The target of the first relation of `source` whose type ends like that.
fn part_of_type(archive: &Archive, source: &str, ending: &str) -> Option<String> {
    let mut part = None;
    for_each_element(&text(archive, &relations_of(source))?, |tag| {
        if part.is_none() && value(tag, "Type").ends_with(ending) {
            part = Some(resolve(source, &value(tag, "Target")));
        }
    })?;
    part
}

/// `xl/workbook.xml` → `xl/_rels/workbook.xml.rels`; the package itself is the empty name.
fn relations_of(part: &str) -> String {
    let (folder, file) = part.rsplit_once('/').map_or(("", part), |(folder, file)| (folder, file));
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}_rels/{file}.rels")
}

/// A target as an entry name; it may be absolute or relative to the folder of its source.
fn resolve(source: &str, target: &str) -> String {
    if let Some(absolute) = target.strip_prefix('/') {
        return absolute.to_owned();
    }
    let mut path: Vec<&str> = source.split('/').collect();
    path.pop();
    for step in target.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}

fn plain(name: &str) -> String {
    name.nfkc().filter(|c| !c.is_whitespace()).collect()
}

fn text(archive: &Archive, part: &str) -> Option<String> {
    String::from_utf8(archive.read(archive.find(part)?).ok()?).ok()
}

fn for_each_element(xml: &str, mut visit: impl FnMut(&BytesStart)) -> Option<()> {
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => visit(&tag),
            Event::Eof => return Some(()),
            _ => {}
        }
    }
}

/// The attribute of that local name (`r:id` is asked for as `id`), decoded; blank when it is missing.
fn value(tag: &BytesStart, name: &str) -> String {
    tag.attributes()
        .flatten()
        .find(|a| a.key.local_name().as_ref() == name)
        .and_then(|a| a.normalized_value(XmlVersion::Implicit1_0).ok().map(|v| v.into_owned()))
        .unwrap_or_default()
}
