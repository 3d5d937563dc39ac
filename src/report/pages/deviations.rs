//! All that is not simply as planned, in one table: skipped, settled by hand, deviating, failed, not run, not proved.

use super::columns;
use crate::{
    messages::message,
    report::{
        acceptance::{Acceptance, StepEnd, StepRow},
        document::{Cell, Mark, Row, Table},
        words,
    },
    text::{Lang, Text},
};

pub fn table(acceptance: &Acceptance, lang: Lang) -> Table {
    let mut rows = Vec::new();
    for row in acceptance.settings.iter().filter(|row| row.standing.is_wrong() || row.standing.is_open()) {
        let (word, mark) = words::standing(row.standing);
        let setting = &row.setting;
        let planned = &setting.planned;
        let detail = match (&setting.found, &setting.reason) {
            (Some(found), _) => {
                message("report.deviation.setting", &[("planned", planned), ("found", found)])
            }
            (None, Some(why)) => message("report.deviation.why", &[("planned", planned), ("why", why)]),
            (None, None) => message("report.deviation.nothing", &[("planned", planned)]),
        };
        let key = format!("deviation.{}.{}", row.read_by, setting.key);
        rows.push(line(lang, key, &setting.title, &word, Some(&detail), mark));
    }
    for stage in &acceptance.stages {
        // A stage that nobody has asked for is one line.
        if stage.steps.iter().all(|step| matches!(step.end, StepEnd::Never)) {
            let title = message("report.deviation.stage", &[("stage", &stage.title)]);
            let word = message("report.end.never", &[]);
            rows.push(line(lang, format!("deviation.{:02}", stage.number), &title, &word, None, Mark::Faint));
            continue;
        }
        rows.extend(stage.steps.iter().filter(|step| !step.is_good()).map(|step| of_step(step, lang)));
    }
    Table {
        columns: columns(
            lang,
            [
                (message("report.column.what", &[]), 34),
                (message("report.column.standing", &[]), 20),
                (message("report.column.detail", &[]), 46),
            ],
        ),
        rows,
        empty: message("report.empty.deviations", &[]).get(lang).to_owned(),
    }
}

fn of_step(step: &StepRow, lang: Lang) -> Row {
    let (word, mark) = words::end(step);
    let title =
        Text::new(format!("{} ({})", step.title.zh, step.id), format!("{} ({})", step.title.en, step.id));
    let detail = match &step.settled_in {
        Some(run) => Some(message("report.deviation.settled", &[("run", run)])),
        None => words::reason(step),
    };
    line(lang, format!("deviation.{}", step.id), &title, &word, detail.as_ref(), mark)
}

fn line(lang: Lang, key: String, what: &Text, word: &Text, detail: Option<&Text>, mark: Mark) -> Row {
    let detail = detail.map(|text| text.get(lang)).unwrap_or_default();
    let cells = vec![Cell::plain(what.get(lang)), Cell::marked(word.get(lang), mark), Cell::plain(detail)];
    Row::of(key, cells).marked(mark)
}
