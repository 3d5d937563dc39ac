//! One sheet as a stream of cells: only the upper left window is kept, everything beyond is counted and refused.

use std::collections::{BTreeMap, HashMap};

use super::{
    cell::parse_a1,
    normalise,
    package::{Refusal, corrupt, too_large},
    xml::{Element, Item, Xml},
};

/// Limits of a sheet that is read (planning-sheet 2.3).
const MAX_ROWS: u32 = 20_000;
const MAX_COLUMN: u32 = 200;
/// Merged ranges in the window; the template has 16.
const MAX_MERGES: usize = 2_000;
/// The window that is kept: the template ends at row 34 and column R; the rest finds shifted labels.
const KEEP_ROWS: u32 = 200;
const KEEP_COLUMNS: u32 = 60;

/// What stands in a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Content {
    #[default]
    Blank,
    Text(String),
    /// The number as stored: `1120`, `1120.0`, `1.12E3`.
    Number(String),
    Date(String),
    Bool(bool),
    /// `#REF!` and its kin.
    Error(String),
    /// Index into the shared strings; replaced once they are read.
    Shared(usize),
}

#[derive(Clone, Debug, Default)]
pub struct Cell {
    pub content: Content,
    /// The formula's text, if the cell has one and it is known.
    pub formula: Option<Formula>,
    /// Index of the cell format, for telling dates from numbers.
    pub style: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// Without `=`; empty when a shared formula's master was not found.
    pub text: String,
    /// Whether `content` is its cached result.
    pub cached: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// (row, column) → cell, blank ones left out.
    pub cells: BTreeMap<(u32, u32), Cell>,
    pub merges: Vec<Merge>,
}

/// A merged range, corners included.
#[derive(Clone, Copy, Debug)]
pub struct Merge {
    pub first: (u32, u32),
    pub last: (u32, u32),
}

impl Merge {
    /// Inside, but not the cell that Excel shows.
    pub fn hides(&self, at: (u32, u32)) -> bool {
        at != self.first
            && (self.first.0..=self.last.0).contains(&at.0)
            && (self.first.1..=self.last.1).contains(&at.1)
    }
}

impl Sheet {
    pub fn hidden(&self, at: (u32, u32)) -> bool {
        self.merges.iter().any(|merge| merge.hides(at))
    }

    /// Reads a worksheet part.
    pub fn read(part: &str, mut xml: Xml<'_>) -> Result<Self, Refusal> {
        let mut reader = Reader { part, ..Reader::default() };
        loop {
            match xml.pull()? {
                Item::Open(element) => reader.open(&element)?,
                Item::Text(text) => reader.text(&text),
                Item::Close(closed) => reader.close(closed.name())?,
                Item::Other => {}
                Item::End => break,
            }
        }
        if !reader.seen {
            return Err(corrupt(part, "no sheetData"));
        }
        reader.resolve_shared();
        Ok(reader.sheet)
    }
}

/// Where text belongs.
#[derive(Clone, Copy, Default, PartialEq)]
enum Into {
    #[default]
    Nothing,
    Value,
    Formula,
    Inline,
}

#[derive(Default)]
struct Reader<'a> {
    part: &'a str,
    sheet: Sheet,
    seen: bool,
    in_data: bool,
    rows: u32,
    row: u32,
    column: u32,
    /// The cell being read; `None` outside of one.
    cell: Option<Raw>,
    into: Into,
    /// Inside `<rPh>`: reading aids for Japanese, no content.
    phonetic: bool,
    /// Shared formulas: index → (row, column, text) of the master.
    masters: HashMap<String, (u32, u32, String)>,
    followers: Vec<((u32, u32), String)>,
}

#[derive(Default)]
struct Raw {
    kind: String,
    style: usize,
    value: Option<String>,
    inline: Option<String>,
    formula: Option<String>,
    shared: Option<String>,
}

impl Reader<'_> {
    fn open(&mut self, element: &Element<'_>) -> Result<(), Refusal> {
        match element.name() {
            "sheetData" => (self.in_data, self.seen) = (true, true),
            "mergeCell" => self.merge(element)?,
            "row" if self.in_data => {
                self.rows += 1;
                if self.rows > MAX_ROWS {
                    return Err(too_large(self.part, MAX_ROWS));
                }
                self.row = match element.attribute("r") {
                    Some(row) => {
                        row.trim().parse().map_err(|_| corrupt(self.part, format_args!("row {row}")))?
                    }
                    None => self.row.saturating_add(1),
                };
                self.column = 0;
            }
            "c" if self.in_data => {
                match element.attribute("r") {
                    Some(at) => {
                        let (row, column) =
                            parse_a1(&at).ok_or_else(|| corrupt(self.part, format_args!("cell {at}")))?;
                        (self.row, self.column) = (row, column);
                    }
                    None => self.column = self.column.saturating_add(1),
                }
                let kind = element.attribute("t").unwrap_or_default();
                let style = element.attribute("s").and_then(|s| s.parse().ok()).unwrap_or(0);
                self.cell = Some(Raw { kind, style, ..Raw::default() });
            }
            "v" if self.cell.is_some() => self.begin(Into::Value),
            "t" if self.cell.is_some() && !self.phonetic => self.begin(Into::Inline),
            "rPh" => self.phonetic = true,
            "f" => {
                if let Some(cell) = &mut self.cell {
                    if element.attribute("t").as_deref() == Some("shared") {
                        cell.shared = element.attribute("si");
                    }
                    self.begin(Into::Formula);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, into: Into) {
        self.into = into;
        self.text("");
    }

    fn text(&mut self, text: &str) {
        let Some(cell) = &mut self.cell else { return };
        let place = match self.into {
            Into::Nothing => return,
            Into::Value => &mut cell.value,
            Into::Formula => &mut cell.formula,
            Into::Inline => &mut cell.inline,
        };
        place.get_or_insert_default().push_str(text);
    }

    fn close(&mut self, name: &str) -> Result<(), Refusal> {
        match name {
            "v" | "t" | "f" => self.into = Into::Nothing,
            "rPh" => self.phonetic = false,
            "sheetData" => self.in_data = false,
            "c" => {
                if let Some(raw) = self.cell.take() {
                    self.keep(raw)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, raw: Raw) -> Result<(), Refusal> {
        let content = raw.content(self.part)?;
        let formula = raw.formula.is_some();
        if content == Content::Blank && !formula {
            return Ok(());
        }
        if self.column > MAX_COLUMN {
            return Err(too_large(self.part, MAX_COLUMN));
        }
        if self.row > MAX_ROWS {
            return Err(too_large(self.part, MAX_ROWS));
        }
        if self.row > KEEP_ROWS || self.column > KEEP_COLUMNS {
            return Ok(());
        }
        let at = (self.row, self.column);
        let cached = content != Content::Blank || (raw.kind == "str" && formula);
        let text = raw.formula.unwrap_or_default();
        if let Some(index) = raw.shared {
            if text.is_empty() {
                self.followers.push((at, index));
            } else {
                self.masters.insert(index, (at.0, at.1, text.clone()));
            }
        }
        let formula = formula.then_some(Formula { text, cached });
        self.sheet.cells.insert(at, Cell { content, formula, style: raw.style });
        Ok(())
    }

    fn merge(&mut self, element: &Element<'_>) -> Result<(), Refusal> {
        if self.sheet.merges.len() > MAX_MERGES {
            return Err(too_large(self.part, MAX_MERGES));
        }
        let Some(range) = element.attribute("ref") else { return Ok(()) };
        let (first, last) = range.split_once(':').unwrap_or((&range, &range));
        if let (Some(first), Some(last)) = (parse_a1(first), parse_a1(last))
            && first.0 <= KEEP_ROWS
            && first.1 <= KEEP_COLUMNS
        {
            self.sheet.merges.push(Merge { first, last });
        }
        Ok(())
    }

    /// A shared formula without text takes its master's, moved by the row distance (planning-sheet 2.6).
    fn resolve_shared(&mut self) {
        for (at, index) in &self.followers {
            let Some((row, column, text)) = self.masters.get(index) else { continue };
            let moved =
                (*column == at.1).then(|| super::formula::moved(text, i64::from(at.0) - i64::from(*row)));
            if let (Some(Some(moved)), Some(cell)) = (moved, self.sheet.cells.get_mut(at))
                && let Some(formula) = &mut cell.formula
            {
                formula.text = moved;
            }
        }
    }
}

impl Raw {
    fn content(&self, part: &str) -> Result<Content, Refusal> {
        let value = self.value.as_deref().unwrap_or_default();
        Ok(match self.kind.as_str() {
            "inlineStr" => text(self.inline.as_deref().unwrap_or_default()),
            "str" => text(value),
            _ if value.trim().is_empty() => Content::Blank,
            "s" => Content::Shared(
                value.trim().parse().map_err(|_| corrupt(part, format_args!("shared string {value}")))?,
            ),
            "b" => Content::Bool(value.trim() == "1"),
            "e" => Content::Error(value.trim().to_owned()),
            "d" => Content::Date(value.trim().to_owned()),
            _ => Content::Number(value.trim().to_owned()),
        })
    }
}

fn text(escaped: &str) -> Content {
    if escaped.is_empty() { Content::Blank } else { Content::Text(normalise::unescape(escaped)) }
}
