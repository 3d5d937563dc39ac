//! The rows of one area as they are read: each question to the site judges the rows that its answer shows.

use super::row::{Row, Wanted};
use crate::{
    clients::wire::Receipt,
    engine::{
        event::{Agreement, Setting},
        handle::Handle,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{facts::reason, world::evidence},
    text::Text,
};

#[derive(Default)]
pub struct Table {
    rows: Vec<Setting>,
    /// Why nobody answers here: no further question is asked, its rows are told all the same.
    closed: Option<Text>,
}

impl Table {
    /// The rows. What a step was skipped over is no difference: it was told then and stays as it is.
    pub fn into_settings(mut self, handle: &Handle) -> Vec<Setting> {
        for row in &mut self.rows {
            let differs = matches!(row.verdict, Agreement::Differs | Agreement::Missing);
            let skipped = row.made_by.as_ref().filter(|_| differs).and_then(|step| handle.skipped(step));
            if skipped.is_some() {
                (row.verdict, row.reason) = (Agreement::Kept, skipped);
            }
        }
        self.rows
    }

    /// The last row, when it differs, does so knowingly: what was there already stays.
    pub fn keep_last(&mut self, why: Text) {
        if let Some(row) = self.rows.last_mut().filter(|row| row.verdict == Agreement::Differs) {
            (row.verdict, row.reason) = (Agreement::Kept, Some(why));
        }
    }

    /// Nobody answers here: what is still to be read stays unread.
    pub fn close(&mut self, why: Text) {
        self.closed.get_or_insert(why);
    }

    /// Why nothing more is asked here, if so.
    pub fn closed(&self) -> Option<Text> {
        self.closed.clone()
    }

    /// Asks one question and judges every row that its answer shows; hands the answer back for more questions.
    ///
    /// # Errors
    /// Only our own troubles; a site that does not answer leaves its rows unread.
    pub async fn ask<A>(
        &mut self,
        rows: Vec<Wanted<'_, A>>,
        question: impl Future<Output = Result<A>>,
        receipt: impl FnOnce() -> Option<Receipt>,
    ) -> Result<Option<A>> {
        if let Some(why) = self.closed() {
            self.unread(rows.into_iter().map(|wanted| wanted.row), &why);
            return Ok(None);
        }
        let answer = question.await;
        let proof = receipt().map(evidence);
        match answer {
            Ok(answer) => {
                for Wanted { row, find } in rows {
                    let setting = match find(&answer) {
                        Some(found) => row.found(&found, proof.clone()),
                        None => row.ended(Agreement::Missing, None, None, proof.clone()),
                    };
                    self.rows.push(setting);
                }
                Ok(Some(answer))
            }
            Err(failure) => {
                let why = unanswered(failure)?;
                self.unread(rows.into_iter().map(|wanted| wanted.row), &why);
                Ok(None)
            }
        }
    }

    /// The site gave no answer about these.
    pub fn unread(&mut self, rows: impl IntoIterator<Item = Row>, why: &Text) {
        let ended = rows.into_iter().map(|row| row.ended(Agreement::Unread, None, Some(why.clone()), None));
        self.rows.extend(ended);
    }

    /// A password: that it works is all that is ever shown of it. `Ok(false)`: refused.
    pub fn login(&mut self, row: Row, answer: Result<bool>, receipt: Option<Receipt>) -> Result<()> {
        let row = row.planned(message("stages.verify.login", &[]));
        let proof = receipt.map(evidence);
        let setting = match answer {
            Ok(true) => row.ended(Agreement::Equal, Some(message("stages.verify.login", &[])), None, proof),
            Ok(false) => {
                row.ended(Agreement::Differs, Some(message("stages.verify.refused", &[])), None, proof)
            }
            Err(failure) => row.ended(Agreement::Unread, None, Some(unanswered(failure)?), proof),
        };
        self.rows.push(setting);
        Ok(())
    }

    /// Nothing reads it here.
    pub fn unreadable(&mut self, row: Row, why: Text) {
        self.rows.push(row.ended(Agreement::Unreadable, None, Some(why), None));
    }

    /// The plan asks for nothing, or the step that makes it was skipped.
    pub fn not_planned(&mut self, row: Row, why: Text) {
        self.rows.push(row.ended(Agreement::NotPlanned, None, Some(why), None));
    }

    pub fn push(&mut self, setting: Setting) {
        self.rows.push(setting);
    }
}

/// Why the site did not answer; our own troubles are failures of the step.
pub fn unanswered(failure: Box<Failure>) -> Result<Text> {
    match failure.kind {
        Kind::Site | Kind::TimedOut => Ok(reason(&failure)),
        _ => Err(failure),
    }
}
