//! 8.4, the networks: subnets, VLANs, names, optional rows.

use super::{Case, all_found, all_found_in, case, each};
use crate::support::workbook::Workbook;

/// Row 5 and row 7 filled in completely.
const INFRA: [&str; 5] =
    ["N!F5 = 30", "N!H5 = 10.40.3.0/24", "N!I5 = 10.40.3.1", "N!N4 = Trunk", "N!N5 = Trunk"];
const BACKUP: [&str; 5] =
    ["N!F7 = 70", "N!H7 = 10.40.6.0/24", "N!I7 = 10.40.6.1", "N!J7 = ens7f0,ens7f1", "N!N7 = Trunk"];

pub fn cases() -> Vec<Case> {
    [subnets(), vlans(), names(), optional_rows()].concat()
}

fn with(base: &[&str], edits: &[&str], finds: &[&str]) -> Case {
    case(&[base, edits].concat(), finds)
}

fn subnets() -> Vec<Case> {
    let mut cases = each(
        &["N!H9"],
        &["10.42.11.0", "10.42.11.0/33", "10.42.11.0/31", "10.0.0.0/7", "VLAN 211", "10.42.11.0/255.0.255.0"],
        "201 error",
    );
    cases.extend([
        case(&["N!H4 = 10.40.8.0"], &["201 error N!H4"]),
        case(&["N!H6 = 10.40.9.0/99"], &["201 error N!H6"]),
        case(&["N!H3 = BMC"], &["201 error N!H3"]),
        case(&["N!H4 = 10.40.8.5/24"], &["202 warning N!H4"]),
        case(&["N!H6 = 10.40.9.1/24"], &["202 warning N!H6"]),
        case(&["N!H8 = 10.42.10.254/24"], &["202 warning N!H8"]),
        case(&["N!H6 = 10.40.8.0/23"], &["203 error N!H6 < N!H4"]),
        case(&["N!H9 = 10.40.9.0/24", "N!I9 ="], &["203 error N!H9 < N!H6"]),
        case(&["N!H9 = 10.42.10.0/24", "N!I9 ="], &["203 warning N!H9 < N!H8"]),
        case(&["N!H9 = 10.40.8.128/25", "N!I9 ="], &["203 warning N!H9 < N!H4"]),
        case(&["N!I4 = 10.50.8.254"], &["204 error N!I4"]),
        case(&["N!I3 = 10.50.7.254"], &["204 warning N!I3"]),
        case(&["N!I6 = 10.50.9.254"], &["204 warning N!I6"]),
        case(&["N!I8 = 10.50.1.254"], &["204 warning N!I8"]),
        with(&INFRA, &["N!I5 = 10.50.3.1"], &["204 error N!I5"]),
        case(&["N!H8 =", "N!I8 ="], &["219 warning N!H8"]),
        case(&["N!H9 ="], &["219 warning N!H9"]),
    ]);
    cases
}

fn vlans() -> Vec<Case> {
    let mut cases = each(
        &["N!F8"],
        &["-1", "4095", "5000", "x", "VLAN-", "210.5", "210-220", "210;211", "12345"],
        "213 error",
    );
    cases.extend(each(&["N!F4", "N!F6"], &["4095", "-1"], "213 error"));
    cases.extend(each(&["N!G8", "N!G9"], &["Trunk", "Hybrid"], "216 error"));
    cases.extend(each(&["N!G4", "N!G6"], &["Trunk", "混合"], "216 error"));
    cases.extend([
        case(&["N!F8:= 210.5"], &["213 error N!F8"]),
        case(&["N!F8:= -210"], &["213 error N!F8"]),
        with(&INFRA, &["N!G5 = Trunk"], &["216 error N!G5"]),
        case(&["N!F9 = 210", "N!D9 = 办公网"], &["214 warning N!F9 < N!F8"]),
        case(&["N!F11 = 220", "N!D11 = 办公网"], &["214 warning N!F11 < N!F10"]),
        case(&["N!F4 = 100"], &["217 warning N!F4 < N!N4"]),
        case(&["N!F6 = 101"], &["217 warning N!F6 < N!N6"]),
        case(&["N!N8 = Access"], &["217 warning N!F*"]),
        with(&BACKUP, &["N!N7 = Access"], &["217 warning N!F7 < N!N7"]),
        case(&["N!D8 = VLAN-999"], &["218 warning N!D8"]),
        case(&["N!D8 = 生产 vlan 211 网"], &["218 warning N!D8"]),
    ]);
    cases
}

fn names() -> Vec<Case> {
    let mut cases = each(&["N!D8"], &["default", "Default", "mgt-network", "storage-network"], "215 error");
    cases.extend([
        case(&["N!D8 = 办公网", "N!D9 = 办公网"], &["215 error N!D9 < N!D8"]),
        case(&["N!D8 = Office", "N!D10 = OFFICE"], &["215 error N!D10 < N!D8"]),
        with(&INFRA, &["N!D8 = infra-network"], &["215 error N!D8"]),
        with(&BACKUP, &["N!D8 = backup-network"], &["215 error N!D8"]),
        case(&["N!D4 = mgmt"], &["225 warning N!D4"]),
    ]);
    cases
}

fn optional_rows() -> Vec<Case> {
    vec![
        case(&["N!F5 = 30", "N!N4 = Trunk"], &["220 error N!H5", "220 error N!I5"]),
        case(&["N!H5 = 10.40.3.0/24", "N!I5 = 10.40.3.1"], &["220 error N!F5"]),
        with(&INFRA, &["N!I5 ="], &["220 error N!I5"]),
        with(&BACKUP, &["N!F7 ="], &["220 error N!F7"]),
        with(&BACKUP, &["N!H7 =", "N!I7 ="], &["220 error N!H7"]),
    ]
}

#[test]
fn networks_are_checked() {
    all_found(&cases());
}

#[test]
fn business_networks_share_the_management_switch_when_only_storage_is_separate() {
    all_found_in(
        &Workbook::storage_separate(),
        &[
            case(&[], &[]),
            case(&["N!J8 = ens3f0"], &["223 warning N!J8"]),
            case(&["N!F8 = 1020", "N!D8 = 办公网"], &["214 warning N!F8 < N!F4"]),
            case(&["N!F8 = 1030", "N!D8 = 办公网"], &["214 warning N!F8 < N!F5"]),
            // The storage VLAN is on another switch.
            case(&["N!F8 = 1021", "N!D8 = 办公网"], &[]),
            case(&["N!C8 =", "N!K8 ="], &[]),
        ],
    );
}
