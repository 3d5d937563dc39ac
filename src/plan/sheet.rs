//! One sheet as a stream of cells: only the upper left window is kept, everything beyond is counted and refused.

use std::collections::{BTreeMap, HashMap};

use super::{
    cell::parse_a1,
    normalise,
    package::{Refusal, corrupt, too_large},
    xml::{Element, Item, Xml},
};
use crate::units;

/// Limits of a sheet that is read (planning-sheet 2.3).
const MAX_ROWS: u32 = 20_000;
const MAX_COLUMN: u32 = 200;
/// Bytes of text in the window, and of the shared strings that it uses; the template has some 20 kB.
pub const MAX_TEXT: usize = 1024 * 1024;
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
    /// Bytes of text kept so far.
    kept: usize,
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
                let [at, kind, style] = element.attributes(["r", "t", "s"]);
                match at {
                    Some(at) => {
                        let (row, column) =
                            parse_a1(&at).ok_or_else(|| corrupt(self.part, format_args!("cell {at}")))?;
                        (self.row, self.column) = (row, column);
                    }
                    None => self.column = self.column.saturating_add(1),
                }
                let kind = kind.unwrap_or_default().into_owned();
                let style = style.and_then(|style| style.parse().ok()).unwrap_or(0);
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
        let text = [&raw.value, &raw.inline, &raw.formula].into_iter().flatten().map(String::len);
        self.kept += text.sum::<usize>();
        if self.kept > MAX_TEXT {
            return Err(too_large(self.part, units::bytes(MAX_TEXT as u64)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &str) -> Result<Sheet, Refusal> {
        let mut bytes = xml.as_bytes();
        let stream: &mut dyn std::io::BufRead = &mut bytes;
        Sheet::read("sheet1.xml", Xml::new("sheet1.xml", stream))
    }

    fn sheet(rows: &str) -> Sheet {
        read(&format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")).unwrap()
    }

    fn refused(xml: &str) -> &'static str {
        read(xml).err().map_or("ok", |finding| finding.diagnostic().id)
    }

    fn content(sheet: &Sheet, a1: &str) -> Content {
        sheet.cells.get(&parse_a1(a1).unwrap()).map(|cell| cell.content.clone()).unwrap_or_default()
    }

    #[test]
    fn every_cell_type_is_told_apart() {
        let sheet = sheet(concat!(
            r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="str"><v>b</v></c>"#,
            r#"<c r="C1"><v>1120.0</v></c><c r="D1" t="n"><v>7</v></c><c r="E1" t="b"><v>1</v></c>"#,
            r##"<c r="F1" t="e"><v>#REF!</v></c><c r="G1" t="d"><v>2025-02-03</v></c><c r="H1" t="s"><v>4</v></c>"##,
            r#"<c r="I1" s="3" t="n"/></row>"#,
        ));
        for (a1, expected) in [
            ("A1", Content::Text("a".into())),
            ("B1", Content::Text("b".into())),
            ("C1", Content::Number("1120.0".into())),
            ("D1", Content::Number("7".into())),
            ("E1", Content::Bool(true)),
            ("F1", Content::Error("#REF!".into())),
            ("G1", Content::Date("2025-02-03".into())),
            ("H1", Content::Shared(4)),
            ("I1", Content::Blank),
        ] {
            assert_eq!(content(&sheet, a1), expected, "{a1}");
        }
    }

    #[test]
    fn inline_text_joins_its_runs_and_leaves_reading_aids_out() {
        let sheet = sheet(concat!(
            r#"<row><c r="A1" t="inlineStr"><is><r><t>a&amp;</t></r><r><t xml:space="preserve"> b</t></r>"#,
            r#"<rPh sb="0" eb="1"><t>kana</t></rPh></is></c><c t="inlineStr"><is><t>x_x000D_y&#33;</t></is></c></row>"#,
        ));
        assert_eq!(content(&sheet, "A1"), Content::Text("a& b".into()));
        assert_eq!(content(&sheet, "B1"), Content::Text("x\ry!".into()));
    }

    #[test]
    fn positions_without_a_name_count_on() {
        let sheet = sheet(
            r#"<row><c><v>1</v></c><c r="D1"><v>2</v></c><c><v>3</v></c></row><row><c><v>4</v></c></row><row r="9"><c><v>5</v></c></row>"#,
        );
        let at = |a1| content(&sheet, a1);
        assert_eq!(
            [at("A1"), at("D1"), at("E1"), at("A2"), at("A9")],
            ["1", "2", "3", "4", "5"].map(|n| Content::Number(n.into()))
        );
    }

    #[test]
    fn prefixes_do_not_matter() {
        let xml = r#"<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData><x:row r="1"><x:c r="A1"><x:v>5</x:v></x:c></x:row></x:sheetData><x:mergeCells><x:mergeCell ref="A1:B2"/></x:mergeCells></x:worksheet>"#;
        let sheet = read(xml).unwrap();
        assert_eq!(content(&sheet, "A1"), Content::Number("5".into()));
        assert!(sheet.hidden((2, 2)) && !sheet.hidden((1, 1)) && !sheet.hidden((3, 1)));
    }

    #[test]
    fn an_empty_string_result_is_cached_and_an_absent_one_is_not() {
        let sheet = sheet(concat!(
            r#"<row r="1"><c r="A1" t="str"><f>X1</f><v/></c><c r="B1" t="str"><f>X1</f></c>"#,
            r#"<c r="C1"><f>X1</f><v /></c><c r="D1"><f>X1</f></c><c r="E1"><f>X1</f><v>2</v></c></row>"#,
        ));
        let cached = |a1| sheet.cells[&parse_a1(a1).unwrap()].formula.as_ref().unwrap().cached;
        assert_eq!(["A1", "B1", "C1", "D1", "E1"].map(cached), [true, true, false, false, true]);
    }

    #[test]
    fn a_shared_formula_without_text_takes_its_masters() {
        let sheet = sheet(concat!(
            r#"<row r="4"><c r="R4"><f t="shared" ref="R4:R18" si="0">IF(ISNUMBER(Q4),Q4+1,"")</f><v/></c></row>"#,
            r#"<row r="6"><c r="R6"><f t="shared" si="0"/><v/></c><c r="S6"><f t="shared" si="0"/><v/></c></row>"#,
        ));
        let formula = |at| sheet.cells[&at].formula.as_ref().unwrap().text.as_str();
        assert_eq!(formula((6, 18)), "IF(ISNUMBER(Q6),Q6+1,\"\")");
        assert_eq!(formula((6, 19)), "", "another column is not guessed");
    }

    #[test]
    fn damage_and_tricks_are_refused() {
        for xml in [
            "",
            "<worksheet>",
            "<worksheet/>",
            "<worksheet><sheetData></worksheet>",
            "<!DOCTYPE x [<!ENTITY a \"b\">]><worksheet><sheetData/></worksheet>",
            r#"<worksheet><sheetData><row><c t="inlineStr"><is><t>&xxe;</t></is></c></row></sheetData></worksheet>"#,
            r#"<worksheet><sheetData><row><c r="1A"><v>1</v></c></row></sheetData></worksheet>"#,
            r#"<worksheet><sheetData><row><c t="s"><v>x</v></c></row></sheetData></worksheet>"#,
        ] {
            assert_eq!(refused(xml), "PLAN-005", "{xml}");
        }
        assert_eq!(refused(&"<a>".repeat(100_000)), "PLAN-005");
    }

    #[test]
    fn a_cell_in_the_far_corner_and_too_many_rows_are_refused() {
        let cell = |a1: &str, inner: &str| {
            format!(r#"<worksheet><sheetData><row><c r="{a1}">{inner}</c></row></sheetData></worksheet>"#)
        };
        for a1 in ["XFD1048576", "GS1", "A20001"] {
            assert_eq!(refused(&cell(a1, "<v>1</v>")), "PLAN-006", "{a1}");
            assert_eq!(refused(&cell(a1, "")), "ok", "only styled: {a1}");
        }
        assert_eq!(refused(&cell("GR20000", "<v>1</v>")), "ok");
        let long = format!("<f>1</f><v>{}</v>", "x".repeat(MAX_TEXT));
        assert_eq!(refused(&cell("A1", &long)), "PLAN-006", "a text that no person wrote");
        let rows = "<row/>".repeat(20_001);
        assert_eq!(refused(&format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")), "PLAN-006");
    }
}
