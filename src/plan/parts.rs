//! The small parts of the package: where the sheets are, the shared strings, which formats are dates.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    normalise,
    package::{Package, Refusal, corrupt, too_large},
    xml::{Element, Item, Xml},
};

/// More sheets or relationships than any workbook has.
const MAX_TABS: usize = 2_000;
/// Excel's own limit of cell formats.
const MAX_FORMATS: usize = 65_490;

/// One sheet of the workbook part.
#[derive(Debug)]
pub struct Tab {
    pub name: String,
    /// Relationship id.
    pub relation: String,
}

/// A sheet as the package spells it, and the entry of its XML: `xl/worksheets/sheet9.xml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetPart {
    pub name: String,
    pub part: String,
}

/// Targets of a part's relationships, as part names.
#[derive(Debug, Default)]
pub struct Relations {
    pub by_id: HashMap<String, String>,
    /// Last segment of the type: `worksheet`, `sharedStrings`, `styles`.
    pub by_kind: HashMap<String, String>,
}

/// The workbook part, usually `xl/workbook.xml`.
pub fn main_part(package: &mut Package<'_>) -> Result<String, Refusal> {
    const USUAL: &str = "xl/workbook.xml";
    if package.contains(USUAL) {
        return Ok(USUAL.to_owned());
    }
    let root = relationships(package, "")?;
    root.by_kind.get("officeDocument").cloned().ok_or_else(|| corrupt(USUAL, "missing"))
}

/// Reads the relationships of `part`; targets may be absolute or relative to its folder.
pub fn relationships(package: &mut Package<'_>, part: &str) -> Result<Relations, Refusal> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let name = join(folder, &format!("_rels/{file}.rels"));
    package.read(&name, |stream| {
        let mut relations = Relations::default();
        each(Xml::new(&name, stream), |element| {
            if relations.by_id.len() > MAX_TABS {
                return Err(too_large(&name, MAX_TABS));
            }
            if element.name() == "Relationship"
                && element.attribute("TargetMode").as_deref() != Some("External")
                && let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target"))
            {
                let kind = element.attribute("Type").unwrap_or_default();
                let kind = kind.rsplit('/').next().unwrap_or_default().to_owned();
                let target = join(folder, &target);
                relations.by_kind.entry(kind).or_insert_with(|| target.clone());
                relations.by_id.insert(id, target);
            }
            Ok(())
        })?;
        Ok(relations)
    })
}

/// The sheets in tab order.
pub fn tabs(part: &str, xml: Xml<'_>) -> Result<Vec<Tab>, Refusal> {
    let mut tabs = Vec::new();
    each(xml, |element| {
        if element.name() == "sheet"
            && let (Some(name), Some(relation)) = (element.attribute("name"), element.attribute("id"))
        {
            tabs.push(Tab { name, relation });
        }
        if tabs.len() > MAX_TABS { Err(too_large(part, MAX_TABS)) } else { Ok(()) }
    })?;
    if tabs.is_empty() { Err(corrupt(part, "no sheets")) } else { Ok(tabs) }
}

/// The sheets of that exact name, else those of that name after NFKC without white space (planning-sheet 1.1).
pub fn named<'t>(name: &str, tabs: &'t [Tab]) -> Vec<&'t Tab> {
    let exact: Vec<_> = tabs.iter().filter(|tab| tab.name == name).collect();
    let similar = tabs.iter().filter(|tab| normalise::label(&tab.name) == normalise::label(name));
    if exact.is_empty() { similar.collect() } else { exact }
}

/// Where the sheet that is read under `name` lies; `None`: there is none.
pub fn sheet(bytes: &[u8], name: &str) -> Result<Option<SheetPart>, Refusal> {
    let mut package = Package::open(bytes)?;
    let main = main_part(&mut package)?;
    let targets = relationships(&mut package, &main)?;
    let tabs = package.read(&main, |stream| tabs(&main, Xml::new(&main, stream)))?;
    let found =
        named(name, &tabs).first().copied().and_then(|tab| Some((tab, targets.by_id.get(&tab.relation)?)));
    Ok(found.map(|(tab, part)| SheetPart { name: tab.name.clone(), part: part.clone() }))
}

/// The shared strings with these indices; runs joined, phonetic aids left out.
pub fn shared_strings(mut xml: Xml<'_>, wanted: &BTreeSet<usize>) -> Result<HashMap<usize, String>, Refusal> {
    let mut strings = HashMap::with_capacity(wanted.len());
    let (mut index, mut in_text, mut phonetic) = (0usize, false, false);
    let mut current: Option<String> = None;
    loop {
        match xml.pull()? {
            Item::Open(element) => match element.name() {
                "si" => current = wanted.contains(&index).then(String::new),
                "t" => in_text = !phonetic,
                "rPh" => phonetic = true,
                _ => {}
            },
            Item::Text(text) => {
                if let Some(current) = current.as_mut().filter(|_| in_text) {
                    current.push_str(&text);
                }
            }
            Item::Close(closed) => match closed.name() {
                "si" => {
                    if let Some(text) = current.take() {
                        strings.insert(index, normalise::unescape(&text));
                    }
                    index += 1;
                }
                "t" => in_text = false,
                "rPh" => phonetic = false,
                _ => {}
            },
            Item::Other => {}
            Item::End => return Ok(strings),
        }
    }
}

/// Indices of the cell formats that show a number as a date or a time.
pub fn date_formats(part: &str, mut xml: Xml<'_>) -> Result<HashSet<usize>, Refusal> {
    let mut custom: HashMap<String, bool> = HashMap::new();
    let mut formats: Vec<String> = Vec::new();
    let mut in_cell_formats = false;
    loop {
        match xml.pull()? {
            Item::Open(element) => match element.name() {
                "numFmt" => {
                    if let (Some(id), Some(code)) =
                        (element.attribute("numFmtId"), element.attribute("formatCode"))
                    {
                        custom.insert(id, is_date_code(&code));
                    }
                }
                "cellXfs" => in_cell_formats = true,
                "xf" if in_cell_formats => formats.push(element.attribute("numFmtId").unwrap_or_default()),
                _ => {}
            },
            _ if formats.len().max(custom.len()) > MAX_FORMATS => return Err(too_large(part, MAX_FORMATS)),
            Item::Close(closed) if closed.name() == "cellXfs" => in_cell_formats = false,
            Item::End => break,
            _ => {}
        }
    }
    let is_date = |id: &String| custom.get(id).copied().unwrap_or_else(|| is_built_in_date(id));
    Ok(formats.iter().enumerate().filter(|(_, id)| is_date(id)).map(|(index, _)| index).collect())
}

/// Built-in formats, those of East Asian versions included (ECMA-376 part 1, 18.8.30).
fn is_built_in_date(id: &str) -> bool {
    matches!(id.parse::<u32>(), Ok(14..=22 | 27..=36 | 45..=47 | 50..=58))
}

/// A format code with a day, month, year or hour outside of quotes, brackets and escapes.
fn is_date_code(code: &str) -> bool {
    let (mut quoted, mut bracket, mut escaped) = (false, false, false);
    code.to_ascii_lowercase().replace("general", "").chars().any(|c| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match c {
            '"' => quoted = !quoted,
            '[' if !quoted => bracket = true,
            ']' => bracket = false,
            '\\' | '_' | '*' => escaped = true,
            'y' | 'm' | 'd' | 'h' | 's' => return !quoted && !bracket,
            _ => {}
        }
        false
    })
}

fn each(mut xml: Xml<'_>, mut visit: impl FnMut(&Element<'_>) -> Result<(), Refusal>) -> Result<(), Refusal> {
    loop {
        match xml.pull()? {
            Item::Open(element) => visit(&element)?,
            Item::End => return Ok(()),
            _ => {}
        }
    }
}

/// `../styles.xml` against `xl/worksheets` → `xl/styles.xml`; a leading slash means the package root.
fn join(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let base = if target.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_absolute_or_relative() {
        assert_eq!(join("xl", "/xl/worksheets/sheet8.xml"), "xl/worksheets/sheet8.xml");
        assert_eq!(join("xl", "worksheets/sheet8.xml"), "xl/worksheets/sheet8.xml");
        assert_eq!(join("xl/a", "../styles.xml"), "xl/styles.xml");
        assert_eq!(join("", "_rels/.rels"), "_rels/.rels");
    }

    #[test]
    fn format_codes_of_dates_are_told_from_others() {
        for code in ["yyyy-mm-dd", "m/d/yy h:mm", "[$-804]yyyy\"年\"m\"月\"", "h:mm"] {
            assert!(is_date_code(code), "{code}");
        }
        for code in ["General", "0.00", "0\"day\"", "[Red]0", "\\d0", "@", "#,##0_ ", "_ * #,##0_ "] {
            assert!(!is_date_code(code), "{code}");
        }
    }
}
