//! CloudTower and the optional components (planning-sheet 8.6).

use crate::plan::{
    CheckOptions, diagnostic::Finding, draft::Draft, map::MANAGEMENT, reading::Reading, rule::Severity,
};

/// The only password that the captured first set-up call can set.
const TOWER_PASSWORD: &str = "HC!r0cks";

pub fn check(draft: &Draft, options: &CheckOptions, reading: &Reading<'_>, findings: &mut Vec<Finding>) {
    if !reading.trusts(MANAGEMENT) {
        return;
    }
    let optional = [(&draft.observability.ip, 8), (&draft.backup.ip, 9), (&draft.er_vip, 10)];
    for (address, stage) in optional.into_iter().filter(|(address, _)| address.is_blank()) {
        let finding = Finding::new("PLAN-401").at(address.cell()).arg("stage", &format!("{stage:02}"));
        let asked = options.stages.contains(&stage);
        findings.push(if asked { finding.severity(Severity::Error) } else { finding });
    }
    controllers(draft, findings);
    if let Some(password) = draft.cloudtower.web_password.get()
        && password.expose() != TOWER_PASSWORD
    {
        findings.push(Finding::new("PLAN-404").at(&password.cell));
    }
}

fn controllers(draft: &Draft, findings: &mut Vec<Finding>) {
    let Some(first) = draft.er_nodes.first() else { return };
    let count = draft.er_nodes.iter().filter(|node| !node.is_blank()).count();
    if draft.er_vip.is_blank() && count > 0 {
        findings.push(Finding::new("PLAN-402").at(draft.er_vip.cell()));
    }
    if !draft.er_vip.is_blank() && !draft.er_vip.is_bad() && count == 0 {
        findings.push(Finding::new("PLAN-402").at(first.cell()));
    }
    if count == 2 || count == 4 {
        findings.push(Finding::new("PLAN-403").at(first.cell()).arg("count", &count));
    }
}
