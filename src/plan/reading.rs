//! From a cell to a parsed value or a finding: the one place that undoes formulas, types, spaces and placeholders.

use super::{
    book::{Book, text},
    cell::{CellRef, Located, Origin},
    diagnostic::Finding,
    fields::Parsed,
    map::{self, Class, Field},
    normalise,
    rule::Severity,
    sheet::Content,
};
use crate::secret::Secret;

/// Passwords that everybody knows (PLAN-033).
const WELL_KNOWN: [&str; 3] = ["HC!r0cks", "P@ssw0rd!123", "ADMIN"];

/// The state of one cell of the draft.
#[derive(Clone, Debug)]
pub enum Slot<T> {
    /// Nothing there, a placeholder, or not looked at.
    Blank(CellRef),
    /// Something that failed its own check; it takes no part in cross checks.
    Bad(CellRef),
    Set(Located<T>),
}

impl<T> Slot<T> {
    pub fn get(&self) -> Option<&Located<T>> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }

    pub fn cell(&self) -> &CellRef {
        match self {
            Self::Blank(cell) | Self::Bad(cell) => cell,
            Self::Set(value) => &value.cell,
        }
    }

    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Blank(_))
    }

    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Bad(_))
    }

    /// The value of an optional field.
    pub fn optional(self) -> Option<Located<T>> {
        match self {
            Self::Set(value) => Some(value),
            _ => None,
        }
    }

    /// The value of a field without which there is no plan; the error names the cell.
    pub fn required(self) -> Result<Located<T>, CellRef> {
        match self {
            Self::Set(value) => Ok(value),
            Self::Blank(cell) | Self::Bad(cell) => Err(cell),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Slot<U> {
        match self {
            Self::Blank(cell) => Slot::Blank(cell),
            Self::Bad(cell) => Slot::Bad(cell),
            Self::Set(value) => Slot::Set(value.map(f)),
        }
    }
}

/// Cleaned-up content of a cell.
struct Found {
    text: String,
    raw: String,
    origin: Origin,
    /// The cell holds a number, not text.
    numeric: bool,
}

/// The act of reading a book: collects the findings about single cells.
pub struct Reading<'a> {
    book: &'a Book,
    /// Sheets that are missing or shifted: their cells are not looked at.
    untrusted: Vec<&'static str>,
    pub findings: Vec<Finding>,
}

impl<'a> Reading<'a> {
    pub fn new(book: &'a Book, untrusted: Vec<&'static str>) -> Self {
        Self { book, untrusted, findings: Vec::new() }
    }

    pub fn trusts(&self, sheet: &str) -> bool {
        !self.untrusted.contains(&sheet)
    }

    /// Whether the cell holds anything but a placeholder (planning-sheet 2.10); reports nothing.
    pub fn filled(&self, cell: &CellRef) -> bool {
        if !self.trusts(&cell.sheet) {
            return false;
        }
        let answer = self.book.answer(cell);
        let text = normalise::ident(&text(&answer.content));
        answer.unanswered || !(text.is_empty() || normalise::is_placeholder(&text))
    }

    /// A field with what the cell map says about a blank: required (PLAN-030), defaulted (PLAN-032) or allowed.
    pub fn read<T>(&mut self, key: &str, row: Option<u32>, parse: fn(&str) -> Parsed<T>) -> Slot<T> {
        let slot = self.read_plain(key, row, parse);
        let (Slot::Blank(cell), Some(field)) = (&slot, map::map().field(key)) else { return slot };
        if field.required {
            self.findings.push(Finding::new("PLAN-030").at(cell));
            return slot;
        }
        let Some(default) = &field.default else { return slot };
        let Ok(value) = parse(default) else { return slot };
        self.defaulted(field, cell, default);
        Slot::Set(Located { value, cell: cell.clone(), raw: String::new(), origin: Origin::Default })
    }

    /// A field whose blank is somebody else's concern.
    pub fn read_plain<T>(&mut self, key: &str, row: Option<u32>, parse: fn(&str) -> Parsed<T>) -> Slot<T> {
        // A test holds every key in the code against the map.
        let Some(field) = map::map().field(key) else { return Slot::Bad(CellRef::new("", 1, 1)) };
        let cell = row.map_or_else(|| field.cell(), |row| field.at(row));
        let found = match self.find(&cell, field.class, field.required) {
            Ok(Some(found)) => found,
            Ok(None) => return Slot::Blank(cell),
            Err(()) => return Slot::Bad(cell),
        };
        match parse(&found.text) {
            Ok(value) => {
                if field.class == Class::Number
                    && !found.numeric
                    && found.raw.bytes().all(|b| b.is_ascii_digit() || b == b'.')
                {
                    self.findings.push(Finding::new("PLAN-022.number").at(&cell).value(&found.raw));
                }
                Slot::Set(Located { value, cell, raw: found.raw, origin: found.origin })
            }
            Err(reject) => {
                let finding = Finding::new(reject.rule).at(&cell).value(&found.raw);
                self.findings.push(finding.arg("detail", &reject.detail));
                Slot::Bad(cell)
            }
        }
    }

    /// A cell that is no field of its own: the copies of the cluster's name.
    pub fn name_at(&mut self, cell: CellRef) -> Slot<String> {
        match self.find(&cell, Class::Name, false) {
            Ok(Some(found)) => {
                Slot::Set(Located { value: found.text, cell, raw: found.raw, origin: found.origin })
            }
            Ok(None) => Slot::Blank(cell),
            Err(()) => Slot::Bad(cell),
        }
    }

    /// A password: PLAN-031 when it is required and blank, PLAN-033 and 034 about its content. Never quoted.
    pub fn secret(&mut self, key: &str, row: Option<u32>) -> Slot<Secret<String>> {
        let Some(field) = map::map().field(key) else { return Slot::Bad(CellRef::new("", 1, 1)) };
        let cell = row.map_or_else(|| field.cell(), |row| field.at(row));
        let found = match self.find(&cell, Class::Secret, field.required) {
            Ok(Some(found)) => found,
            Ok(None) => {
                if field.required {
                    self.findings.push(Finding::new("PLAN-031").at(&cell));
                }
                return Slot::Blank(cell);
            }
            Err(()) => return Slot::Bad(cell),
        };
        let (password, raw) = (found.text, found.raw);
        if password.chars().any(char::is_control) {
            self.findings.push(Finding::new("PLAN-034.control").at(&cell).severity(Severity::Error));
            return Slot::Bad(cell);
        }
        let mut suspect = |rule: &'static str| self.findings.push(Finding::new(rule).at(&cell));
        if password != raw && !found.numeric {
            suspect("PLAN-034.edges");
        }
        if found.numeric {
            suspect("PLAN-034.number");
        }
        if !password.is_ascii() {
            suspect("PLAN-034.wide");
        }
        if WELL_KNOWN.contains(&password.as_str()) {
            suspect("PLAN-033");
        } else if password.chars().count() < 8 {
            suspect("PLAN-034.short");
        }
        let (raw, origin) = ("***".to_owned(), found.origin);
        Slot::Set(Located { value: Secret::new(password), cell, raw, origin })
    }

    /// Reports PLAN-032 with the field's own severity.
    pub fn defaulted(&mut self, field: &Field, cell: &CellRef, default: &str) {
        let finding = Finding::new("PLAN-032").at(cell).arg("default", &default);
        self.findings.push(if field.default_warns { finding.severity(Severity::Warning) } else { finding });
    }

    /// Formula, type, clean-up, placeholder. `Err` once a finding has said why the cell is unusable.
    fn find(&mut self, cell: &CellRef, class: Class, required: bool) -> Result<Option<Found>, ()> {
        if !self.trusts(&cell.sheet) {
            return Err(());
        }
        let answer = self.book.answer(cell);
        if answer.unanswered {
            let severity = if required { Severity::Error } else { Severity::Warning };
            self.findings.push(Finding::new("PLAN-020").at(cell).severity(severity));
            // An optional field then takes its default, which PLAN-032 tells.
            return if required { Err(()) } else { Ok(None) };
        }
        let secret = class == Class::Secret;
        let shown = |finding: Finding| if secret { finding } else { finding.value(text(&answer.content)) };
        if answer.origin == Origin::Formula {
            let finding = shown(Finding::new("PLAN-020.resolved").at(cell));
            self.findings.push(finding.severity(Severity::Info));
        }
        let (raw, numeric) = match &answer.content {
            Content::Blank | Content::Shared(_) => return Ok(None),
            Content::Text(text) => (text.clone(), false),
            Content::Number(stored) => (stored.clone(), true),
            Content::Error(_) => {
                self.findings.push(shown(Finding::new("PLAN-021").at(cell)));
                return Err(());
            }
            Content::Bool(_) => {
                self.findings.push(shown(Finding::new("PLAN-024").at(cell)));
                return Err(());
            }
            Content::Date(_) => {
                self.findings.push(shown(Finding::new("PLAN-024.date").at(cell)));
                return Err(());
            }
        };
        let plain = if numeric { text(&answer.content) } else { raw.clone() };
        let clean = normalise::clean(class, &plain);
        if clean.is_empty() {
            return Ok(None);
        }
        let keeps_placeholders = matches!(class, Class::Secret | Class::Text)
            || map::map().cell("cluster.features", None).as_ref() == Some(cell);
        if !keeps_placeholders && normalise::is_placeholder(&clean) {
            self.findings.push(Finding::new("PLAN-025").at(cell).value(raw));
            return Ok(None);
        }
        if clean != raw && !matches!(class, Class::Secret | Class::Name | Class::Text) {
            self.findings.push(Finding::new("PLAN-022").at(cell).value(&raw).arg("clean", &clean));
        }
        Ok(Some(Found { text: clean, raw, origin: answer.origin, numeric }))
    }
}
