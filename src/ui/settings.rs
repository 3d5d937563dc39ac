//! Settings read back, as a table: planned beside found, with the cell and the exchange that proves it.

use super::{Screen, table::Table};
use crate::{
    engine::event::{Agreement, Evidence, Setting},
    messages::message,
    text::Text,
};

/// The lines of the table, each at most `limit` columns wide; none without rows.
pub fn lines<'a>(
    screen: &Screen,
    settings: impl IntoIterator<Item = &'a Setting>,
    limit: Option<usize>,
) -> Vec<String> {
    let headings = [
        message("ui.setting.title", &[]),
        message("ui.setting.cell", &[]),
        message("ui.setting.planned", &[]),
        message("ui.setting.found", &[]),
        message("ui.setting.verdict", &[]),
        message("ui.setting.evidence", &[]),
    ];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for row in settings {
        // Why another value was kept was told when that was decided.
        let reason = row.reason.as_ref().filter(|_| row.verdict != Agreement::Kept);
        let found = row.found.as_ref().or(reason).map_or("-", |text| screen.say(text));
        table.row(vec![
            screen.say(&row.title).to_owned(),
            row.cell.clone().unwrap_or_default(),
            screen.say(&row.planned).to_owned(),
            found.to_owned(),
            screen.say(&verdict(row.verdict)).to_owned(),
            row.evidence.as_ref().map(proof).unwrap_or_default(),
        ]);
    }
    if table.is_empty() { Vec::new() } else { table.lines(limit) }
}

/// The word for what a comparison came to.
pub fn verdict(verdict: Agreement) -> Text {
    match verdict {
        Agreement::Equal => message("ui.setting.equal", &[]),
        Agreement::Differs => message("ui.setting.differs", &[]),
        Agreement::Missing => message("ui.setting.missing", &[]),
        Agreement::Unread => message("ui.setting.unread", &[]),
        Agreement::Unreadable => message("ui.setting.unreadable", &[]),
        Agreement::Kept => message("ui.setting.kept", &[]),
        Agreement::NotPlanned => message("ui.setting.not-planned", &[]),
    }
}

/// `GET 10.0.0.5:443 /api/v2/network/vds #3fa91c02`, the digest cut: the journal has it whole.
fn proof(evidence: &Evidence) -> String {
    let Evidence { method, address, path, sha256, .. } = evidence;
    let digest = sha256.get(..8).unwrap_or(sha256);
    [method, address, path]
        .into_iter()
        .filter(|part| !part.is_empty())
        .fold(String::new(), |all, part| all + part + " ")
        + "#"
        + digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{text::Lang, ui::testing::screen};

    #[test]
    fn a_row_shows_planned_beside_found_with_cell_and_proof() {
        let setting = Setting {
            key: "cluster.vip".into(),
            title: Text::new("集群 VIP", "cluster VIP"),
            cell: Some("主机规划!I19".into()),
            made_by: None,
            planned: Text::same("10.0.0.5"),
            found: Some(Text::same("10.0.0.6")),
            verdict: Agreement::Differs,
            reason: None,
            evidence: Some(Evidence {
                operation: "tower.clusters".into(),
                address: "10.0.0.9:443".into(),
                method: "POST".into(),
                path: "/v2/api/get-clusters".into(),
                at: jiff::Timestamp::UNIX_EPOCH,
                sha256: "0123456789abcdef".into(),
            }),
        };
        let (screen, _) = screen(Lang::Zh, None);
        let lines = lines(&screen, [&setting], None);
        let row = "集群 VIP  主机规划!I19  10.0.0.5  10.0.0.6  不一致  POST 10.0.0.9:443 /v2/api/get-clusters #01234567";
        assert_eq!(lines[1], row);
    }
}
