//! The facts that steps of different stages share, and how words of failures become reasons.

use super::hardware::Hardware;
use crate::{engine::Fact, failure::Failure, messages::message, plan::Diagnostic, text::Text};

/// The scanned hosts, in plan order.
pub const HOSTS: Fact<Vec<Hardware>> = Fact::new("hosts");

/// UUIDs of the hosts of the cluster that this site's journal deployed.
pub const DEPLOYED: Fact<Vec<String>> = Fact::new("deployed_hosts");

/// The cluster's serial, which proves whose cluster it is.
pub const SERIAL: Fact<String> = Fact::new("cluster_serial");

/// UUID of the CloudTower VM.
pub const TOWER_VM: Fact<String> = Fact::new("tower_vm");

/// CloudTower's ids: of the organization, of the datacenter in it, of the cluster and of the cluster's settings.
pub const ORGANIZATION: Fact<String> = Fact::new("organization");
pub const DATACENTER: Fact<String> = Fact::new("datacenter");
pub const CLUSTER: Fact<String> = Fact::new("cluster");
pub const CLUSTER_SETTINGS: Fact<String> = Fact::new("cluster_settings");

/// The serial of CloudTower's own licence.
pub const TOWER_SERIAL: Fact<String> = Fact::new("tower_serial");

/// Why a look at the site was no use, for a probe that looks again.
pub fn reason(failure: &Failure) -> Text {
    let mut text = failure.doing.clone();
    if let Some(at) = &failure.at {
        text = join(&text, " @ ", &Text::same(at));
    }
    match &failure.answer {
        Some(answer) => join(&text, ": ", answer),
        None => match failure.causes.first() {
            Some(cause) => join(&text, ": ", &Text::same(cause)),
            None => text,
        },
    }
}

fn join(left: &Text, between: &str, right: &Text) -> Text {
    Text::new(format!("{}{between}{}", left.zh, right.zh), format!("{}{between}{}", left.en, right.en))
}

/// A finding of the plan check, or of the hosts, on one line: `PLAN-412 集群管理信息!E24: …`
pub fn finding_text(finding: &Diagnostic) -> Text {
    let place = finding.place().unwrap_or_default();
    message("stages.plan.finding", &[("id", &finding.id), ("place", &place), ("message", &finding.message)])
}

/// One text of many lines.
pub fn lines(texts: &[Text]) -> Text {
    let all = |side: fn(&Text) -> &str| texts.iter().map(side).collect::<Vec<_>>().join("\n");
    Text::new(all(|text| &text.zh), all(|text| &text.en))
}
