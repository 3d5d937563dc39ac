//! When what ran: the picture, the transfers with their rates, the runs.

use super::{columns, step_name};
use crate::{
    messages::message,
    report::{
        acceptance::{Acceptance, RunRow},
        document::{Body, Cell, Chart, Mark, Row, Section, Table},
        site_time::{length, moment},
        timeline::Shade,
        words,
    },
    text::{Lang, Text},
    units,
};

pub fn sections(acceptance: &Acceptance, lang: Lang) -> Vec<Section> {
    let say = |text: &Text| text.get(lang).to_owned();
    let simulated = acceptance.run.simulated;
    let legend = [Shade::Stage, Shade::Looked, Shade::Worked, Shade::Failed, Shade::Open];
    let chart = Chart {
        lang,
        timeline: acceptance.timeline.clone(),
        legend: legend.into_iter().map(|shade| (shade, say(&words::shade(shade)))).collect(),
        empty: say(&message("report.empty.timeline", &[])),
    };
    vec![
        Section {
            title: say(&message("report.section.timeline", &[])),
            note: simulated.then(|| say(&message("report.times.simulated", &[]))),
            body: Body::Chart(chart),
        },
        Section {
            title: say(&message("report.section.transfers", &[])),
            note: simulated.then(|| say(&message("report.times.simulated-rates", &[]))),
            body: Body::Table(transfers(acceptance, lang)),
        },
        Section {
            title: say(&message("report.section.runs", &[])),
            note: None,
            body: Body::Table(runs(acceptance, lang)),
        },
    ]
}

fn transfers(acceptance: &Acceptance, lang: Lang) -> Table {
    let rows = acceptance.transfers.iter().map(|transfer| {
        let rate = transfer.rate().map(|rate| format!("{}/s", units::bytes(rate)));
        let cells = vec![
            Cell::plain(step_name(acceptance, &transfer.step, lang)),
            Cell::plain(&transfer.run),
            Cell::plain(units::bytes(transfer.bytes)),
            Cell::plain(transfer.chunks.to_string()),
            Cell::marked(
                transfer.lost.to_string(),
                if transfer.lost == 0 { Mark::Plain } else { Mark::Open },
            ),
            Cell::plain(length(transfer.ms)),
            Cell::plain(rate.unwrap_or_else(|| "–".to_owned())),
        ];
        Row::of(format!("transfer.{}.{}", transfer.run, transfer.step), cells)
    });
    Table {
        columns: columns(
            lang,
            [
                (message("report.column.step", &[]), 34),
                (message("report.column.run", &[]), 16),
                (message("report.column.bytes", &[]), 11),
                (message("report.column.chunks", &[]), 8),
                (message("report.column.lost", &[]), 9),
                (message("report.column.took", &[]), 9),
                (message("report.column.rate", &[]), 13),
            ],
        ),
        rows: rows.collect(),
        empty: message("report.empty.transfers", &[]).get(lang).to_owned(),
    }
}

fn runs(acceptance: &Acceptance, lang: Lang) -> Table {
    let all = acceptance.earlier.iter().chain([&acceptance.run]);
    Table {
        columns: columns(
            lang,
            [
                (message("report.column.run", &[]), 18),
                (message("report.column.began", &[]), 20),
                (message("report.column.version", &[]), 10),
                (message("report.column.standing", &[]), 22),
                (message("report.column.counts", &[]), 20),
                (message("report.column.took", &[]), 10),
            ],
        ),
        rows: all.map(|run| of_run(run, lang)).collect(),
        empty: String::new(),
    }
}

fn of_run(run: &RunRow, lang: Lang) -> Row {
    let (word, mark, counts, took) = match &run.end {
        None => (message("report.run.open", &[]), Mark::Open, String::new(), String::new()),
        Some(end) => {
            let (word, mark) = match end.exit_code {
                0 => (message("report.run.done", &[]), Mark::Good),
                code => (message("report.run.stopped", &[("code", &code)]), Mark::Bad),
            };
            let args: &[(&str, &dyn crate::text::Say)] =
                &[("changed", &end.changed), ("already", &end.already_done), ("sent", &end.sent)];
            let counts = message("report.run.counts", args).get(lang).to_owned();
            (word, mark, counts, length(end.elapsed_ms))
        }
    };
    let cells = vec![
        Cell::plain(&run.id),
        Cell::plain(moment(run.started)),
        Cell::plain(&run.version),
        Cell::marked(word.get(lang), mark),
        Cell::plain(counts),
        Cell::plain(took),
    ];
    Row::of(format!("run.{}", run.id), cells)
}
