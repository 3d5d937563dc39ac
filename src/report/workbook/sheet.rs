//! One sheet: the head that every printed page repeats, then section after section.

use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use super::{
    chart,
    grid::{Grid, LABEL, WHOLE, bounds, signature_widths},
    style::Style,
};
use crate::report::document::{Body, Cell, Column, Document, Page, Row, Section, Signatures, Table};

/// Pixels of a share of the width: a page fills A4 at about its natural size, landscape or upright.
const SHARE: u32 = 10;
const SHARE_UPRIGHT: u32 = 8;
/// Points.
const LINE: f64 = 13.0;
/// Half pixels of a Latin and of a Chinese character at the size of the rows.
const NARROW: usize = 11;
const BROAD: usize = 24;
/// What a cell can hold (Excel's own limit).
const LONGEST: usize = 32_000;

/// A sheet that is being written, row by row.
pub struct Sheet<'a> {
    pub out: &'a mut Worksheet,
    pub style: &'a Style,
    pub grid: Grid,
    /// The next row.
    pub row: u32,
    /// Pixels of a share.
    share: u32,
}

impl<'a> Sheet<'a> {
    pub fn write(
        out: &'a mut Worksheet,
        style: &'a Style,
        document: &Document,
        page: &Page,
    ) -> Result<(), XlsxError> {
        // A timeline is as long as the runbook: upright paper takes it whole.
        let upright = page.sections.iter().any(|section| matches!(section.body, Body::Chart(_)));
        let share = if upright { SHARE_UPRIGHT } else { SHARE };
        let mut sheet = Self { out, style, grid: Grid::of(page), row: 0, share };
        sheet.out.set_name(&page.name)?;
        for (column, width) in (0_u16..).zip(sheet.grid.widths().collect::<Vec<_>>()) {
            sheet.out.set_column_width_pixels(column, u32::from(width) * share)?;
        }
        sheet.wide(&document.title, &style.title(), 27.0)?;
        sheet.wide(&document.subtitle, &style.subtitle(), LINE + 2.0)?;
        if let Some(banner) = &document.banner {
            sheet.wide(banner, &style.banner(), LINE + 5.0)?;
        }
        let shared = shared_head(page);
        if let Some(columns) = shared {
            sheet.head(columns)?;
        }
        sheet.set_up(document, upright)?;
        page.sections.iter().try_for_each(|section| sheet.section(section, shared.is_some()))
    }

    /// Print titles, paper, and the head that stays while the rest scrolls.
    fn set_up(&mut self, document: &Document, upright: bool) -> Result<(), XlsxError> {
        self.out.set_repeat_rows(0, self.row.saturating_sub(1))?;
        self.out.set_freeze_panes(self.row, 0)?;
        // A4.
        self.out.set_paper_size(9).set_print_fit_to_pages(1, 0);
        if upright {
            self.out.set_portrait();
        } else {
            self.out.set_landscape();
        }
        self.out.set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3).set_print_center_horizontally(true);
        let subtitle = document.subtitle.replace('&', "&&");
        self.out.set_footer(format!("&L&8{subtitle}&R&8&P / &N")).set_screen_gridlines(false);
        Ok(())
    }

    fn section(&mut self, section: &Section, headed: bool) -> Result<(), XlsxError> {
        self.row += 1;
        self.wide(&section.title, &self.style.section(), 19.0)?;
        if let Some(note) = &section.note {
            self.wide(note, &self.style.note(), LINE + 2.0)?;
        }
        match &section.body {
            Body::Pairs(rows) => rows.iter().try_for_each(|row| self.pair(row)),
            Body::Table(table) => self.table(table, headed),
            Body::Chart(chart) => chart::write(self, chart),
            Body::Signatures(signatures) => self.signatures(signatures),
        }
    }

    fn pair(&mut self, row: &Row) -> Result<(), XlsxError> {
        let [label, value] = row.cells.as_slice() else { return Ok(()) };
        let format = self.style.cell(row.mark, value.mark, value.code);
        self.line(&[(LABEL, &label.text, self.style.label()), (WHOLE, &value.text, format)])
    }

    fn table(&mut self, table: &Table, headed: bool) -> Result<(), XlsxError> {
        if table.rows.is_empty() {
            return self.wide(&table.empty, &self.style.note(), LINE + 2.0);
        }
        if !headed {
            self.head(&table.columns)?;
        }
        let edges = bounds(table.columns.iter().map(|column| column.width));
        table.rows.iter().try_for_each(|row| {
            let format = |cell: &Cell| self.style.cell(row.mark, cell.mark, cell.code);
            let cells = edges.iter().zip(&row.cells);
            let cells: Vec<_> = cells.map(|(edge, cell)| (*edge, cell.text.as_str(), format(cell))).collect();
            self.line(&cells)
        })
    }

    fn head(&mut self, columns: &[Column]) -> Result<(), XlsxError> {
        let edges = bounds(columns.iter().map(|column| column.width));
        let head = self.style.head();
        let cells = edges.iter().zip(columns);
        let cells: Vec<_> =
            cells.map(|(edge, column)| (*edge, column.title.as_str(), head.clone())).collect();
        self.line(&cells)
    }

    fn signatures(&mut self, signatures: &Signatures) -> Result<(), XlsxError> {
        let edges = bounds(signature_widths(signatures.fields.len()));
        for role in &signatures.roles {
            let row = self.row;
            let texts = std::iter::once(role).chain(&signatures.fields);
            let blank = self.style.blank();
            let cells: Vec<_> =
                edges.iter().zip(texts).map(|(edge, text)| (*edge, text.as_str(), blank.clone())).collect();
            self.line(&cells)?;
            self.out.set_row_height(row, 40.0)?;
        }
        Ok(())
    }

    /// A row of one cell.
    fn wide(&mut self, text: &str, format: &Format, height: f64) -> Result<(), XlsxError> {
        let lines = self.lines(text, WHOLE);
        let row = self.row;
        self.put(0, WHOLE, text, format)?;
        self.row += 1;
        self.out.set_row_height(row, height + LINE * (lines - 1) as f64)?;
        Ok(())
    }

    /// A row of cells, each up to an edge, as high as the highest of them.
    fn line(&mut self, cells: &[(u8, &str, Format)]) -> Result<(), XlsxError> {
        let (row, mut from, mut highest) = (self.row, 0, 1);
        for (edge, text, format) in cells {
            self.put(from, *edge, text, format)?;
            highest = highest.max(self.lines(text, edge.saturating_sub(from)));
            from = *edge;
        }
        self.row += 1;
        self.out.set_row_height(row, LINE * highest as f64 + 3.0)?;
        Ok(())
    }

    /// How many lines a text takes in a cell so many shares wide.
    fn lines(&self, text: &str, shares: u8) -> usize {
        let room = (usize::from(shares) * self.share as usize).saturating_sub(8) * 2;
        let of = |line: &str| line.chars().map(|c| if c.is_ascii() { NARROW } else { BROAD }).sum::<usize>();
        text.lines().map(|line| of(line).div_ceil(room.max(1)).max(1)).sum::<usize>().max(1)
    }

    /// One cell of the current row, between two edges.
    pub fn put(&mut self, from: u8, to: u8, text: &str, format: &Format) -> Result<(), XlsxError> {
        let text: String = text.chars().take(LONGEST).collect();
        let (first, last) = self.grid.span(from, to);
        if first == last {
            self.out.write_string_with_format(self.row, first, text, format)?;
        } else {
            self.out.merge_range(self.row, first, self.row, last, &text, format)?;
        }
        Ok(())
    }
}

/// The columns of a page all of whose sections are tables of the same columns: its head is printed on every sheet of
/// paper.
fn shared_head(page: &Page) -> Option<&[Column]> {
    let mut tables = page.sections.iter().map(|section| match &section.body {
        Body::Table(table) if !table.rows.is_empty() => Some(table.columns.as_slice()),
        _ => None,
    });
    let first = tables.next()??;
    let same = |columns: &[Column]| {
        columns.len() == first.len()
            && columns
                .iter()
                .zip(first)
                .all(|(one, other)| one.title == other.title && one.width == other.width)
    };
    tables.all(|columns| columns.is_some_and(same)).then_some(first)
}
