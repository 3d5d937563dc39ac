//! 8.6: components, time servers, name servers, the test range.

use voyager::plan::{CheckOptions, check};

use super::{Case, all_found, case, each, found};
use crate::support::workbook::Workbook;

pub fn cases() -> Vec<Case> {
    [components(), servers(), range()].concat()
}

fn components() -> Vec<Case> {
    vec![
        case(&["M!E4 ="], &["401 info M!E4"]),
        case(&["M!E5 ="], &["401 info M!E5"]),
        case(&[], &["401 info M!E6"]),
        case(&["M!E6 = 10.40.8.30"], &["402 error M!E7"]),
        case(&["M!E7 = 10.40.8.31"], &["402 error M!E6"]),
        case(&["M!E9 = 10.40.8.31"], &["402 error M!E6"]),
        case(&["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.31", "M!E8 = 10.40.8.32"], &["403 warning M!E7"]),
        case(
            &[
                "M!E6 = 10.40.8.30",
                "M!E7 = 10.40.8.31",
                "M!E8 = 10.40.8.32",
                "M!E9 = 10.40.8.33",
                "M!E10 = 10.40.8.34",
            ],
            &["403 warning M!E7"],
        ),
        case(&["M!G3 = another-password"], &["404 info M!G3"]),
    ]
}

fn servers() -> Vec<Case> {
    let mut cases = vec![
        case(&["M!E22 =", "M!E23 =", "M!E24 ="], &["411 warning M!E22"]),
        case(&["M!E24 ="], &["412 warning M!E24 < M!E22 M!E23"]),
        case(&["M!E25 =", "M!E26 ="], &["415 warning M!E24", "421 warning M!E25"]),
        case(&["M!E23 = 10.40.1.11"], &["416 warning M!E23 < M!E22"]),
        case(&["M!E23 = NTP.qingsong.example"], &["416 warning M!E24 < M!E23"]),
        case(&["M!E26 = 10.40.1.53"], &["416 warning M!E26 < M!E25"]),
        case(&["M!E24 = 10.40.1.13", "M!E25 =", "M!E26 ="], &["421 warning M!E25"]),
    ];
    cases.extend(each(
        &["M!E23"],
        &["-ntp.example", "ntp_1.example", "10.1.1.300", "ntp.123", "1.2.3", "a..b"],
        "413 error",
    ));
    cases.extend(each(&["M!E23"], &["10.40.8.11", "10.40.8.10", "10.40.8.20", "10.40.9.12"], "414 error"));
    cases.extend(each(&["M!E26"], &["dns.example", "10.40.1.300"], "422 error"));
    cases.extend(each(&["M!E26"], &["10.40.8.20", "10.40.8.10"], "423 warning"));
    cases
}

fn range() -> Vec<Case> {
    vec![
        case(&["M!E19 ="], &["431 error M!E19"]),
        case(&["M!E18 ="], &["431 error M!E18"]),
        case(&["M!E18 = 10.40.8.210"], &["431 error M!E19"]),
        // From one network into the next, and so over the gateway in between.
        case(&["M!E19 = 10.40.9.9"], &["431 error M!E19", "432 error M!E18 < N!I4"]),
        case(&["M!E18 = 10.40.8.9", "M!E19 = 10.40.8.10"], &["432 error M!E18 < H!I19"]),
        case(&["M!E18 = 10.40.8.11", "M!E19 = 10.40.8.13"], &["432 error M!E18 < H!I3 H!I4 H!I5"]),
        case(&["M!E18 = 10.40.8.20", "M!E19 = 10.40.8.20"], &["432 error M!E18 < M!E3"]),
        case(&["M!E18 = 10.40.8.250", "M!E19 = 10.40.8.254"], &["432 error M!E18 < N!I4"]),
        case(
            &["M!E18 = 10.40.8.19", "M!E19 = 10.40.8.19", "M!E22 = 10.40.8.19"],
            &["432 error M!E18 < M!E22"],
        ),
        case(&["M!E18 = 10.99.0.1", "M!E19 = 10.99.0.9"], &["433 warning M!E18"]),
    ]
}

#[test]
fn components_and_services_are_checked() {
    all_found(&cases());
}

#[test]
fn a_stage_that_is_asked_for_needs_its_component() {
    let folder = tempfile::tempdir().unwrap();
    let path = Workbook::good().edit(&["M!E4 =", "M!E5 ="]).write(folder.path(), "plan.xlsx");
    for (stage, finding) in [(8, "401 error M!E4"), (9, "401 error M!E5"), (10, "401 error M!E6")] {
        let options = CheckOptions { stages: vec![stage], ..CheckOptions::default() };
        found(&check(&path, &options), &[finding]).unwrap();
    }
    let options = CheckOptions { stages: vec![3, 4], ..CheckOptions::default() };
    found(&check(&path, &options), &["401 info M!E4", "401 info M!E5"]).unwrap();
}
