//! The papers in one language, as both renderings print them: pages of sections, nothing decided any more.

use super::timeline::Timeline;
use crate::text::Lang;

#[derive(Clone, Debug)]
pub struct Document {
    pub lang: Lang,
    pub title: String,
    /// Site and run, below the title and at the foot of every page.
    pub subtitle: String,
    /// What must not be overlooked: a rehearsal.
    pub banner: Option<String>,
    /// The time of the papers, for the properties of the workbook.
    pub at: jiff::Timestamp,
    pub pages: Vec<Page>,
}

/// One sheet of the workbook, one part of the HTML page.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most 31 characters, without `[]:*?/\`: the name of a sheet.
    pub name: String,
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug)]
pub struct Section {
    pub title: String,
    /// What the reader has to know before the rows.
    pub note: Option<String>,
    pub body: Body,
}

#[derive(Clone, Debug)]
pub enum Body {
    /// Label and value.
    Pairs(Vec<Row>),
    Table(Table),
    Chart(Chart),
    Signatures(Signatures),
}

/// Who signs, role after role, and what each fills in.
#[derive(Clone, Debug)]
pub struct Signatures {
    pub roles: Vec<String>,
    pub fields: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// What is said where there are no rows.
    pub empty: String,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub title: String,
    /// Share of the page's width; a page has 100.
    pub width: u8,
}

/// One row; `key` names it for whoever compares the two renderings, and is an anchor of the page.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: String,
    pub mark: Mark,
    pub cells: Vec<Cell>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub mark: Mark,
    /// A digest, an address: in a fixed width.
    pub code: bool,
}

/// What a colour would say; the words beside it say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    #[default]
    Plain,
    /// Proved.
    Good,
    /// Provably not as planned, or failed.
    Bad,
    /// Neither.
    Open,
    /// Of no weight: not planned, not run.
    Faint,
    /// Heads of groups.
    Strong,
}

#[derive(Clone, Debug)]
pub struct Chart {
    pub lang: Lang,
    pub timeline: Timeline,
    /// What the shades mean, in the order of `Shade`.
    pub legend: Vec<(super::timeline::Shade, String)>,
    pub empty: String,
}

impl Cell {
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), mark: Mark::Plain, code: false }
    }

    pub fn marked(text: impl Into<String>, mark: Mark) -> Self {
        Self { mark, ..Self::plain(text) }
    }

    pub fn code(text: impl Into<String>) -> Self {
        Self { code: true, ..Self::plain(text) }
    }
}

impl Row {
    /// A row of no weight of its own.
    pub fn of(key: impl Into<String>, cells: Vec<Cell>) -> Self {
        Self { key: key.into(), mark: Mark::Plain, cells }
    }

    pub fn marked(self, mark: Mark) -> Self {
        Self { mark, ..self }
    }
}

impl Document {
    /// Every row of every table and list, in order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        let sections = self.pages.iter().flat_map(|page| &page.sections);
        sections.flat_map(|section| match &section.body {
            Body::Pairs(rows) => rows.as_slice(),
            Body::Table(table) => table.rows.as_slice(),
            Body::Chart(_) | Body::Signatures(_) => &[],
        })
    }
}
