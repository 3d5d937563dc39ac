//! Planned beside found, with the exchange that proves it, row by row.

use super::{columns, step_name};
use crate::{
    engine::event::Evidence,
    messages::message,
    report::{
        acceptance::{Acceptance, SettingRow},
        document::{Body, Cell, Mark, Row, Section, Table},
        site_time::moment,
        words,
    },
    text::Lang,
};

/// One table for each area that was read.
pub fn sections(acceptance: &Acceptance, lang: Lang) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for area in acceptance.settings.chunk_by(|one, next| one.read_by == next.read_by) {
        let Some(first) = area.first() else { continue };
        sections.push(Section {
            title: step_name(acceptance, &first.read_by, lang),
            note: sections.is_empty().then(|| message("report.settings.note", &[]).get(lang).to_owned()),
            body: Body::Table(table(area, lang)),
        });
    }
    if sections.is_empty() {
        let title = message("report.page.settings", &[]).get(lang).to_owned();
        sections.push(Section { title, note: None, body: Body::Table(table(&[], lang)) });
    }
    sections
}

fn table(area: &[SettingRow], lang: Lang) -> Table {
    Table {
        columns: columns(
            lang,
            [
                (message("report.column.setting", &[]), 17),
                (message("report.column.cell", &[]), 9),
                (message("report.column.planned", &[]), 12),
                (message("report.column.found", &[]), 12),
                (message("report.column.standing", &[]), 9),
                (message("report.column.request", &[]), 19),
                (message("report.column.at", &[]), 8),
                (message("report.column.digest", &[]), 14),
            ],
        ),
        rows: area.iter().map(|row| of_setting(row, lang)).collect(),
        empty: message("report.empty.settings", &[]).get(lang).to_owned(),
    }
}

fn of_setting(row: &SettingRow, lang: Lang) -> Row {
    let setting = &row.setting;
    let (word, mark) = words::standing(row.standing);
    let found = setting.found.as_ref().or(setting.reason.as_ref()).map(|text| text.get(lang));
    let evidence = setting.evidence.as_ref();
    let planned = setting.planned.get(lang);
    let cells = vec![
        Cell::plain(setting.title.get(lang)),
        Cell::plain(setting.cell.as_deref().unwrap_or(&setting.key)),
        Cell::plain(if planned.is_empty() { "–" } else { planned }),
        Cell::plain(found.unwrap_or("–")),
        Cell::marked(word.get(lang), mark),
        Cell::code(evidence.map(request).unwrap_or_default()),
        Cell::plain(evidence.map(|evidence| moment(evidence.at)).unwrap_or_default()),
        Cell::code(evidence.map(|evidence| evidence.sha256.clone()).unwrap_or_default()),
    ];
    let weight = if mark == Mark::Bad { Mark::Bad } else { Mark::Plain };
    Row::of(format!("setting.{}.{}", row.read_by, setting.key), cells).marked(weight)
}

/// `GET 10.0.0.5:443 /api/v2/network/vds`.
fn request(evidence: &Evidence) -> String {
    let Evidence { method, address, path, .. } = evidence;
    let parts = [method, address, path].into_iter().filter(|part| !part.is_empty());
    parts.cloned().collect::<Vec<_>>().join(" ")
}
