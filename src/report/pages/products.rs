//! Products whose installation is not automated: how far each has come, and what is left for a person to do.

use crate::{
    messages::message,
    report::{
        acceptance::Acceptance,
        document::{Body, Cell, Mark, Row, Section},
    },
    text::Lang,
};

/// `None` where the runbook has no such stage.
pub fn section(acceptance: &Acceptance, lang: Lang) -> Option<Section> {
    if acceptance.products.is_empty() {
        return None;
    }
    let rows = acceptance.products.iter().map(|product| {
        let mark = if product.left_to_do { Mark::Open } else { Mark::Faint };
        let cells = vec![Cell::plain(product.title.get(lang)), Cell::marked(product.told.get(lang), mark)];
        Row::of(format!("product.{}", product.step), cells)
    });
    Some(Section {
        title: message("report.section.products", &[]).get(lang).to_owned(),
        note: Some(message("report.products.note", &[]).get(lang).to_owned()),
        body: Body::Pairs(rows.collect()),
    })
}
