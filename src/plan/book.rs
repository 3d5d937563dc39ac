//! The workbook: its sheets found, its cells read, its formulas answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    cell::{CellRef, Origin},
    diagnostic::Finding,
    formula, map, normalise,
    package::{Package, Refusal, corrupt, too_large},
    parts,
    rule::Severity,
    sheet::{Content, MAX_TEXT, Sheet},
    xml::Xml,
};
use crate::units;

/// Formulas that lead to formulas: deeper chains are not followed.
const MAX_CHAIN: usize = 8;
/// Cells looked at for one formula, so that formulas which lead to many others end.
const MAX_LOOKUPS: usize = 1_000;

#[derive(Debug, Default)]
pub struct Book {
    /// Sheets by the name of the cell map, whatever the tab is called.
    sheets: HashMap<&'static str, Sheet>,
    /// Tab name → name of the cell map.
    tabs: HashMap<String, &'static str>,
}

/// What a cell holds once formulas are answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub content: Content,
    pub origin: Origin,
    /// The formula has no cached value and is none that is evaluated here.
    pub unanswered: bool,
}

impl Book {
    /// Reads the four sheets. `Err` when the file as a whole is no readable workbook; other findings go to `findings`.
    pub fn read(bytes: &[u8], findings: &mut Vec<Finding>) -> Result<Self, Refusal> {
        let mut package = Package::open(bytes)?;
        let main = parts::main_part(&mut package)?;
        let targets = parts::relationships(&mut package, &main)?;
        let tabs = package.read(&main, |stream| parts::tabs(&main, Xml::new(&main, stream)))?;
        if package.has_macros() {
            findings.push(Finding::new("PLAN-009"));
        }

        let mut book = Self::default();
        for name in map::SHEETS {
            let Some(tab) = find_tab(name, &tabs, findings) else { continue };
            let part = targets
                .by_id
                .get(&tab.relation)
                .ok_or_else(|| corrupt(&main, format_args!("relationship {}", tab.relation)))?;
            let sheet = package.read(part, |stream| Sheet::read(part, Xml::new(part, stream)))?;
            book.tabs.insert(tab.name.clone(), name);
            book.sheets.insert(name, sheet);
        }
        book.resolve_strings(&mut package, targets.by_kind.get("sharedStrings"))?;
        book.mark_dates(&mut package, targets.by_kind.get("styles"))?;
        package.count_rest()?;
        Ok(book)
    }

    pub fn has_sheet(&self, name: &str) -> bool {
        self.sheets.contains_key(name)
    }

    pub fn sheet(&self, name: &str) -> Option<&Sheet> {
        self.sheets.get(name)
    }

    /// The content of a cell; blank where a merge hides it (PLAN-023 tells).
    pub fn answer(&self, cell: &CellRef) -> Answer {
        self.answer_within(cell, MAX_CHAIN, &mut MAX_LOOKUPS.clone())
    }

    fn answer_within(&self, at: &CellRef, chain: usize, lookups: &mut usize) -> Answer {
        let blank = Answer { content: Content::Blank, origin: Origin::Cell, unanswered: false };
        let Some(sheet) = self.sheets.get(at.sheet.as_str()) else { return blank };
        let place = (at.row, at.column);
        let Some(cell) = sheet.cells.get(&place).filter(|_| !sheet.hidden(place)) else { return blank };
        let formula = match &cell.formula {
            Some(formula) if !formula.cached => formula,
            _ => return Answer { content: cell.content.clone(), ..blank },
        };
        let mut lookup = |cell: &CellRef| {
            let sheet = self.tabs.get(&cell.sheet).copied().or_else(|| {
                // A formula without a sheet name means its own, which carries the name of the map.
                map::SHEETS.into_iter().find(|name| *name == cell.sheet)
            })?;
            let next = chain.checked_sub(1)?;
            *lookups = lookups.checked_sub(1)?;
            let answer =
                self.answer_within(&CellRef { sheet: sheet.to_owned(), ..cell.clone() }, next, lookups);
            (!answer.unanswered).then_some(answer.content)
        };
        match formula::evaluate(&formula.text, &at.sheet, &mut lookup) {
            Some(content) => Answer { content, origin: Origin::Formula, unanswered: false },
            None => Answer { unanswered: true, ..blank },
        }
    }

    /// Every cell of a sheet that is not blank, those that a merge hides included: for finding labels that moved.
    pub fn stored(&self, sheet: &str) -> impl Iterator<Item = (CellRef, String)> {
        let cells = self.sheets.get_key_value(sheet).into_iter().flat_map(|(name, sheet)| {
            sheet
                .cells
                .iter()
                .map(|((row, column), cell)| (CellRef::new(*name, *row, *column), text(&cell.content)))
        });
        cells.filter(|(_, text)| !text.is_empty())
    }

    /// Every cell that is not blank, as it stands.
    pub fn cells(&self) -> BTreeMap<CellRef, String> {
        let mut all = BTreeMap::new();
        for (name, sheet) in &self.sheets {
            for (row, column) in sheet.cells.keys() {
                let at = CellRef::new(*name, *row, *column);
                let text = text(&self.answer(&at).content);
                if !text.is_empty() {
                    all.insert(at, text);
                }
            }
        }
        all
    }

    fn resolve_strings(&mut self, package: &mut Package<'_>, part: Option<&String>) -> Result<(), Refusal> {
        let wanted: BTreeSet<usize> = self
            .sheets
            .values()
            .flat_map(|sheet| sheet.cells.values())
            .filter_map(|cell| match cell.content {
                Content::Shared(index) => Some(index),
                _ => None,
            })
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let part = part.ok_or_else(|| corrupt("sharedStrings", "missing"))?;
        let strings = package.read(part, |stream| parts::shared_strings(Xml::new(part, stream), &wanted))?;
        let mut total = 0;
        for cell in self.sheets.values_mut().flat_map(|sheet| sheet.cells.values_mut()) {
            if let Content::Shared(index) = cell.content {
                let text =
                    strings.get(&index).ok_or_else(|| corrupt(part, format_args!("no string {index}")))?;
                total += text.len();
                if total > MAX_TEXT {
                    return Err(too_large(part, units::bytes(MAX_TEXT as u64)));
                }
                cell.content = if text.is_empty() { Content::Blank } else { Content::Text(text.clone()) };
            }
        }
        Ok(())
    }

    /// A number with a date format is a date: Excel converts `2/3` silently (planning-sheet 1.7).
    fn mark_dates(&mut self, package: &mut Package<'_>, part: Option<&String>) -> Result<(), Refusal> {
        let Some(part) = part.filter(|part| package.contains(part)) else { return Ok(()) };
        let dates = package.read(part, |stream| parts::date_formats(part, Xml::new(part, stream)))?;
        for cell in self.sheets.values_mut().flat_map(|sheet| sheet.cells.values_mut()) {
            if let Content::Number(stored) = &cell.content
                && dates.contains(&cell.style)
            {
                cell.content = Content::Date(stored.clone());
            }
        }
        Ok(())
    }
}

/// The content as text: what a message quotes. Numbers in their shortest form.
pub fn text(content: &Content) -> String {
    match content {
        Content::Blank | Content::Shared(_) => String::new(),
        Content::Text(text) | Content::Error(text) | Content::Date(text) => text.clone(),
        Content::Number(stored) => normalise::number(stored).unwrap_or_else(|| stored.clone()),
        Content::Bool(flag) => if *flag { "TRUE" } else { "FALSE" }.to_owned(),
    }
}

fn find_tab<'t>(
    name: &'static str,
    tabs: &'t [parts::Tab],
    findings: &mut Vec<Finding>,
) -> Option<&'t parts::Tab> {
    let found = parts::named(name, tabs);
    match found.as_slice() {
        [] => {
            let finding = Finding::new("PLAN-010").on_sheet(name);
            let soft = name == map::PROJECT;
            findings.push(if soft { finding.severity(Severity::Warning) } else { finding });
            None
        }
        [tab] => {
            if tab.name != name {
                findings.push(Finding::new("PLAN-013").on_sheet(name).value(tab.name.clone()));
            }
            Some(tab)
        }
        [tab, ..] => {
            let names = found.iter().map(|tab| tab.name.as_str()).collect::<Vec<_>>().join(", ");
            findings.push(Finding::new("PLAN-010.twice").on_sheet(name).value(names));
            // Read one of them all the same, so that its other findings show in the same pass.
            Some(tab)
        }
    }
}
