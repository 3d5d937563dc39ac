//! What stage 11 has left: a report to be read, never a verdict; or why there is none.

use std::time::Duration;

use serde_json::Value;

use super::overview::pair;
use crate::{
    engine::event::Outcome,
    messages::message,
    report::{
        acceptance::{Acceptance, StepEnd, StepRow},
        document::{Mark, Row},
    },
    text::{Lang, Text},
    units,
};

/// The stage whose steps are looked at.
const STAGE: &str = "inspect.";

pub fn rows(acceptance: &Acceptance, lang: Lang) -> Vec<Row> {
    let label = message("report.label.inspection", &[]);
    let mut rows: Vec<Row> = failed(acceptance)
        .map(|(step, why)| {
            let args: [(&str, &dyn crate::text::Say); 2] = [("step", &step.title), ("why", &why)];
            let said = message("report.label.inspection-failed", &args);
            pair(lang, &format!("inspection.failed.{}", step.id), &label, said.get(lang), Mark::Bad)
        })
        .collect();
    match &acceptance.inspection {
        Some(fact) => rows.extend(of_report(fact, &label, lang)),
        None if rows.is_empty() => {
            let missing = message("report.label.no-inspection", &[]);
            rows.push(pair(lang, "inspection.state", &label, missing.get(lang), Mark::Faint));
        }
        None => {}
    }
    rows
}

/// Its steps that ended badly, in the words of the failure.
fn failed(acceptance: &Acceptance) -> impl Iterator<Item = (&StepRow, Text)> {
    let steps = acceptance.stages.iter().flat_map(|stage| &stage.steps);
    steps.filter(|step| step.id.starts_with(STAGE)).filter_map(|step| match &step.end {
        StepEnd::Ended(Outcome::Failed { failure }) => {
            let why = failure.meaning.as_ref().or(failure.answer.as_ref()).unwrap_or(&failure.doing);
            Some((step, why.clone()))
        }
        _ => None,
    })
}

fn of_report(fact: &Value, label: &Text, lang: Lang) -> Vec<Row> {
    let text = |name: &str| fact.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| fact.get(name).and_then(Value::as_u64);
    let list = |name: &str| -> Vec<&str> {
        fact.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let state = serde_json::from_value::<Text>(fact["state"].clone()).ok();
    let (dropped, entries) = (list("items_dropped"), list("entries"));
    let seconds = number("job_seconds").map(|seconds| units::duration(Duration::from_secs(seconds)));
    let mut rows = Vec::new();
    let mut say = |key: &str, label: &Text, value: Option<String>, mark| {
        if let Some(value) = value {
            rows.push(pair(lang, key, label, value, mark));
        }
    };
    say("inspection.state", label, state.map(|state| state.get(lang).to_owned()), Mark::Plain);
    say("inspection.file", &message("report.label.inspection-file", &[]), text("file"), Mark::Plain);
    say("inspection.sha256", &message("report.label.digest", &[]), text("sha256"), Mark::Plain);
    let bytes = number("bytes").map(units::bytes);
    say("inspection.bytes", &message("report.label.inspection-bytes", &[]), bytes, Mark::Plain);
    let entries = (!entries.is_empty()).then(|| entries.join(", "));
    say("inspection.entries", &message("report.label.inspection-entries", &[]), entries, Mark::Plain);
    let items = number("items_requested").map(|items| items.to_string());
    say("inspection.items", &message("report.label.inspection-items", &[]), items, Mark::Plain);
    let dropped = (!dropped.is_empty()).then(|| dropped.join(", "));
    say("inspection.dropped", &message("report.label.inspection-dropped", &[]), dropped, Mark::Open);
    say("inspection.job", &message("report.label.inspection-job", &[]), text("job_id"), Mark::Plain);
    say("inspection.took", &message("report.label.inspection-took", &[]), seconds, Mark::Plain);
    rows
}
