//! The cluster's name, features and account, and serials already there (planning-sheet 8.5).

use crate::plan::{
    diagnostic::Finding, draft::Draft, fields::names, model::Feature, normalise, rule::Severity,
};

pub fn check(draft: &Draft, findings: &mut Vec<Finding>) {
    let cluster = &draft.cluster;
    if let Some(name) = cluster.name.get() {
        for copy in cluster.copies.iter().filter_map(|copy| copy.get()) {
            if normalise::fold(copy) != normalise::fold(name) {
                let finding = Finding::new("PLAN-301").at(&copy.cell).value(&copy.raw);
                findings.push(finding.arg("name", &name.value).related([&name.cell]));
            }
        }
        if !names::follows_advice(name) {
            let finding = Finding::new("PLAN-302.advice").at(&name.cell).value(&name.raw);
            findings.push(finding.severity(Severity::Info));
        }
    }
    if let Some(features) = cluster.features.get().filter(|list| list.contains(&Feature::Rdma)) {
        findings.push(Finding::new("PLAN-304").at(&features.cell).value(&features.raw));
    }
    if let Some(user) = cluster.admin_user.get().filter(|user| user.value != "root") {
        findings.push(Finding::new("PLAN-306").at(&user.cell).value(&user.raw));
    }
    let serials = [
        &cluster.serial,
        &draft.cloudtower.serial,
        &draft.observability.serial,
        &draft.backup.serial,
        &draft.er_serial,
    ];
    for serial in serials.into_iter().filter_map(|serial| serial.get()) {
        findings.push(Finding::new("PLAN-307").at(&serial.cell).value(&serial.raw));
    }
}
