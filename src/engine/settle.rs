//! `--settle`: the operator's word about a `once` step whose effect the site cannot prove.

/// `STEP=done[:fact]` or `STEP=absent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    pub step: String,
    pub decision: Decision,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It happened; the text is the step's fact (plain or JSON), when it provides one.
    Done(Option<String>),
    Absent,
}
