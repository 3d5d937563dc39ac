//! 8.3, the addresses: roles, duplicates, subnets, gateways.

use super::{Case, all_found, case, each};

/// One cell of every address role.
const ROLES: [&str; 10] = ["H!E4", "H!I4", "H!N4", "H!I19", "M!E3", "M!E4", "M!E5", "M!E6", "M!E7", "M!E12"];

pub fn cases() -> Vec<Case> {
    [syntax(), duplicates(), subnets(), reserved(), gateways()].concat()
}

fn syntax() -> Vec<Case> {
    let spellings = [
        "10.40.8",
        "10.40.8.256",
        "010.40.8.12",
        "10.40.8.12/24",
        "10.40.8.12:80",
        "node-2",
        "10.40.8.-1",
        "10..8.1",
    ];
    let special = ["127.0.0.1", "169.254.7.7", "224.0.0.9", "255.255.255.255", "240.1.1.1", "0.40.8.12"];
    let mut cases = each(&["H!I4"], &spellings, "104 error");
    cases.extend(each(&["H!I4"], &special, "104 error"));
    for (n, cell) in ROLES.iter().filter(|cell| !["M!E6", "M!E7"].contains(cell)).enumerate() {
        let value = spellings[n % spellings.len()];
        cases.extend(each(&[cell], &[value], "104 error"));
    }
    cases.push(case(&["H!I4:= 10.02"], &["104 error H!I4"]));
    cases.push(case(&["M!E6 = 10.40.8.300", "M!E7 = 10.40.8.31"], &["104 error M!E6", "..."]));
    cases.push(case(&["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.301"], &["104 error M!E7", "..."]));
    cases.extend(each(&["N!I4", "N!I6", "N!I8", "N!I3"], &["10.40.8.300", "gateway"], "104 error"));
    cases.extend(each(&["M!E18"], &["10.40.8.300"], "104 error").into_iter().map(more));
    cases.extend(each(&["M!E19"], &["10.40.8.300"], "104 error").into_iter().map(more));
    cases.extend(each(
        &["H!I4", "H!N4", "H!E4", "H!I19", "M!E3", "M!E23", "M!E26"],
        &["fe80::1", "2001:db8::12"],
        "111 error",
    ));
    cases.extend(each(&["N!H9"], &["2001:db8::/64"], "111 error"));
    cases
}

fn more(mut case: Case) -> Case {
    case.finds.push("...".into());
    case
}

fn duplicates() -> Vec<Case> {
    vec![
        case(&["H!I4 = 10.40.8.11"], &["105 error H!I4 < H!I3"]),
        case(&["H!N5 = 10.40.9.12"], &["105 error H!N5 < H!N4"]),
        case(&["H!E5 = 10.40.7.11"], &["105 error H!E5 < H!E3"]),
        // The later cell in reading order: E4 stands before I4.
        case(&["H!E4 = 10.40.8.12"], &["105 error H!I4 < H!E4", "106 warning H!E4"]),
        case(&["H!E5 = 10.40.8.11"], &["105 error H!E5 < H!I3", "106 warning H!E5"]),
        // A conflict of the VIP is reported at the VIP, whatever comes later.
        case(&["H!I4 = 10.40.8.10"], &["105 error H!I19 < H!I4"]),
        case(&["M!E3 = 10.40.8.10"], &["105 error H!I19 < M!E3"]),
        case(&["M!E12 = 10.40.8.10"], &["105 error H!I19 < M!E12"]),
        case(&["M!E3 = 10.40.8.11"], &["105 error M!E3 < H!I3"]),
        case(&["M!E4 = 10.40.8.20"], &["105 error M!E4 < M!E3"]),
        case(&["M!E5 = 10.40.8.20"], &["105 error M!E5 < M!E3"]),
        case(&["M!E12 = 10.40.8.21"], &["105 error M!E12 < M!E4"]),
        case(&["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.30"], &["105 error M!E7 < M!E6"]),
        case(
            &["M!E6 = 10.40.8.30", "M!E7 = 10.40.8.31", "M!E8 = 10.40.8.31", "M!E9 = 10.40.8.32"],
            &["105 error M!E8 < M!E7"],
        ),
        case(&["M!E13 = 10.40.8.41", "M!E17 = 10.40.8.41"], &["105 error M!E17 < M!E13"]),
    ]
}

fn subnets() -> Vec<Case> {
    let mut cases = each(&["H!I4", "H!I19", "H!N4", "M!E3", "M!E4", "M!E5"], &["10.50.1.77"], "106 error");
    cases.extend(each(&["H!E4", "M!E12"], &["10.50.1.77"], "106 warning"));
    cases.extend([
        case(&["M!E6 = 10.50.1.77", "M!E7 = 10.40.8.31"], &["106 error M!E6"]),
        case(&["M!E6 = 10.40.8.30", "M!E7 = 10.50.1.77"], &["106 error M!E7"]),
        // The management network is no place for storage addresses, nor the reverse.
        case(&["H!N4 = 10.40.8.112"], &["106 error H!N4"]),
        case(&["H!I4 = 10.40.9.112"], &["106 error H!I4"]),
        // A component may lie in an active row 5, a host may not.
        case(
            &[
                "N!F5 = 30",
                "N!H5 = 10.40.3.0/24",
                "N!I5 = 10.40.3.1",
                "N!N4 = Trunk",
                "N!N5 = Trunk",
                "H!I4 = 10.40.3.12",
            ],
            &["106 error H!I4"],
        ),
        case(&["N!H4 = 10.40.8.0/29", "N!I4 = 10.40.8.1"], &["106 error H!I19", "..."]),
    ]);
    cases
}

fn reserved() -> Vec<Case> {
    let mut cases =
        each(&["H!I4", "H!I19", "M!E3", "M!E4", "M!E5"], &["10.40.8.0", "10.40.8.255"], "107 error");
    cases.extend(each(&["H!N4"], &["10.40.9.0", "10.40.9.255"], "107 error"));
    cases.extend(each(&["H!E4"], &["10.40.7.0", "10.40.7.255"], "107 error"));
    cases.extend(each(&["N!I4"], &["10.40.8.0", "10.40.8.255"], "107 error"));
    cases.extend(each(&["N!I8"], &["10.42.10.255"], "107 error"));
    // In a larger block .255 is an address like others, and the real broadcast is not.
    cases.push(case(&["N!H10 = 10.42.20.0/23", "N!I10 = 10.42.21.255"], &["107 error N!I10"]));
    cases
}

fn gateways() -> Vec<Case> {
    vec![
        case(&["H!I4 = 10.40.8.254"], &["108 error H!I4 < N!I4"]),
        case(&["H!I19 = 10.40.8.254"], &["108 error H!I19 < N!I4"]),
        case(&["M!E3 = 10.40.8.254"], &["108 error M!E3 < N!I4"]),
        case(&["M!E12 = 10.40.8.254"], &["108 error M!E12 < N!I4"]),
        case(&["N!I6 = 10.40.9.12"], &["108 error H!N4 < N!I6"]),
        case(
            &[
                "N!F7 = 70",
                "N!H7 = 10.40.6.0/24",
                "N!I7 = 10.40.6.1",
                "N!J7 = ens7f0,ens7f1",
                "N!N7 = Trunk",
                "M!E12 = 10.40.6.1",
            ],
            &["108 error M!E12 < N!I7", "..."],
        ),
    ]
}

#[test]
fn addresses_are_checked() {
    all_found(&cases());
}
