//! Hosts: how many, gaps, names, serials, management controllers (planning-sheet 8.3).

use crate::plan::{
    cell::{CellRef, Located},
    diagnostic::Finding,
    draft::{Draft, host_rows},
    map::HOSTS,
    reading::{Reading, Slot},
};

/// The product needs at least three hosts.
const FEWEST: usize = 3;
/// Columns of 主机规划.
const B: u32 = 2;
const I: u32 = 9;

pub fn check(draft: &Draft, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    if reading.trusts(HOSTS) {
        count(draft, reading, findings);
    }
    repeated(draft, "PLAN-110", |host| &host.hostname, findings);
    repeated(draft, "PLAN-113", |host| &host.serial, findings);
    for host in &draft.hosts {
        let incomplete = |cell: &CellRef| Finding::new("PLAN-112").at(cell);
        match &host.bmc_ip {
            Slot::Blank(cell) => findings.push(incomplete(cell)),
            Slot::Bad(_) => {}
            Slot::Set(_) => {
                if let Slot::Blank(cell) = &host.bmc_user {
                    findings.push(incomplete(cell));
                }
                if let Slot::Blank(cell) = &host.bmc_password {
                    findings.push(incomplete(cell));
                }
            }
        }
    }
}

fn count(draft: &Draft, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    let rows = host_rows(reading);
    let free = rows.iter().find(|(_, active)| !active).map_or(3, |(row, _)| *row);
    match draft.hosts.len() {
        0 => findings.push(Finding::new("PLAN-101").at(&CellRef::new(HOSTS, 3, I))),
        few if few < FEWEST => {
            findings.push(Finding::new("PLAN-102").at(&CellRef::new(HOSTS, free, I)).arg("count", &few));
        }
        _ => {}
    }
    // A gap is reported once, at its first row.
    for pair in draft.hosts.windows(2) {
        if pair[1].row > pair[0].row + 1 {
            let gap = CellRef::new(HOSTS, pair[0].row + 1, B);
            findings.push(Finding::new("PLAN-103").at(&gap).arg("count", &(pair[1].row - pair[0].row - 1)));
        }
    }
}

/// The same text twice, ignoring case: reported at each later cell, with the earlier ones.
fn repeated(
    draft: &Draft,
    rule: &'static str,
    field: fn(&crate::plan::draft::Host) -> &Slot<String>,
    findings: &mut Vec<Finding>,
) {
    let mut earlier: Vec<&Located<String>> = Vec::new();
    for value in draft.hosts.iter().filter_map(|host| field(host).get()) {
        let same: Vec<_> = earlier
            .iter()
            .filter(|other| other.eq_ignore_ascii_case(value))
            .map(|other| &other.cell)
            .collect();
        if !same.is_empty() {
            findings.push(Finding::new(rule).at(&value.cell).value(&value.raw).related(same));
        }
        earlier.push(value);
    }
}
