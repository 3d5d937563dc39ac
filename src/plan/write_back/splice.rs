//! One text into one cell of a sheet's XML; every byte outside that `<c>` element stays (planning-sheet §9).

use std::ops::Range;

use quick_xml::{
    Reader,
    escape::partial_escape,
    events::{BytesStart, Event},
};

use crate::plan::cell::{column_letters, parse_a1};

/// Why the cell cannot take a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The cell holds a formula.
    Formula,
    /// The cell lies inside a merged range, where its value would be invisible.
    InsideMerge { range: String },
    /// The sheet, or the text, is not what can be handled; English.
    Malformed(String),
}

/// The sheet with `text` as an inline string in the cell; row and column count from 1.
pub fn set_text(xml: &str, row: u32, column: u32, text: &str) -> Result<String, Refusal> {
    if text.chars().any(|c| c.is_control()) {
        return Err(Refusal::Malformed("the text holds a control character".into()));
    }
    // The parser drops a byte order mark; without it positions are those of the text.
    let (mark, body) = xml.strip_prefix('\u{feff}').map_or(("", xml), |rest| ("\u{feff}", rest));
    let mut scan = Scan { row, column, ..Scan::default() };
    scan.document(body)?;
    let (span, replacement) = scan.replacement(text)?;
    Ok([mark, &body[..span.start], &replacement, &body[span.end..]].concat())
}

/// Where the text goes.
#[derive(Debug)]
enum Spot {
    /// The cell element, and the attributes `r` and `s` as they are written.
    Cell { span: Range<usize>, kept: String },
    /// The row is there, the cell is not: it goes to this position.
    InRow { at: usize },
    /// The row is `<row …/>`: its element and its start tag without the slash.
    EmptyRow { span: Range<usize>, open: String },
    /// No such row: it goes to this position.
    NewRow { at: usize },
    /// The sheet data is `<sheetData/>`.
    EmptyData { span: Range<usize>, open: String },
}

#[derive(Default)]
struct Scan {
    row: u32,
    column: u32,
    /// Prefix of the sheet's elements with its colon, mostly empty.
    prefix: String,
    spot: Option<Spot>,
    /// Position of the first row after the wanted one; of the first cell after it.
    row_gap: Option<usize>,
    cell_gap: Option<usize>,
    /// Numbers of the current row and cell; the next one follows when `r` is absent.
    current_row: u32,
    current_column: u32,
    /// The wanted cell while its content is being read.
    open_cell: Option<(usize, String)>,
    formula: bool,
    merge: Option<String>,
    data_found: bool,
}

impl Scan {
    fn document(&mut self, xml: &str) -> Result<(), Refusal> {
        let mut reader = Reader::from_str(xml);
        let mut path: Vec<String> = Vec::new();
        loop {
            let start = position(&reader);
            let event = reader.read_event().map_err(|e| Refusal::Malformed(e.to_string()))?;
            let end = position(&reader);
            match event {
                Event::Start(tag) => {
                    self.open(&tag, &path, start..end, false)?;
                    path.push(tag.local_name().as_ref().to_owned());
                }
                Event::Empty(tag) => self.open(&tag, &path, start..end, true)?,
                Event::End(_) => {
                    let name = path.pop().unwrap_or_default();
                    self.close(&name, &path, start..end);
                }
                Event::DocType(_) => return Err(Refusal::Malformed("the sheet declares a DOCTYPE".into())),
                Event::Eof if path.is_empty() => return Ok(()),
                Event::Eof => return Err(Refusal::Malformed("the sheet ends early".into())),
                _ => {}
            }
        }
    }

    fn open(
        &mut self,
        tag: &BytesStart,
        path: &[String],
        span: Range<usize>,
        empty: bool,
    ) -> Result<(), Refusal> {
        let local = tag.local_name();
        match (path, local.as_ref()) {
            ([_], "sheetData") => {
                self.data_found = true;
                let name = tag.name();
                self.prefix = name.as_ref().strip_suffix("sheetData").unwrap_or_default().to_owned();
                if empty {
                    self.spot = Some(Spot::EmptyData { span, open: start_tag(tag) });
                }
            }
            ([_, data], "row") if data == "sheetData" => self.open_row(tag, span, empty)?,
            ([_, data, _], "c") if data == "sheetData" && self.current_row == self.row => {
                self.open_cell(tag, span, empty)?;
            }
            ([.., cell], "f") if cell == "c" && self.open_cell.is_some() => self.formula = true,
            ([.., merges], "mergeCell") if merges == "mergeCells" => {
                let range = attribute(tag, "ref")?.unwrap_or_default();
                if inside_not_first(&range, self.row, self.column) {
                    self.merge = Some(range);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_row(&mut self, tag: &BytesStart, span: Range<usize>, empty: bool) -> Result<(), Refusal> {
        self.current_row = match attribute(tag, "r")? {
            Some(r) => r.parse().map_err(|_| Refusal::Malformed(format!("row number {r:?}")))?,
            None => self.current_row + 1,
        };
        self.current_column = 0;
        self.cell_gap = None;
        if self.current_row > self.row && self.row_gap.is_none() {
            self.row_gap = Some(span.start);
        }
        if self.current_row == self.row && empty && self.spot.is_none() {
            self.spot = Some(Spot::EmptyRow { span, open: start_tag(tag) });
        }
        Ok(())
    }

    fn open_cell(&mut self, tag: &BytesStart, span: Range<usize>, empty: bool) -> Result<(), Refusal> {
        self.current_column = match attribute(tag, "r")? {
            Some(r) => parse_a1(&r).map(|(_, column)| column).ok_or(Refusal::Malformed(r))?,
            None => self.current_column + 1,
        };
        if self.current_column > self.column && self.cell_gap.is_none() {
            self.cell_gap = Some(span.start);
        }
        if self.current_column == self.column && !matches!(self.spot, Some(Spot::Cell { .. })) {
            let kept = kept_attributes(tag)?;
            if empty {
                self.spot = Some(Spot::Cell { span, kept });
            } else {
                self.open_cell = Some((span.start, kept));
            }
        }
        Ok(())
    }

    fn close(&mut self, name: &str, path: &[String], span: Range<usize>) {
        match (path, name) {
            ([_, _, _], "c") => {
                if let Some((start, kept)) = self.open_cell.take() {
                    self.spot = Some(Spot::Cell { span: start..span.end, kept });
                }
            }
            ([_, data], "row")
                if data == "sheetData" && self.current_row == self.row && self.spot.is_none() =>
            {
                self.spot = Some(Spot::InRow { at: self.cell_gap.unwrap_or(span.start) });
            }
            ([_], "sheetData") if self.spot.is_none() => {
                self.spot = Some(Spot::NewRow { at: self.row_gap.unwrap_or(span.start) });
            }
            _ => {}
        }
    }

    /// The bytes to replace, and what stands there instead.
    fn replacement(self, text: &str) -> Result<(Range<usize>, String), Refusal> {
        if let Some(range) = self.merge {
            return Err(Refusal::InsideMerge { range });
        }
        if self.formula {
            return Err(Refusal::Formula);
        }
        if !self.data_found {
            return Err(Refusal::Malformed("the part has no sheet data".into()));
        }
        let p = &self.prefix;
        let cell = |attributes: &str| {
            let space = if text.trim() == text { "" } else { " xml:space=\"preserve\"" };
            let text = partial_escape(text);
            format!("<{p}c{attributes} t=\"inlineStr\"><{p}is><{p}t{space}>{text}</{p}t></{p}is></{p}c>")
        };
        let fresh = cell(&format!(" r=\"{}{}\"", column_letters(self.column), self.row));
        let row = format!("<{p}row r=\"{}\">{fresh}</{p}row>", self.row);
        Ok(match self.spot {
            Some(Spot::Cell { span, kept }) => (span, cell(&kept)),
            Some(Spot::InRow { at }) => (at..at, fresh),
            Some(Spot::EmptyRow { span, open }) => (span, format!("{open}{fresh}</{p}row>")),
            Some(Spot::NewRow { at }) => (at..at, row),
            Some(Spot::EmptyData { span, open }) => (span, format!("{open}{row}</{p}sheetData>")),
            None => return Err(Refusal::Malformed("the sheet data does not end".into())),
        })
    }
}

/// The start tag of an element that was written empty.
fn start_tag(tag: &BytesStart) -> String {
    let content: &str = tag;
    format!("<{}>", content.trim_end())
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn attribute(tag: &BytesStart, name: &str) -> Result<Option<String>, Refusal> {
    let found = tag.try_get_attribute(name).map_err(|e| Refusal::Malformed(e.to_string()))?;
    Ok(found.map(|a| a.value.trim().to_owned()))
}

/// ` r="E19" s="333"` as written: position and style stay, type and value metadata belong to the old value.
fn kept_attributes(tag: &BytesStart) -> Result<String, Refusal> {
    let mut kept = String::new();
    for name in ["r", "s"] {
        if let Some(value) = tag.try_get_attribute(name).map_err(|e| Refusal::Malformed(e.to_string()))? {
            kept.push_str(&format!(" {name}=\"{}\"", value.value.replace('"', "&quot;")));
        }
    }
    Ok(kept)
}

/// Whether the cell lies in the range `E19:G19` and is not its first cell.
fn inside_not_first(range: &str, row: u32, column: u32) -> bool {
    let Some((first, last)) = range.split_once(':') else { return false };
    let (Some((top, left)), Some((bottom, right))) = (parse_a1(first), parse_a1(last)) else { return false };
    (top..=bottom).contains(&row) && (left..=right).contains(&column) && (row, column) != (top, left)
}

#[cfg(test)]
#[path = "splice_tests.rs"]
mod tests;
