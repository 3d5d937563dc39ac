//! A document as a workbook: one sheet a page, styled for reading and for A4 paper, landscape.
//!
//! Tables of a sheet may have different columns, so a sheet's columns are the union of all of theirs, and a cell that
//! spans several is merged. Heights are reckoned here, because nothing measures merged cells.

mod chart;
mod grid;
mod sheet;
mod style;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use self::{sheet::Sheet, style::Style};
use super::document::Document;
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
};

/// See [`Document::workbook`].
pub fn render(document: &Document) -> Result<Vec<u8>> {
    write(document)
        .map_err(|error| Failure::new(Kind::Bug, message("report.workbook.doing", &[])).because(&error))
}

fn write(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    // The log's time, not that of the writing: the same log gives the same file.
    let made = ExcelDateTime::from_timestamp(document.at.as_second())?;
    let properties = DocProperties::new().set_title(&document.title).set_subject(&document.subtitle);
    workbook.set_properties(&properties.set_creation_datetime(&made));
    let style = Style::of(document.lang);
    for page in &document.pages {
        Sheet::write(workbook.add_worksheet(), &style, document, page)?;
    }
    workbook.save_to_buffer()
}
