//! 8.3, the hosts: how many, their names, their BMCs.

use super::{Case, all_found, case, each};

/// Clears a host row, rack included.
fn without(row: u32) -> Vec<String> {
    ["D", "E", "F", "G", "H", "I", "K", "M", "N", "P", "Q", "R"].map(|c| format!("H!{c}{row} =")).to_vec()
}

pub fn cases() -> Vec<Case> {
    let rows = |rows: &[u32]| rows.iter().flat_map(|row| without(*row)).collect::<Vec<_>>();
    let hosts = |edits: Vec<String>, finds: &[&str]| Case { edits, ..case(&[], finds) };
    let mut moved = rows(&[5]);
    moved.extend(
        [
            "E7 = 10.40.7.13",
            "F7 = admin",
            "G7 = QS-SZ-bmc-2026",
            "H7 = QS-SZ-SMTX-Node-03",
            "I7 = 10.40.8.13",
        ]
        .map(|edit| format!("H!{edit}")),
    );
    moved.extend(
        [
            "K7 = QS-SZ-smartx-2026",
            "M7 = QS-SZ-root-2026",
            "N7 = 10.40.9.13",
            "P7 = R02",
            "Q7 = 10",
            "R7 = 11",
        ]
        .map(|edit| format!("H!{edit}")),
    );

    let mut cases = vec![
        hosts(rows(&[3, 4, 5]), &["101 error H!I3"]),
        hosts(rows(&[4, 5]), &["102 error H!I4"]),
        hosts(rows(&[5]), &["102 error H!I5"]),
        hosts(rows(&[4]), &["102 error H!I4"]),
        hosts(moved, &["103 info H!B5"]),
    ];
    cases.extend(each(
        &["H!H4"],
        &["node_2", "-node", "node-", "12345", "node.local", "主机二", "node 2", &"n".repeat(64)],
        "109 error",
    ));
    cases.extend([
        case(&["H!H4 = QS-SZ-SMTX-Node-01"], &["110 error H!H4 < H!H3"]),
        case(&["H!H4 = qs-sz-smtx-NODE-01"], &["110 error H!H4 < H!H3"]),
        case(&["H!H5 = QS-SZ-SMTX-Node-02"], &["110 error H!H5 < H!H4"]),
        case(&["H!F4 ="], &["112 warning H!F4"]),
        case(&["H!G4 ="], &["112 warning H!G4"]),
        case(&["H!E4 ="], &["112 warning H!E4"]),
        case(&["H!E4 =", "H!F4 =", "H!G4 ="], &["112 warning H!E4"]),
        case(&["H!D3 = CN7X", "H!D5 = CN7X"], &["113 warning H!D5 < H!D3"]),
        case(&["H!D3 = CN7X", "H!D4 = cn7x"], &["113 warning H!D4 < H!D3"]),
    ]);
    cases
}

#[test]
fn hosts_are_checked() {
    all_found(&cases());
}
