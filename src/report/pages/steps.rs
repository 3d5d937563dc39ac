//! Every step of the runbook with its latest end, and the warnings of the run.

use super::{columns, step_name};
use crate::{
    engine::event::Difference,
    messages::message,
    report::{
        acceptance::{Acceptance, StepRow},
        document::{Body, Cell, Mark, Row, Section, Table},
        site_time::{length, moment},
        words,
    },
    text::Lang,
};

pub fn sections(acceptance: &Acceptance, lang: Lang) -> Vec<Section> {
    let say = |text: &crate::text::Text| text.get(lang).to_owned();
    vec![
        Section {
            title: say(&message("report.section.steps", &[])),
            note: acceptance.run.simulated.then(|| say(&message("report.times.simulated", &[]))),
            body: Body::Table(steps(acceptance, lang)),
        },
        Section {
            title: say(&message("report.section.warnings", &[])),
            note: None,
            body: Body::Table(warnings(acceptance, lang)),
        },
    ]
}

fn steps(acceptance: &Acceptance, lang: Lang) -> Table {
    let mut rows = Vec::new();
    for stage in &acceptance.stages {
        let title = format!("{:02} {}", stage.number, stage.title.get(lang));
        let mut cells = vec![Cell::marked(title, Mark::Strong)];
        cells.resize(6, Cell::plain(""));
        rows.push(Row::of(format!("stage.{:02}", stage.number), cells).marked(Mark::Strong));
        rows.extend(stage.steps.iter().map(|step| of_step(step, lang)));
    }
    Table {
        columns: columns(
            lang,
            [
                (message("report.column.step", &[]), 29),
                (message("report.column.standing", &[]), 15),
                (message("report.column.took", &[]), 7),
                (message("report.column.at", &[]), 15),
                (message("report.column.run", &[]), 11),
                (message("report.column.detail", &[]), 23),
            ],
        ),
        rows,
        empty: String::new(),
    }
}

fn of_step(step: &StepRow, lang: Lang) -> Row {
    let (word, mark) = words::end(step);
    let mut details: Vec<String> = Vec::new();
    details.extend(words::reason(step).map(|reason| reason.get(lang).to_owned()));
    if let Some(run) = &step.settled_in {
        details.push(message("report.deviation.settled", &[("run", run)]).get(lang).to_owned());
    }
    details.extend(step.differences.iter().map(|difference| before(difference, lang)));
    let cells = vec![
        Cell::plain(format!("{} ({})", step.title.get(lang), step.id)),
        Cell::marked(word.get(lang), mark),
        Cell::plain(step.at.map(|_| length(step.elapsed_ms)).unwrap_or_default()),
        Cell::plain(step.at.map(moment).unwrap_or_default()),
        Cell::plain(step.run.clone().unwrap_or_default()),
        Cell::plain(details.join("\n")),
    ];
    let weight = if mark == Mark::Bad { Mark::Bad } else { Mark::Plain };
    Row::of(format!("step.{}", step.id), cells).marked(weight)
}

/// What the site had before the step acted.
fn before(difference: &Difference, lang: Lang) -> String {
    let Difference { what, found, planned, .. } = difference;
    let args: &[(&str, &dyn crate::text::Say)] = &[("what", what), ("found", found), ("planned", planned)];
    message("report.deviation.before", args).get(lang).to_owned()
}

fn warnings(acceptance: &Acceptance, lang: Lang) -> Table {
    let rows = acceptance.warnings.iter().enumerate().map(|(index, warning)| {
        let whose = match warning.step.as_str() {
            "" => message("report.label.whole-run", &[]).get(lang).to_owned(),
            step => step_name(acceptance, step, lang),
        };
        Row::of(format!("warning.{index}"), vec![Cell::plain(whose), Cell::plain(warning.text.get(lang))])
    });
    Table {
        columns: columns(
            lang,
            [(message("report.column.step", &[]), 30), (message("report.column.detail", &[]), 70)],
        ),
        rows: rows.collect(),
        empty: message("report.empty.warnings", &[]).get(lang).to_owned(),
    }
}
