//! The columns of a sheet: the union of those of its sections.

use std::collections::BTreeSet;

use crate::report::document::{Body, Page};

/// Shares of a page's width that the labels of a chart take.
pub const CHART_LABELS: u8 = 28;

/// A page's width in shares.
pub const WHOLE: u8 = 100;

/// What a label of a pair takes.
pub const LABEL: u8 = 24;

/// Where columns begin, in shares from the left; the last is the right edge.
#[derive(Debug)]
pub struct Grid(Vec<u8>);

impl Grid {
    pub fn of(page: &Page) -> Self {
        let mut edges = BTreeSet::from([0, WHOLE]);
        for section in &page.sections {
            match &section.body {
                Body::Table(table) => edges.extend(bounds(table.columns.iter().map(|column| column.width))),
                Body::Pairs(_) => drop(edges.insert(LABEL)),
                Body::Chart(_) => edges.extend(CHART_LABELS..=WHOLE),
                Body::Signatures(signatures) => {
                    edges.extend(bounds(signature_widths(signatures.fields.len())));
                }
            }
        }
        Self(edges.into_iter().filter(|edge| *edge <= WHOLE).collect())
    }

    /// The width of every column, in shares.
    pub fn widths(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.windows(2).map(|pair| pair[1] - pair[0])
    }

    /// First and last column between two edges.
    pub fn span(&self, from: u8, to: u8) -> (u16, u16) {
        let at = |edge: u8| self.0.partition_point(|known| *known < edge);
        let column = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        (column(at(from)), column(at(to).saturating_sub(1)))
    }
}

/// The edges after each of these widths, the last stretched to the right edge.
pub fn bounds(widths: impl Iterator<Item = u8>) -> Vec<u8> {
    let mut edges: Vec<u8> = widths
        .scan(0_u8, |edge, width| {
            *edge = edge.saturating_add(width);
            Some(*edge)
        })
        .collect();
    if let Some(last) = edges.last_mut() {
        *last = WHOLE;
    }
    edges
}

/// A role, then what it fills in.
pub fn signature_widths(fields: usize) -> impl Iterator<Item = u8> {
    let share = u8::try_from(76 / fields.max(1)).unwrap_or(1);
    std::iter::once(LABEL).chain(std::iter::repeat_n(share, fields))
}
