//! The question before the deployment: which disks of which hosts will be erased.

use super::disks;
use crate::{
    engine::{Answer, handle::Handle, question::Form},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Plan,
    stages::hardware::Hardware,
    text::Text,
    units,
};

/// Asks for the cluster's name; any other answer stops the run before anything was sent.
pub async fn confirm(plan: &Plan, hosts: &[Hardware], handle: &Handle) -> Result<()> {
    let name = &plan.cluster.name.value;
    let title = message("stages.deploy.question", &[("cluster", name), ("hosts", &hosts.len())]);
    match handle.ask(title, details(plan, hosts), Form::Type(name.clone()), "--yes").await? {
        Answer::Yes => Ok(()),
        Answer::No | Answer::Chosen(_) => {
            Err(Failure::new(Kind::Decision, message("stages.deploy.doing", &[]))
                .meaning(message("stages.deploy.declined", &[]))
                .advise(message("stages.deploy.confirm_later", &[("cluster", name)])))
        }
    }
}

fn details(plan: &Plan, hosts: &[Hardware]) -> Vec<Text> {
    let architecture = plan.cluster.storage_architecture.value;
    let mut lines = Vec::new();
    for (host, hardware) in plan.hosts.iter().zip(hosts) {
        let (name, address, serial) = (&host.hostname.value, &host.mgmt_ip.value, &hardware.serial);
        lines
            .push(message("stages.deploy.host", &[("host", name), ("address", address), ("serial", serial)]));
        // What the layout leaves out is not erased; without a layout there is no deployment either.
        for disk in disks::layout(hardware, architecture).into_iter().flat_map(|layout| layout.disks) {
            let size = units::bytes(disk.size);
            lines.push(message(
                "stages.deploy.disk",
                &[
                    ("drive", &disk.drive),
                    ("kind", &disk.kind),
                    ("size", &size),
                    ("model", &disk.model),
                    ("serial", &disk.serial),
                ],
            ));
        }
    }
    lines
}
