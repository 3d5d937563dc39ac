//! 8.1, the layout: sheets, labels, older revisions, rows and columns that moved.

use voyager::plan::{CheckOptions, Checked, check};

use super::{Case, all_found, case, found};
use crate::support::workbook::{Form, Workbook, cell};

/// Broken below by other means than edits of cells.
pub const IDS: &[&str] = &["010", "012", "013"];

/// 主机规划 cells that came with the revisions of December 2025 and January 2026.
const RACKS: [&str; 16] = [
    "H!P2 =", "H!Q2 =", "H!P19 =", "H!Q19 =", "H!P20 =", "H!Q20 =", "H!P3 =", "H!Q3 =", "H!R3 =", "H!P4 =",
    "H!Q4 =", "H!R4 =", "H!P5 =", "H!Q5 =", "H!R5 =", "H!R6 =",
];

pub fn cases() -> Vec<Case> {
    vec![
        case(&["H!D2 = 序列号"], &["011 error H!D2"]),
        case(&["H!K2 = 口令"], &["011 error H!K2"]),
        case(&["N!E6 ="], &["011 error N!E6"]),
        case(&["M!C7 = 控制器1"], &["011 error M!C7"]),
        case(&["M!B25 = DNS"], &["011 error M!B25"]),
        case(&["H!P20 = 其他", "H!Q20 ="], &["011 error H!P20", "..."]),
        // A blank Q2 alone is no old revision.
        case(&["H!Q2 ="], &["011 error H!Q2", "..."]),
        // Labels that name what a person may rename only warn.
        case(&["P!B15 = 客户："], &["011 warning P!B15"]),
        case(&["M!B3 = Tower"], &["011 warning M!B3"]),
        case(&["M!B5 = bak"], &["011 warning M!B5"]),
    ]
}

fn checked(workbook: &Workbook) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    check(&workbook.write(folder.path(), "plan.xlsx"), &CheckOptions::default())
}

#[test]
fn labels_are_checked() {
    all_found(&cases());
}

#[test]
fn labels_may_differ_in_width_and_spaces() {
    let edits = ["H!D2 = 设备Ｓ/Ｎ", "H!J2 = SSH\\n用户名", "M!B22 = NTP  Server1", "N!F2 = VLANID"];
    found(&checked(&Workbook::good().edit(&edits)), &[]).unwrap();
}

#[test]
fn an_inserted_row_is_refused_and_the_finding_says_where_the_label_went() {
    for (sheet, row, anchor, went) in
        [("虚拟网络", 5, "E6", "E7"), ("主机规划", 12, "H19", "H20"), ("集群管理信息", 9, "B22", "B23")]
    {
        for form in [Form::X, Form::L] {
            let checked = checked(&Workbook::good().insert_row(sheet, row).form(form));
            found(&checked, &[&format!("011 error {sheet}!{anchor}"), "..."]).unwrap();
            let finding = checked
                .diagnostics
                .iter()
                .find(|d| d.id == "PLAN-011" && d.place() == Some(format!("{sheet}!{anchor}")));
            let words = format!("{:?}", finding.unwrap());
            assert!(words.contains(went), "{words}");
        }
    }
}

#[test]
fn an_inserted_column_is_refused() {
    let checked = checked(&Workbook::good().insert_column("主机规划", 9));
    found(&checked, &["011 error H!I2", "011 error H!N2", "..."]).unwrap();
    let moved = checked.diagnostics.iter().find(|d| d.place().as_deref() == Some("主机规划!I2")).unwrap();
    assert!(moved.message.en.contains("J2") || moved.help.en.contains("J2"), "{moved:?}");
}

#[test]
fn a_missing_sheet_is_an_error_but_for_the_description() {
    for (name, severity) in
        [("虚拟网络", "error"), ("主机规划", "error"), ("集群管理信息", "error"), ("文档描述", "warning")]
    {
        let mut workbook = Workbook::good();
        workbook.sheets.retain(|sheet| sheet.name != name);
        found(&checked(&workbook), &[&format!("010 {severity} {name}"), "..."]).unwrap();
    }
}

#[test]
fn a_sheet_name_may_differ_in_width_and_spaces_but_not_twice() {
    let mut workbook = Workbook::good();
    workbook.sheet("主机规划").name = " 主机 规划".into();
    found(&checked(&workbook), &["013 info *", "..."]).unwrap();
    let plan = checked(&workbook).plan.expect("the sheet is found");
    assert_eq!(plan.hosts[0].mgmt_ip.cell, cell("H!I3"));

    let mut twin = workbook.sheet(" 主机 规划").clone();
    twin.name = "主机规划 ".into();
    workbook.sheets.push(twin);
    let checked = checked(&workbook);
    assert!(checked.plan.is_none(), "two sheets of one name are no plan");
}

#[test]
fn workbooks_from_before_the_racks_are_accepted_with_a_warning() {
    for form in [Form::X, Form::L] {
        let workbook = Workbook::good().edit(&RACKS).form(form);
        let checked = checked(&workbook);
        found(&checked, &["012 warning H!P19", "..."]).unwrap();
        let plan = checked.plan.expect("an old revision is a plan");
        assert_eq!(*plan.cluster.storage_architecture, voyager::plan::model::StorageArchitecture::Tiered);
        assert!(plan.hosts.iter().all(|host| host.rack().is_none()));
    }
}

#[test]
fn workbooks_from_before_the_network_architecture_are_accepted_with_a_warning() {
    // In that revision R is a plain sum, which gives 1 for a blank Q.
    let workbook = Workbook::good().edit(&["H!P20 =", "H!Q20 =", "H!R6f= Q6+1 => 1", "H!R7f= Q7+1 => 1"]);
    for form in [Form::X, Form::L] {
        let checked = checked(&workbook.clone().form(form));
        found(&checked, &["012 warning H!P20", "..."]).unwrap();
        let plan = checked.plan.expect("an old revision is a plan");
        assert_eq!(*plan.cluster.network_architecture, voyager::plan::model::NetworkArchitecture::Separate);
        assert_eq!(plan.hosts.iter().filter(|host| host.rack().is_some()).count(), 3);
    }
}
