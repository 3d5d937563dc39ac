//! Good variants: what a person may write differently without being troubled.

use voyager::plan::{CheckOptions, check};

use super::{Case, all_found, all_found_in, case, found};
use crate::support::{
    tool::project,
    workbook::{Form, Workbook},
};

/// None of them gives a finding above info.
pub fn variants() -> Vec<Case> {
    let edits: &[&[&str]] = &[
        &[],
        // Spellings.
        &["H!I4 = １０．４０．８．１２"],
        &["H!I4 = 10。40。8。12"],
        &["H!I4 =  10.40.8.12 "],
        &["H!I19 = 10.40.8.10\\n"],
        &["H!I4 = \u{200b}10.40.8.12\u{feff}"],
        &["H!I4 = 10.40.8.12_x000D_"],
        &["N!J4 = eno1；eno2"],
        &["N!J4 = eno1 、 eno2"],
        &["N!J4 = eno1/eno2", "N!J6 = ens1f0|ens1f1", "N!J8 = ens2f0\\nens2f1"],
        &["N!J4 = eno1, eno2,"],
        &["N!K4 = 主备", "N!K6 = AB", "N!K8 = SLB"],
        &["N!K4 = Active_Backup", "N!K6 = LACP"],
        &["N!K4 = balance-tcp", "N!K6 = balance tcp"],
        &["N!H4 = 10.40.8.0/255.255.255.0"],
        &["N!H4 = 10.40.8.0 / 24"],
        &["N!F8 = VLAN 210", "N!F9 = vlan-211", "N!F10 = VLAN_220"],
        &["N!F8:= 210.0", "N!F4:= 0.0"],
        &["N!F8 = ２１０"],
        &["N!G8 = access", "N!G9 ="],
        &["H!O19 = boost", "H!Q19 = 混闪 - 分层", "H!Q20 = 三网 独立"],
        &["H!O19 = vhost"],
        &["H!O19 = None"],
        &["H!O19 ="],
        &["H!Q19 = 全闪-不分层"],
        &["H!Q19 = 全闪-分层"],
        &["H!Q20 = 存储独立", "N!J8 ="],
        &["H!Q20 = 管理&业务融合、存储独立", "N!J8 ="],
        // Blanks that have a meaning.
        &["M!E4 =", "M!E5 ="],
        &["M!E18 =", "M!E19 ="],
        &["M!E18 = 10.40.8.200-10.40.8.209", "M!E19 ="],
        &["M!E18 = 10.40.8.200~10.40.8.209", "M!E19 ="],
        &["M!E23 =", "M!E24 ="],
        &["M!E26 ="],
        &["N!H3 =", "N!I3 =", "N!F3 ="],
        &["N!F4 =", "N!F6 ="],
        &["H!P3 =", "H!Q3 =", "H!R3 =", "H!P4 =", "H!Q4 =", "H!R4 =", "H!P5 =", "H!Q5 =", "H!R5 ="],
        &["P!C15 =", "P!C16 =", "P!C17 ="],
        &["H!C19 ="],
        &["M!E26 = 无", "M!E6 = N/A", "M!E7 = -"],
        // Other plans.
        &["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.31"],
        &["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.31", "M!E8 = 10.40.8.32", "M!E9 = 10.40.8.33"],
        &["M!B12 = 跳板机", "M!E12 = 10.40.8.60"],
        &[
            "N!F5 = 30",
            "N!H5 = 10.40.3.0/24",
            "N!I5 = 10.40.3.1",
            "N!N4 = Trunk",
            "N!N5 = Trunk",
            "M!E3 = 10.40.3.20",
        ],
        &["N!F7 = 70", "N!H7 = 10.40.6.0/24", "N!J7 = ens7f0,ens7f1", "N!N7 = Trunk"],
        &["N!F4 = 100", "N!N4 = Trunk"],
        &["H!E3 = 10.40.7.254"],
        &[
            "N!H3 = 10.40.8.0/24",
            "N!I3 = 10.40.8.254",
            "H!E3 = 10.40.8.111",
            "H!E4 = 10.40.8.112",
            "H!E5 = 10.40.8.113",
        ],
        &["N!H10 = 10.42.20.0/23", "N!I10 = 10.42.20.255"],
        &["N!D8 = 办公 VLAN", "N!D9 = 生产网", "N!D10 = 2026 年新网"],
        &["N!D12 = VLAN-240", "N!F12 = 240", "N!H12 = 10.42.40.0/24", "N!I12 = 10.42.40.254"],
        &["N!D9 =", "N!F9 =", "N!H9 =", "N!I9 ="],
        &["M!E24 = 10.40.1.13", "M!E22 = NTP1.example.com"],
        &["H!D3 = CN7A", "H!D4 = CN7B"],
        &["H!H3 = a", "H!H4 = 1b", "H!H5 = x-9"],
        &["H!Q4:= 12"],
        &["H!O3 = N/A", "H!O4 = --"],
        &["M!M4 = 0f2f6f1e-6a3b-4f6e-9d2e-2f8f4c1d7a55"],
        &["M!F4 = 什么都行", "M!J3#= #REF!"],
        &["M!G3 = Another-2026", "M!I4 ="],
    ];
    edits.iter().map(|edits| case(edits, &[])).collect()
}

#[test]
fn good_variants_pass_in_silence() {
    all_found(&variants());
}

#[test]
fn the_examples_have_no_finding_above_info() {
    for name in ["examples/plan.xlsx", "examples/plan-storage-separate.xlsx"] {
        found(&check(&project(name), &CheckOptions::default()), &[]).unwrap();
    }
    all_found_in(&Workbook::storage_separate(), &[case(&[], &[])]);
}

#[test]
fn the_real_workbook_gives_the_warnings_of_the_spec_and_no_others() {
    let expected =
        ["106 warning H!E3", "106 warning H!E4", "106 warning H!E5", "106 warning H!E6", "412 warning M!E24"];
    for name in ["planning-sheet-template.xlsx", "planning-sheet-template-excel.xlsx"] {
        let path = project("../shared/fixtures").join(name);
        if path.exists() {
            let mut finds = [&expected[..], &["307 info M!M3", "401 info M!E6", "033 info H!K3"]].concat();
            if name == "planning-sheet-template.xlsx" {
                finds.extend(["020 info H!C3", "020 info M!N3", "020 info H!R3", "020 info H!R6"]);
            }
            found(&check(&path, &CheckOptions::default()), &finds).unwrap();
        }
    }
}

#[test]
fn the_blank_workbook_lacks_only_what_a_person_must_fill_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("blank.xlsx");
    voyager::plan::template::write_template(&path).unwrap();
    let checked = check(&path, &CheckOptions::default());
    assert!(checked.plan.is_none());
    for finding in &checked.diagnostics {
        let lacking = ["PLAN-030", "PLAN-031", "PLAN-032", "PLAN-101", "PLAN-401", "PLAN-411", "PLAN-421"];
        assert!(lacking.contains(&finding.id), "{finding:?}");
    }
    let again = folder.path().join("again.xlsx");
    voyager::plan::template::write_template(&again).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
}

#[test]
fn both_forms_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut plans = Vec::new();
    for form in [Form::X, Form::L] {
        let path = Workbook::good().form(form).write(folder.path(), "plan.xlsx");
        plans.push(check(&path, &CheckOptions::default()).json(voyager::text::Lang::En)["plan"].clone());
    }
    assert!(plans[0].is_object());
    assert_eq!(plans[0], plans[1]);
}
