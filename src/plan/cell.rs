//! Where a value stands in the workbook, and a value that remembers where it came from.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Serialize};

/// One cell of the workbook, printed as `主机规划!I5`. Row and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellRef {
    pub sheet: String,
    pub row: u32,
    pub column: u32,
}

impl CellRef {
    pub fn new(sheet: impl Into<String>, row: u32, column: u32) -> Self {
        Self { sheet: sheet.into(), row, column }
    }

    /// The address without the sheet: `I5`.
    pub fn a1(&self) -> String {
        format!("{}{}", column_letters(self.column), self.row)
    }

    /// Parses `主机规划!I5`; `None` when it is no cell reference.
    pub fn parse(text: &str) -> Option<Self> {
        let (sheet, a1) = text.rsplit_once('!')?;
        let (row, column) = parse_a1(a1)?;
        Some(Self::new(sheet.trim_matches('\''), row, column))
    }
}

impl fmt::Display for CellRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}!{}", self.sheet, self.a1())
    }
}

/// `I5` or `$I$5` → (row, column), both from 1 and within the limits of the file format.
pub fn parse_a1(a1: &str) -> Option<(u32, u32)> {
    let a1 = a1.strip_prefix('$').unwrap_or(a1);
    let letters = a1.bytes().take_while(u8::is_ascii_alphabetic).count();
    if letters == 0 || letters > 3 {
        return None;
    }
    let column =
        a1[..letters].bytes().fold(0, |sum, b| sum * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1);
    let digits = a1[letters..].strip_prefix('$').unwrap_or(&a1[letters..]);
    if digits.is_empty() || digits.len() > 7 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let row: u32 = digits.parse().ok()?;
    ((1..=1_048_576).contains(&row) && column <= 16_384).then_some((row, column))
}

/// 1 → `A`, 27 → `AA`.
pub fn column_letters(mut column: u32) -> String {
    let mut letters = Vec::new();
    while column > 0 {
        letters.push(char::from(b'A' + ((column - 1) % 26) as u8));
        column = (column - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// How a value came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Typed into the cell, or cached there by the program that saved the workbook.
    Cell,
    /// Evaluated here, because the formula had no cached value (planning-sheet 2.6).
    Formula,
    /// The cell is blank; this is the documented default.
    Default,
    /// Computed from other values (planning-sheet 6).
    Derived,
}

/// A parsed value with the cell it came from. For `Default` and `Derived` values `cell` is the cell that
/// would change it.
#[derive(Clone, Debug)]
pub struct Located<T> {
    pub value: T,
    pub cell: CellRef,
    /// The text as it stands in the workbook; empty for defaults; `***` for secrets.
    pub raw: String,
    pub origin: Origin,
}

impl<T> Located<T> {
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: f(self.value), cell: self.cell, raw: self.raw, origin: self.origin }
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
