//! Planning workbooks to order: a complete good one, edited cell by cell or in its XML, written as a real file.

use std::{
    collections::BTreeMap,
    io::{Cursor, Write},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use calamine::{DataRef, Reader, Xlsx, open_workbook_from_rs};
use voyager::plan::{CellRef, cell::parse_a1};
use zip::{DateTime, ZipWriter, write::SimpleFileOptions};

use super::{tool::project, workbook_xml};

/// How the file is written (planning-sheet 1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As Excel does: shared strings, cached formula values, relative targets.
    X,
    /// As a generic library does: inline strings, no cached value, absolute targets.
    L,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(String),
    Bool(bool),
    Error(String),
    /// ISO 8601, cell type `d`.
    Date(String),
    /// Without the equals sign; `cached` is the text Excel keeps, `None` when there is none at all.
    Formula {
        text: String,
        cached: Option<String>,
    },
}

#[derive(Clone, Debug)]
pub struct Sheet {
    pub name: String,
    pub cells: BTreeMap<(u32, u32), Value>,
    pub merges: Vec<String>,
    pub hidden: bool,
}

#[derive(Clone, Debug)]
pub struct Workbook {
    pub sheets: Vec<Sheet>,
    pub form: Form,
}

/// Entries of a package in order.
pub type Parts = Vec<(String, Vec<u8>)>;

impl Workbook {
    /// `examples/plan.xlsx`: three hosts, separate networks, no finding above info.
    pub fn good() -> Self {
        static GOOD: OnceLock<Workbook> = OnceLock::new();
        GOOD.get_or_init(|| Self::load("examples/plan.xlsx")).clone()
    }

    /// `examples/plan-storage-separate.xlsx`: five hosts, business networks on the management switch.
    pub fn storage_separate() -> Self {
        static GOOD: OnceLock<Workbook> = OnceLock::new();
        GOOD.get_or_init(|| Self::load("examples/plan-storage-separate.xlsx")).clone()
    }

    fn load(path: &str) -> Self {
        let bytes = std::fs::read(project(path)).expect("the example is there");
        let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(bytes)).expect("the example opens");
        let mut sheets = vec![Sheet {
            name: "更新说明".into(),
            cells: BTreeMap::from([((1, 1), Value::Text("变更记录".into()))]),
            merges: Vec::new(),
            hidden: true,
        }];
        for name in book.sheet_names() {
            sheets.push(load_sheet(&mut book, &name));
        }
        Self { sheets, form: Form::X }
    }

    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Applies edits such as `H!I4 = 10.40.8.11`; sheets are P, N, H, M (文档描述, 虚拟网络, 主机规划, 集群管理信息).
    ///
    /// `=` text (blank clears) · `:=` number · `?=` boolean · `#=` error · `d=` date · `f=` formula without a
    /// cached value · `f=… => v` formula with one. `\n` and `\t` in a text are line break and tab.
    pub fn edit(mut self, edits: &[&str]) -> Self {
        for edit in edits {
            let (target, value) = edit.split_once('=').unwrap_or_else(|| panic!("edit {edit:?} has no ="));
            let kind = target.chars().last().filter(|c| ":?#df".contains(*c)).unwrap_or(' ');
            let cell = cell(target.trim_end_matches(kind).trim());
            let text = value.strip_prefix(' ').unwrap_or(value).replace("\\n", "\n").replace("\\t", "\t");
            let value = match kind {
                ':' => Some(Value::Number(text)),
                '?' => Some(Value::Bool(text == "true")),
                '#' => Some(Value::Error(text)),
                'd' => Some(Value::Date(text)),
                'f' => Some(match text.split_once(" => ") {
                    Some((text, cached)) => Value::Formula { text: text.into(), cached: Some(cached.into()) },
                    None => Value::Formula { text, cached: None },
                }),
                _ => (!text.is_empty()).then_some(Value::Text(text)),
            };
            let cells = &mut self.sheet(&cell.sheet).cells;
            match value {
                Some(value) => cells.insert((cell.row, cell.column), value),
                None => cells.remove(&(cell.row, cell.column)),
            };
        }
        self
    }

    pub fn sheet(&mut self, name: &str) -> &mut Sheet {
        let found = self.sheets.iter_mut().find(|sheet| sheet.name == name);
        found.unwrap_or_else(|| panic!("no sheet {name}"))
    }

    /// Moves every cell and merge at or below `row` down by one, as an inserted row does.
    pub fn insert_row(self, sheet: &str, row: u32) -> Self {
        self.shift(sheet, |(r, c)| (r + u32::from(r >= row), c))
    }

    /// Moves every cell and merge at or right of `column` right by one.
    pub fn insert_column(self, sheet: &str, column: u32) -> Self {
        self.shift(sheet, |(r, c)| (r, c + u32::from(c >= column)))
    }

    /// Takes a row out and moves what is below it up.
    pub fn delete_row(mut self, sheet: &str, row: u32) -> Self {
        self.sheet(sheet).cells.retain(|(r, _), _| *r != row);
        self.shift(sheet, |(r, c)| (r - u32::from(r > row), c))
    }

    /// Takes a column out and moves what is right of it left.
    pub fn delete_column(mut self, sheet: &str, column: u32) -> Self {
        self.sheet(sheet).cells.retain(|(_, c), _| *c != column);
        self.shift(sheet, |(r, c)| (r, c - u32::from(c > column)))
    }

    fn shift(mut self, sheet: &str, to: impl Fn((u32, u32)) -> (u32, u32)) -> Self {
        let sheet = self.sheet(sheet);
        let cells = std::mem::take(&mut sheet.cells);
        sheet.cells = cells.into_iter().map(|(at, value)| (to(at), value)).collect();
        for merge in &mut sheet.merges {
            let corners = merge.split(':').filter_map(parse_a1).map(|at| corner(to(at)));
            *merge = corners.collect::<Vec<_>>().join(":");
        }
        self
    }

    /// The entries of the package, in the order that the form has.
    pub fn parts(&self) -> Parts {
        workbook_xml::parts(self)
    }

    pub fn bytes(&self) -> Vec<u8> {
        pack(&self.parts())
    }

    /// Writes `name` into `folder`.
    pub fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, self.bytes()).expect("the workbook can be written");
        path
    }
}

/// `H!I4` → 主机规划!I4; full sheet names are taken too.
pub fn cell(short: &str) -> CellRef {
    let (sheet, a1) = short.split_once('!').unwrap_or_else(|| panic!("{short:?} is no cell"));
    let (row, column) = parse_a1(a1).unwrap_or_else(|| panic!("{short:?} is no cell"));
    CellRef::new(sheet_name(sheet), row, column)
}

/// P, N, H, M or a name.
pub fn sheet_name(short: &str) -> &str {
    match short {
        "P" => "文档描述",
        "N" => "虚拟网络",
        "H" => "主机规划",
        "M" => "集群管理信息",
        name => name,
    }
}

/// A package of these entries, deflated, with a fixed time.
pub fn pack(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    fill(&mut zip, parts);
    zip.finish().expect("the package can be packed").into_inner()
}

/// The same with sizes and CRC behind the data, as writers to a stream do (flag bit 3).
pub fn pack_with_descriptors(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new_stream(Vec::new());
    fill(&mut zip, parts);
    zip.finish().expect("the package can be packed").into_inner()
}

fn fill<W: Write + std::io::Seek>(zip: &mut ZipWriter<W>, parts: &[(String, Vec<u8>)]) {
    let time = DateTime::from_date_and_time(2026, 1, 5, 8, 30, 0).expect("a time that ZIP knows");
    for (name, content) in parts {
        let options = SimpleFileOptions::default().last_modified_time(time);
        zip.start_file(name, options).expect("an entry can be started");
        zip.write_all(content).expect("an entry can be written");
    }
}

/// Changes the text of one entry.
pub fn edit_part(parts: &mut Parts, name: &str, change: impl FnOnce(String) -> String) {
    let (_, content) = parts.iter_mut().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no part {name}"));
    let text = String::from_utf8(std::mem::take(content)).expect("parts are UTF-8");
    *content = change(text).into_bytes();
}

fn load_sheet(book: &mut Xlsx<Cursor<Vec<u8>>>, name: &str) -> Sheet {
    let mut cells = BTreeMap::new();
    let mut reader = book.worksheet_cells_reader(name).expect("the sheet opens");
    while let Some(cell) = reader.next_cell().expect("cells can be read") {
        let value = match cell.get_value() {
            DataRef::Float(number) => Value::Number(number.to_string()),
            DataRef::String(text) => Value::Text(text.clone()),
            DataRef::SharedString(text) => Value::Text((*text).to_owned()),
            DataRef::Empty => continue,
            other => panic!("unexpected {other:?}"),
        };
        cells.insert((cell.get_position().0 + 1, cell.get_position().1 + 1), value);
    }
    drop(reader);
    let mut formulas = book.worksheet_cells_reader(name).expect("the sheet opens");
    while let Some(cell) = formulas.next_formula().expect("formulas can be read") {
        if cell.get_value().is_empty() {
            continue;
        }
        let place = (cell.get_position().0 + 1, cell.get_position().1 + 1);
        let cached = match cells.remove(&place) {
            Some(Value::Text(text) | Value::Number(text)) => text,
            _ => String::new(),
        };
        cells.insert(place, Value::Formula { text: cell.get_value().clone(), cached: Some(cached) });
    }
    drop(formulas);
    let merges = book.merge_cells_by_sheet_name(name).expect("merges can be read");
    let one = |(row, column): (u32, u32)| corner((row + 1, column + 1));
    let merges = merges.into_iter().map(|m| format!("{}:{}", one(m.start), one(m.end)));
    Sheet { name: name.to_owned(), cells, merges: merges.collect(), hidden: false }
}

fn corner((row, column): (u32, u32)) -> String {
    CellRef::new("", row, column).a1()
}
