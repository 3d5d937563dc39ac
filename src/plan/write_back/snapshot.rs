//! What an independent reader sees in a sheet: values and formulas by cell, before and after a write.

use std::{collections::BTreeMap, io::Cursor};

use calamine::{DataRef, Reader, Xlsx, XlsxError};

/// Non-empty cells by (row, column), both from 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    values: BTreeMap<(u32, u32), String>,
    formulas: BTreeMap<(u32, u32), String>,
}

impl Snapshot {
    /// Reads one sheet of the package; `sheet` as the package spells it.
    pub fn read(package: &[u8], sheet: &str) -> Result<Self, XlsxError> {
        let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(package))?;
        let mut snapshot = Self::default();
        let mut cells = workbook.worksheet_cells_reader(sheet)?;
        while let Some(cell) = cells.next_cell()? {
            let text = shown(cell.get_value());
            if !text.is_empty() {
                snapshot.values.insert(from_one(cell.get_position()), text);
            }
        }
        drop(cells);
        let mut formulas = workbook.worksheet_cells_reader(sheet)?;
        while let Some(cell) = formulas.next_formula()? {
            if !cell.get_value().is_empty() {
                snapshot.formulas.insert(from_one(cell.get_position()), cell.get_value().clone());
            }
        }
        Ok(snapshot)
    }

    /// The text of the cell, blank when it is empty.
    pub fn text(&self, cell: (u32, u32)) -> &str {
        self.values.get(&cell).map_or("", String::as_str)
    }

    /// Sets what is expected in a cell.
    pub fn set(&mut self, cell: (u32, u32), text: &str) {
        self.values.insert(cell, text.to_owned());
    }
}

fn from_one((row, column): (u32, u32)) -> (u32, u32) {
    (row + 1, column + 1)
}

fn shown(value: &DataRef) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        other => format!("{other:?}"),
    }
}
