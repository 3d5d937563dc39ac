//! Which stages a run is about.

/// As given on the command line; a stage is named by number (`3`, `03`) or id (`config-cluster`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    #[default]
    All,
    Stages(Vec<String>),
    /// From and to, both inclusive, either open.
    Range(Option<String>, Option<String>),
}
