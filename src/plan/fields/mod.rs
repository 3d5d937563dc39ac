//! The value grammars of planning-sheet §4: pure parsers from cleaned-up text to typed values.

pub mod address;
pub mod names;
pub mod options;
pub mod switch;

/// Why a text is no value of its kind: the rule that says so, and what exactly is wrong where the rule has a
/// `{detail}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub rule: &'static str,
    pub detail: String,
}

impl Reject {
    pub fn new(rule: &'static str) -> Self {
        Self { rule, detail: String::new() }
    }

    pub fn because(rule: &'static str, detail: impl ToString) -> Self {
        Self { rule, detail: detail.to_string() }
    }
}

/// The result of a field parser.
pub type Parsed<T> = Result<T, Reject>;

/// Free text and enums that are only looked at, never refused.
pub fn any(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}
