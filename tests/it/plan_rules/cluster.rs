//! 8.5: the cluster, its name, its features.

use super::{Case, all_found, case, each};

/// Makes the copies of the cluster name follow it in every form.
const COPIES: [&str; 2] = ["H!C3f= 虚拟网络!B3", "M!N3f= 虚拟网络!B3"];

pub fn cases() -> Vec<Case> {
    let long = "集".repeat(256);
    let mut cases = vec![
        case(&["H!C3 = QS-SZ-SMTX-Prod-Cls02"], &["301 error H!C3"]),
        case(&["M!N3 = QS-SZ-SMTX-Prod-Cls02"], &["301 error M!N3"]),
        case(
            &["N!B3 = QS-SZ-SMTX-Prod-Cls09", "M!N3f= 虚拟网络!B3", "H!C3 = QS-SZ-SMTX-Prod-Cls01"],
            &["301 error H!C3"],
        ),
        case(&["N!B3 = QS-SZ_x0007_-SMTX-Prod-Cls01", COPIES[0], COPIES[1]], &["302 error N!B3"]),
        case(&[&format!("N!B3 = {long}"), COPIES[0], COPIES[1]], &["302 error N!B3"]),
        case(&["M!M3 = 954c84f7-5575-42e4-a76c-710dea696170"], &["307 info M!M3"]),
        case(&["H!E19 = 954c84f7-5575-42e4-a76c-710dea696170"], &["307 info H!E19"]),
        case(&["M!M6 = 954c84f7-5575-42e4-a76c-710dea696170"], &["307 info M!M6"]),
    ];
    cases.extend(each(&["H!O19"], &["Turbo", "None+Boost", "Boost,None", "Boost+Foo"], "303 error"));
    cases.extend(each(&["H!O19"], &["RDMA", "RDMA+Boost", "rdma / vhost"], "304 error"));
    cases.extend(each(&["H!Q19"], &["全闪", "混合", "tiered"], "305 error"));
    cases.extend(each(&["H!L19"], &["admin", "smartx"], "306 warning"));
    cases.extend(each(&["H!Q20"], &["两网融合", "separate"], "221 error"));
    cases.extend(each(&["H!Q20"], &["三网融合", "三网 融合"], "222 error"));
    cases
}

#[test]
fn the_cluster_is_checked() {
    all_found(&cases());
}
