//! What a scenario can change about the inspection centre: its traits, what is unknown (M), and what goes wrong (INSP-*).

use serde::{Deserialize, Serialize};

use super::super::super::random;

/// `[site.tower.inspector]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InspectorQuirks {
    /// The component is not installed.
    pub absent: bool,
    /// Its version, where it is not the captured one.
    pub version: Option<String>,
    /// Items of the captured list that it does not know.
    pub unknown_items: Vec<String>,
    /// Size of a report; 0.2–20 MB (§7.5).
    pub report_bytes: usize,
}

impl Default for InspectorQuirks {
    fn default() -> Self {
        Self { absent: false, version: None, unknown_items: Vec::new(), report_bytes: 400_000 }
    }
}

/// `[variants.tower.inspector]`: one choice per unknown; the defaults are the likeliest.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InspectorVariants {
    pub job_status: JobStatus,
    pub status_place: StatusPlace,
    pub early_export: EarlyExport,
    pub wrong_cluster: WrongCluster,
    pub ranges: Ranges,
    pub length: Length,
}

/// The words of a job that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobStatus {
    #[default]
    Succeeded,
    Finished,
    JobSucceeded,
    LowerCase,
    /// No such field.
    Missing,
    /// No such call.
    Refused,
}

/// Where the words stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusPlace {
    #[default]
    Status,
    State,
    Phase,
    /// `data.status`, and the id of a new job in `data` too.
    Data,
}

/// A report that is asked for before its inspection has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyExport {
    #[default]
    Refused,
    Partial,
}

/// An inspection of something that is no cluster's UUID.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrongCluster {
    #[default]
    Refused,
    EmptyReport,
}

/// Downloads of a rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ranges {
    #[default]
    Honoured,
    /// The whole comes, whatever is asked for.
    Ignored,
    /// The same, and nothing names the content.
    Nameless,
}

/// Whether a download tells its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Length {
    #[default]
    Given,
    Absent,
}

impl InspectorVariants {
    /// Every choice drawn from the seed.
    pub fn drawn(seed: u64) -> Self {
        use self::{
            EarlyExport as E, JobStatus as S, Length as L, Ranges as R, StatusPlace as P, WrongCluster as W,
        };
        fn draw<T: Copy>(seed: u64, name: &str, choices: &[T]) -> T {
            *random::pick(seed, choices, &["inspector variant", name])
        }
        let statuses = [S::Succeeded, S::Finished, S::JobSucceeded, S::LowerCase, S::Missing, S::Refused];
        Self {
            job_status: draw(seed, "status", &statuses),
            status_place: draw(seed, "place", &[P::Status, P::State, P::Phase, P::Data]),
            early_export: draw(seed, "early", &[E::Refused, E::Partial]),
            wrong_cluster: draw(seed, "cluster", &[W::Refused, W::EmptyReport]),
            ranges: draw(seed, "ranges", &[R::Honoured, R::Ignored, R::Nameless]),
            length: draw(seed, "length", &[L::Given, L::Absent]),
        }
    }
}

/// How an inspection or its report goes wrong; told to the request that makes it (`report-cut`: also to a download).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InspectionFate {
    JobFailed,
    /// RUNNING for ever.
    JobStuck,
    ExportFailed,
    /// EXPORT_RUNNING for ever.
    ExportStuck,
    /// Three fifths of the zip, as if that were all.
    ReportCut,
}
