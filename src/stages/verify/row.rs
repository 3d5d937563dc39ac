//! What the plan wants of a setting, and where an answer of the site shows it.

use crate::{
    engine::event::{Agreement, Evidence, Setting},
    messages::message,
    plan::{
        CellRef, Located,
        map::{self, map},
        view,
    },
    text::Text,
};

/// A setting that the run was to make.
pub struct Row {
    key: String,
    title: Text,
    cell: Option<String>,
    made_by: Option<&'static str>,
    planned: Text,
    same: fn(&str, &str) -> bool,
}

impl Row {
    /// The plan field `key` with its value as it is printed.
    pub fn of<T: ToString>(key: impl Into<String>, value: &Located<T>) -> Self {
        Self::at(key, &value.cell, &value.value)
    }

    /// The plan field `key` in another spelling than its own, or a secret one.
    pub fn at(key: impl Into<String>, cell: &CellRef, planned: &dyn ToString) -> Self {
        let key = key.into();
        let title = map().field(&view::pattern(&key)).map(|field| field.title.clone());
        let title = title.unwrap_or_else(|| map::title(cell));
        Self { cell: Some(cell.to_string()), ..Self::derived(key, title, planned.to_string()) }
    }

    /// A setting that stands in no cell of its own.
    pub fn derived(key: impl Into<String>, title: Text, planned: impl ToString) -> Self {
        let (key, planned) = (key.into(), Text::same(planned.to_string()));
        Self { key, title, cell: None, made_by: None, planned, same: |planned, found| planned == found }
    }

    /// A plan field that is blank: there is nothing to compare, and the report says so.
    pub fn blank(key: &str) -> Self {
        let field = map().field(&view::pattern(key));
        let title = field.map_or_else(|| Text::same(key), |field| field.title.clone());
        let cell = map().cell(&view::pattern(key), None).map(|cell| cell.to_string());
        Self { cell, ..Self::derived(key, title, "") }
    }

    /// One of several alike: names the host or network that it belongs to.
    pub fn whose(mut self, name: &str) -> Self {
        self.title = message("stages.verify.whose", &[("title", &self.title), ("name", &name)]);
        self
    }

    /// The step that was to make it, `stage.step`.
    pub fn made_by(self, step: &'static str) -> Self {
        Self { made_by: Some(step), ..self }
    }

    pub fn ignoring_case(self) -> Self {
        Self { same: |planned, found| planned.eq_ignore_ascii_case(found), ..self }
    }

    /// The site may say more than the plan, or less: `6.2.0` for `6.2.0P4`.
    pub fn beginning(self) -> Self {
        let same = |planned: &str, found: &str| {
            !found.is_empty() && (planned.starts_with(found) || found.starts_with(planned))
        };
        Self { same, ..self }
    }

    /// A list that begins with the planned one.
    pub fn leading(self) -> Self {
        let same = |planned: &str, found: &str| {
            found.strip_prefix(planned).is_some_and(|rest| rest.is_empty() || rest.starts_with(", "))
        };
        Self { same, ..self }
    }

    /// Called otherwise than the field of the plan.
    pub fn titled(self, title: Text) -> Self {
        Self { title, ..self }
    }

    /// Where an answer shows it; `None` there: the site has no such thing.
    pub fn shown<'a, A>(self, find: impl Fn(&A) -> Option<String> + 'a) -> Wanted<'a, A> {
        Wanted { row: self, find: Box::new(find) }
    }

    /// What the run has learnt it is to be, where the plan leaves it blank.
    pub fn planned_as(self, planned: &str) -> Self {
        self.planned(Text::same(planned))
    }

    /// The same for what is planned and found in words.
    pub fn planned(self, planned: Text) -> Self {
        Self { planned, ..self }
    }

    pub fn found(self, found: &str, evidence: Option<Evidence>) -> Setting {
        let equal = (self.same)(&self.planned.en, found);
        let verdict = if equal { Agreement::Equal } else { Agreement::Differs };
        self.ended(verdict, Some(Text::same(found)), None, evidence)
    }

    pub fn ended(
        self,
        verdict: Agreement,
        found: Option<Text>,
        reason: Option<Text>,
        evidence: Option<Evidence>,
    ) -> Setting {
        let Self { key, title, cell, made_by, planned, .. } = self;
        let made_by = made_by.map(str::to_owned);
        Setting { key, title, cell, made_by, planned, found, verdict, reason, evidence }
    }
}

/// Finds a row's value in an answer.
type Find<'a, A> = Box<dyn Fn(&A) -> Option<String> + 'a>;

/// A row and where an answer of type `A` shows it.
pub struct Wanted<'a, A> {
    pub row: Row,
    pub find: Find<'a, A>,
}

/// A list of values whose order means nothing: `10.0.0.1, 10.0.0.2`.
pub fn set<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let mut values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    values.sort();
    values.dedup();
    values.join(", ")
}
