//! 8.4, the switches: NICs, bonds, names, links.

use super::{Case, all_found, all_found_in, case, each};
use crate::support::workbook::Workbook;

pub fn cases() -> Vec<Case> {
    let mut cases = each(
        &["N!J4", "N!J8"],
        &["eno1,网卡二", "eno1,a-name-of-17-chars", "eno1,-eno2", "eno1,en$2"],
        "206 error",
    );
    cases.extend(each(&["N!K4", "N!K6", "N!K8"], &["bond0", "mode=1", "active"], "210 error"));
    cases.extend(each(&["N!J4", "N!J6", "N!J8"], &["eno9"], "209 warning"));
    cases.extend(each(&["N!K4", "N!K6", "N!K8"], &[""], "211 warning"));
    cases.extend(each(&["N!L6"], &["1G"], "224 warning"));
    cases.extend([
        case(&["N!J6 = eno1,ens1f1"], &["207 error N!J6 < N!J4"]),
        case(&["N!J6 = ENO2,ens1f1"], &["207 error N!J6 < N!J4"]),
        case(&["N!J8 = ens1f0,ens2f1"], &["207 error N!J8 < N!J6"]),
        case(&["N!J4 = eno1,eno2,eno1"], &["208 warning N!J4"]),
        case(&["N!J6 = ens1f0 ENS1F0 ens1f1"], &["208 warning N!J6"]),
        case(&["N!C6 = vDS-MgMt-Network"], &["212 error N!C6 < N!C4"]),
        case(&["N!C8 = VDS-storage-NETWORK"], &["212 error N!C8 < N!C6"]),
        // Written out in cluster.rs and networks.rs for the other workbook.
        case(&["H!Q20 = 存储独立"], &["223 warning N!J8"]),
    ]);
    cases
}

#[test]
fn switches_are_checked() {
    all_found(&cases());
}

#[test]
fn a_switch_that_is_not_used_is_not_checked() {
    all_found_in(
        &Workbook::storage_separate(),
        &[
            case(&["N!K8 = nonsense"], &[]),
            case(&["N!J7 = ens224", "N!K7 = nonsense"], &[]),
            case(&["N!C8 = vDS-MgMt-Network"], &[]),
        ],
    );
}
