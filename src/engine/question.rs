//! Questions a step may ask. `ui` answers on a terminal; flags answer elsewhere; nobody → exit 9 (DESIGN §4).

use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use crate::{failure::Result, text::Text};

/// A question with everything the operator needs to answer it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Question {
    /// `stage.step`.
    pub step: String,
    pub title: Text,
    /// What is at stake, line by line (hosts, disks with serials and sizes).
    pub details: Vec<Text>,
    pub form: Form,
    /// The flag that answers it without a terminal: `--yes`.
    pub flag: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Yes or no.
    Confirm,
    /// The operator types exactly this text (the cluster's name) to go on.
    Type(String),
    Choose(Vec<Text>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Yes,
    No,
    /// Index into the choices.
    Chosen(usize),
}

/// Who answers. An unanswered question is a `Kind::Decision` failure that names the flag.
pub trait Answerer {
    fn answer<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Result<Answer>>;
}
