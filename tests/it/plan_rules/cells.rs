//! 8.2: what a single cell may hold.

use super::{Case, all_found, case, each};

pub fn cases() -> Vec<Case> {
    [formulas(), types(), blanks(), passwords()].concat()
}

fn formulas() -> Vec<Case> {
    vec![
        case(&["N!H4f= TEXT(A1,0)"], &["020 error N!H4"]),
        case(&["H!I4f= CONCATENATE(\"10.40.8.\",12)"], &["020 error H!I4"]),
        case(&["P!C17f= NOW()"], &["020 warning P!C17"]),
        case(&["H!C3f= 虚拟网络!B3"], &["020 info H!C3"]),
        case(&["H!R4f= Q4+1"], &["020 info H!R4"]),
        case(&["H!I4f= \"10.40.8.\"&\"12\""], &["020 info H!I4"]),
        case(&["H!I4#= #REF!"], &["021 error H!I4"]),
        case(&["N!F8#= #N/A"], &["021 error N!F8"]),
        case(&["M!E4#= #VALUE!"], &["021 error M!E4"]),
        case(&["H!K4#= #NAME?"], &["021 error H!K4"]),
    ]
}

fn types() -> Vec<Case> {
    let mut cases = vec![
        case(&["H!I4 = １０.40.8.12"], &["022 info H!I4"]),
        case(&["H!I4 = 10。40.8.12"], &["022 info H!I4"]),
        case(&["H!I4 =  10.40.8.12\\n"], &["022 info H!I4"]),
        case(&["N!F8 = 210"], &["022 info N!F8"]),
        case(&["N!F8 = 210.0"], &["022 info N!F8"]),
        case(&["N!B4 = 看不见"], &["023 warning N!B4"]),
        case(&["H!F19 = 看不见"], &["023 warning H!F19"]),
        case(&["N!J12 = ens9"], &["023 warning N!J12"]),
        case(&["M!M7 = 看不见"], &["023 warning M!M7"]),
        case(&["M!E4 = N/A"], &["025 info M!E4", "401 info M!E4"]),
        case(&["M!E24 = 待定"], &["025 info M!E24", "412 warning M!E24"]),
    ];
    for cell in ["H!I4", "N!F8", "N!H8", "H!H4"] {
        cases.push(case(&[&format!("{cell}?= true")], &[&format!("024 error {cell}")]));
        cases.push(case(&[&format!("{cell}d= 2026-01-05T00:00:00")], &[&format!("024 error {cell}")]));
    }
    cases
}

fn blanks() -> Vec<Case> {
    let mut cases = each(
        &[
            "N!J4", "N!J6", "N!J8", "N!C4", "N!C6", "N!C8", "N!I4", "H!I19", "H!H4", "H!I4", "H!N4", "N!D8",
            "N!F8", "M!E3",
        ],
        &[""],
        "030 error",
    );
    cases.extend(each(&["N!H4", "N!H6"], &[""], "030 error").into_iter().map(|mut case| {
        case.finds.push("...".into());
        case
    }));
    cases.push(case(&["N!B3 =", "H!C3f= 虚拟网络!B3", "M!N3f= 虚拟网络!B3"], &["030 error N!B3"]));
    cases.extend(each(&["H!I4", "M!E3", "N!J4"], &["待定", "XXXX", "/"], "030 error"));
    cases.extend(each(&["H!M19", "M!G3", "H!K4"], &[""], "031 error"));
    cases.extend(each(&["H!M4", "H!Q19", "H!Q20"], &[""], "032 warning"));
    cases.extend(each(&["N!F4", "N!F6", "P!C15", "P!C17", "H!J4", "H!L4", "H!L19"], &[""], "032 info"));
    cases
}

fn passwords() -> Vec<Case> {
    let mut cases = each(
        &["H!K4", "H!M4", "H!G4", "H!M19", "M!G3"],
        &["short", "密码密码密码密码", "Ｐassword2026"],
        "034 warning",
    );
    cases.extend(each(
        &["H!K4", "H!M19"],
        &["two\\nlines-here", "a_x0007_bell-rings", "tab\\there-2026"],
        "034 error",
    ));
    cases.extend([
        case(&["H!K4 =  padded-2026 "], &["034 warning H!K4"]),
        case(&["H!K4:= 20262026"], &["034 warning H!K4"]),
        case(&[], &["033 info M!G3"]),
        case(&["H!K4 = P@ssw0rd!123"], &["033 info H!K4"]),
        // A placeholder is content in a password cell.
        case(&["H!K4 = N/A"], &["034 warning H!K4"]),
    ]);
    cases
}

#[test]
fn single_cells_are_checked() {
    all_found(&cases());
}
