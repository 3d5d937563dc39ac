//! The rules by id and kind, written down from planning-sheet §8, and the proof that none is forgotten.

use std::collections::BTreeSet;

use super::{addresses, cells, cluster, components, hosts, layout, networks, racks, refusals, switches};

/// The rules that a workbook alone can break (8.1 to 8.7).
const RULES: &[(&str, &str)] = &[
    ("PLAN-001", "file-unreadable"),
    ("PLAN-002", "wrong-extension"),
    ("PLAN-003", "encrypted-file"),
    ("PLAN-004", "legacy-xls"),
    ("PLAN-005", "corrupt-file"),
    ("PLAN-006", "file-too-large"),
    ("PLAN-007", "temp-file"),
    ("PLAN-008", "ambiguous-plan-file"),
    ("PLAN-009", "macro-workbook"),
    ("PLAN-010", "missing-sheet"),
    ("PLAN-011", "layout-mismatch"),
    ("PLAN-012", "old-layout"),
    ("PLAN-013", "sheet-name-normalised"),
    ("PLAN-020", "formula-no-cache"),
    ("PLAN-021", "formula-error"),
    ("PLAN-022", "text-normalised"),
    ("PLAN-023", "value-in-merged-cell"),
    ("PLAN-024", "wrong-type"),
    ("PLAN-025", "placeholder-ignored"),
    ("PLAN-030", "missing-field"),
    ("PLAN-031", "missing-password"),
    ("PLAN-032", "default-applied"),
    ("PLAN-033", "default-password"),
    ("PLAN-034", "suspicious-password"),
    ("PLAN-101", "no-hosts"),
    ("PLAN-102", "too-few-hosts"),
    ("PLAN-103", "host-row-gap"),
    ("PLAN-104", "invalid-ip"),
    ("PLAN-105", "duplicate-ip"),
    ("PLAN-106", "ip-outside-subnet"),
    ("PLAN-107", "reserved-address"),
    ("PLAN-108", "gateway-conflict"),
    ("PLAN-109", "bad-hostname"),
    ("PLAN-110", "duplicate-hostname"),
    ("PLAN-111", "ipv6-not-supported"),
    ("PLAN-112", "bmc-incomplete"),
    ("PLAN-113", "duplicate-serial"),
    ("PLAN-201", "invalid-cidr"),
    ("PLAN-202", "cidr-host-bits"),
    ("PLAN-203", "subnet-overlap"),
    ("PLAN-204", "gateway-outside-subnet"),
    ("PLAN-206", "bad-nic-name"),
    ("PLAN-207", "nic-conflict"),
    ("PLAN-208", "nic-repeated"),
    ("PLAN-209", "single-nic"),
    ("PLAN-210", "bad-bond-mode"),
    ("PLAN-211", "bond-mode-missing"),
    ("PLAN-212", "duplicate-vds-name"),
    ("PLAN-213", "bad-vlan-id"),
    ("PLAN-214", "duplicate-vlan-id"),
    ("PLAN-215", "duplicate-network-name"),
    ("PLAN-216", "bad-vlan-type"),
    ("PLAN-217", "vlan-on-access-port"),
    ("PLAN-218", "vlan-name-mismatch"),
    ("PLAN-219", "network-without-subnet"),
    ("PLAN-220", "partial-network-row"),
    ("PLAN-221", "bad-network-architecture"),
    ("PLAN-222", "unsupported-architecture"),
    ("PLAN-223", "ignored-field"),
    ("PLAN-224", "slow-storage-link"),
    ("PLAN-225", "unusual-network-name"),
    ("PLAN-301", "cluster-name-mismatch"),
    ("PLAN-302", "bad-cluster-name"),
    ("PLAN-303", "bad-feature"),
    ("PLAN-304", "unsupported-rdma"),
    ("PLAN-305", "bad-storage-architecture"),
    ("PLAN-306", "admin-user-not-root"),
    ("PLAN-307", "serial-present"),
    ("PLAN-401", "component-not-planned"),
    ("PLAN-402", "er-incomplete"),
    ("PLAN-403", "er-node-count"),
    ("PLAN-404", "tower-password-not-default"),
    ("PLAN-411", "no-ntp"),
    ("PLAN-412", "ntp-two-servers"),
    ("PLAN-413", "bad-ntp-server"),
    ("PLAN-414", "ntp-self-reference"),
    ("PLAN-415", "ntp-needs-dns"),
    ("PLAN-416", "duplicate-server"),
    ("PLAN-421", "no-dns"),
    ("PLAN-422", "bad-dns-server"),
    ("PLAN-423", "dns-self-reference"),
    ("PLAN-431", "bad-ip-range"),
    ("PLAN-432", "range-collision"),
    ("PLAN-433", "range-outside-subnet"),
    ("PLAN-501", "bad-rack-unit"),
    ("PLAN-502", "rack-overlap"),
    ("PLAN-503", "rack-incomplete"),
];

/// 8.9 and §9: the tests of the write-back.
const WRITE_BACK: [&str; 5] = ["PLAN-601", "PLAN-602", "PLAN-603", "PLAN-604", "PLAN-605"];

/// The kind that the spec gives to an id.
pub fn kind(id: &str) -> Option<&'static str> {
    RULES.iter().find(|(known, _)| *known == id).map(|(_, kind)| *kind)
}

#[test]
fn every_rule_that_a_workbook_can_break_is_broken_here() {
    let tables = [
        addresses::cases(),
        cells::cases(),
        cluster::cases(),
        components::cases(),
        hosts::cases(),
        layout::cases(),
        networks::cases(),
        racks::cases(),
        switches::cases(),
    ];
    let cases = tables.iter().flatten();
    let finds = cases.flat_map(|case| &case.finds).filter_map(|find| find.split(' ').next());
    let mut broken: BTreeSet<String> = finds.map(|id| format!("PLAN-{id}")).collect();
    broken.extend(refusals::IDS.iter().chain(layout::IDS).map(|id| format!("PLAN-{id}")));
    let forgotten: Vec<_> = RULES.iter().filter(|(id, _)| !broken.contains(*id)).collect();
    assert!(forgotten.is_empty(), "no test breaks {forgotten:?}");

    let write_back = include_str!("../write_back.rs");
    let verify = include_str!("../../../src/plan/write_back/verify_tests.rs");
    for id in WRITE_BACK {
        assert!(write_back.contains(id) || verify.contains(id), "no test breaks {id}");
    }
}

#[test]
fn there_are_at_least_150_wrong_workbooks_and_30_good_ones() {
    let tables = [
        addresses::cases(),
        cells::cases(),
        cluster::cases(),
        components::cases(),
        hosts::cases(),
        networks::cases(),
        racks::cases(),
        switches::cases(),
    ];
    let wrong = tables.iter().flatten().filter(|case| case.finds.iter().any(|f| !f.contains(" info")));
    let distinct: BTreeSet<_> = wrong.map(|case| case.edits.clone()).collect();
    assert!(distinct.len() >= 150, "{}", distinct.len());
    let good: BTreeSet<_> = super::good::variants().into_iter().map(|case| case.edits).collect();
    assert!(good.len() >= 30, "{}", good.len());
}
