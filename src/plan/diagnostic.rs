//! Findings about the workbook: the contract of planning-sheet §7.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    cell::CellRef,
    map,
    rule::{self, Severity},
};
use crate::{
    messages,
    text::{Lang, Say, Text},
};

/// One finding. It never holds a secret.
#[derive(Clone, Debug, Serialize)]
pub struct Diagnostic {
    /// `PLAN-105`.
    pub id: &'static str,
    /// `duplicate-ip`.
    pub kind: &'static str,
    pub severity: Severity,
    /// `None` for findings about the whole file.
    pub sheet: Option<String>,
    /// `I19`; `None` for findings about a whole sheet or file.
    pub cell: Option<String>,
    /// What stands there, as the workbook has it; `None` for secrets and whole-file findings.
    pub value: Option<String>,
    pub message: Text,
    pub help: Text,
    pub related: Vec<CellRef>,
}

impl Diagnostic {
    /// The object of planning-sheet §7, its words in `lang`.
    pub fn json(&self, lang: Lang) -> Value {
        let related: Vec<_> =
            self.related.iter().map(|cell| json!({"sheet": cell.sheet, "cell": cell.a1()})).collect();
        json!({
            "id": self.id, "kind": self.kind, "severity": self.severity,
            "sheet": self.sheet, "cell": self.cell, "value": self.value,
            "message": self.message.get(lang), "help": self.help.get(lang), "related": related,
        })
    }

    /// `主机规划!I19`, `主机规划`, or nothing for a whole-file finding.
    pub fn place(&self) -> Option<String> {
        match (&self.sheet, &self.cell) {
            (Some(sheet), Some(cell)) => Some(format!("{sheet}!{cell}")),
            (sheet, _) => sheet.clone(),
        }
    }
}

/// A finding in the making: `Finding::new("PLAN-105").at(&cell).value("10.0.20.13").related([…])`.
///
/// Ids are string literals, `PLAN-104` or with a case `PLAN-104.special`, so that a test can hold the code against
/// the rule book.
#[derive(Clone, Debug)]
pub struct Finding {
    rule: &'static str,
    severity: Option<Severity>,
    sheet: Option<String>,
    cell: Option<CellRef>,
    value: Option<String>,
    args: Vec<(&'static str, Text)>,
    related: Vec<CellRef>,
}

impl Finding {
    pub fn new(rule: &'static str) -> Self {
        Self {
            rule,
            severity: None,
            sheet: None,
            cell: None,
            value: None,
            args: Vec::new(),
            related: Vec::new(),
        }
    }

    pub fn at(mut self, cell: &CellRef) -> Self {
        self.sheet = Some(cell.sheet.clone());
        self.cell = Some(cell.clone());
        self
    }

    /// A finding about a whole sheet.
    pub fn on_sheet(mut self, sheet: &str) -> Self {
        self.sheet = Some(sheet.to_owned());
        self
    }

    /// The content of the cell; also fills `{value}`. Never a secret.
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Fills `{name}` of the rule's message and help.
    pub fn arg(mut self, name: &'static str, value: &dyn Say) -> Self {
        self.args.push((name, Text::new(value.say(Lang::Zh), value.say(Lang::En))));
        self
    }

    pub fn related<'a>(mut self, cells: impl IntoIterator<Item = &'a CellRef>) -> Self {
        self.related.extend(cells.into_iter().cloned());
        self
    }

    /// Another severity than the rule book's, where planning-sheet §8 says so.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Fills in the words of the rule book.
    pub fn diagnostic(self) -> Diagnostic {
        let (id, case) = self.rule.split_once('.').unwrap_or((self.rule, ""));
        let Some(rule) = rule::book().get(id) else {
            // A test holds the ids in the code against the book, so this is our bug; show it, do not hide it.
            return Diagnostic {
                id,
                kind: "",
                severity: self.severity.unwrap_or(Severity::Error),
                sheet: self.sheet,
                cell: self.cell.map(|cell| cell.a1()),
                value: self.value,
                message: Text::same(self.rule),
                help: Text::default(),
                related: self.related,
            };
        };
        let case = rule.cases.get(case);
        let message = case.map_or(&rule.message, |case| &case.message);
        let help = case.and_then(|case| case.help.as_ref()).unwrap_or(&rule.help);

        let field = self.cell.as_ref().map(map::title).unwrap_or_default();
        let cell = self.cell.as_ref().map(ToString::to_string).or(self.sheet.clone()).unwrap_or_default();
        let related = self.related.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let value = self.value.clone().unwrap_or_default();
        let mut args: Vec<(&str, &dyn Say)> =
            self.args.iter().map(|(name, text)| (*name, text as &dyn Say)).collect();
        args.extend([
            ("field", &field as &dyn Say),
            ("cell", &cell as &dyn Say),
            ("value", &value as &dyn Say),
            ("related", &related as &dyn Say),
        ]);
        Diagnostic {
            id,
            kind: &rule.kind,
            severity: self.severity.unwrap_or(rule.severity),
            sheet: self.sheet,
            cell: self.cell.map(|cell| cell.a1()),
            value: self.value,
            message: messages::fill(message, &args),
            help: messages::fill(help, &args),
            related: self.related,
        }
    }
}
