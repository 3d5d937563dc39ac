//! 8.7: rack positions.

use super::{Case, all_found, case, each};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for bad in ["0", "-1", "one", "61", "1.5"] {
        cases.push(case(&[&format!("H!Q4 = {bad}"), "H!R4 ="], &["501 error H!Q4"]));
    }
    cases.extend(each(&["H!R4"], &["9", "61", "top"], "501 error"));
    cases.extend([
        case(&["H!Q4 = 44", "H!R4 = 45"], &["501 warning H!*"]),
        case(&["H!Q4:= 1.5", "H!R4 ="], &["501 error H!Q4"]),
        case(&["H!Q4:= 11", "H!R4 = 12"], &["502 error H!Q4 < H!Q3"]),
        case(&["H!Q4:= 9", "H!R4 = 10"], &["502 error H!Q4 < H!Q3"]),
        case(&["H!Q4:= 8", "H!R4 = 20"], &["502 error H!Q4 < H!Q3"]),
        case(&["H!P5 = R01"], &["502 error H!Q5 < H!Q3"]),
        case(&["H!P4 ="], &["503 warning H!P4"]),
        case(&["H!Q4 =", "H!R4 ="], &["503 warning H!Q4"]),
        case(&["H!P4 =", "H!Q4 =", "H!R4 ="], &["503 warning H!P4"]),
    ]);
    cases
}

#[test]
fn racks_are_checked() {
    all_found(&cases());
}
