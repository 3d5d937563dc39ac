//! The papers that end a project: from the event log to the acceptance pack, as workbook and as HTML page.
//!
//! `Acceptance` is what the log adds up to; `Document` is that in one language, page by page; the two renderings
//! print a `Document` and decide nothing, so that they cannot differ in content. Every time in it comes from the log:
//! the same log gives the same bytes.

pub mod acceptance;
pub mod document;
mod fold;
mod html;
mod pages;
mod site_time;
mod timeline;
pub mod transfers;
mod words;
mod workbook;

pub use acceptance::Acceptance;
pub use document::Document;
pub use fold::{Logged, Sources};
pub use transfers::Transfer;

use crate::{failure::Result, text::Lang};

impl Acceptance {
    /// The pack in one language.
    pub fn document(&self, lang: Lang) -> Document {
        pages::document(self, lang)
    }
}

impl Document {
    /// A page that needs nothing but itself.
    pub fn html(&self) -> String {
        html::render(self)
    }

    /// The bytes of a workbook (.xlsx).
    ///
    /// # Errors
    /// `Kind::Bug`: the workbook cannot be built.
    pub fn workbook(&self) -> Result<Vec<u8>> {
        workbook::render(self)
    }
}

#[cfg(test)]
mod tests;
