//! The hosts as they describe themselves after the deployment (api-fisheye §3.1), and what nothing reads of them.

use futures_util::{StreamExt, stream};

use crate::{
    clients::fisheye,
    engine::handle::Handle,
    failure::Result,
    messages::message,
    plan::{Plan, model::Host},
    stages::{
        verify::{
            row::{Row, Wanted},
            table::Table,
        },
        world::WorldRead,
    },
};

const DEPLOY: &str = "init-cluster.deploy";

/// Each host is asked once, several at a time. One that tells strangers nothing any more leaves its rows to
/// CloudTower.
pub async fn read(world: &WorldRead, handle: &Handle, table: &mut Table) -> Result<()> {
    let scans: Vec<_> = stream::iter(&world.plan.hosts)
        .map(|host| async move {
            let cluster = world.cluster(handle);
            let scan = cluster.scan_member(host.mgmt_ip.value).await;
            (host, scan, cluster.last_read())
        })
        .buffered(world.settings.parallel_hosts)
        .collect()
        .await;
    for (host, scan, receipt) in scans {
        let rows = rows(&world.plan, host);
        match scan.transpose() {
            Some(scan) => drop(table.ask(rows, async { scan }, || receipt).await?),
            None => {
                for wanted in rows {
                    table.unreadable(wanted.row, message("stages.verify.silent_host", &[]));
                }
            }
        }
        ipmi(host, table);
    }
    Ok(())
}

fn rows<'a>(plan: &'a Plan, host: &'a Host) -> Vec<Wanted<'a, fisheye::Host>> {
    let key = |name: &str| format!("hosts[{}].{name}", host.index);
    let name = host.hostname.value.as_str();
    let address =
        |ip: std::net::Ipv4Addr| move |found: &fisheye::Host| found.nic_with(ip).map(|_| ip.to_string());
    let (mgmt, storage) = (host.mgmt_ip.value, host.storage_ip.value);
    let mut rows = vec![
        Row::of(key("hostname"), &host.hostname)
            .whose(&mgmt.to_string())
            .made_by(DEPLOY)
            .shown(|found: &fisheye::Host| Some(found.hostname.clone())),
        Row::of(key("mgmt_ip"), &host.mgmt_ip).whose(name).made_by(DEPLOY).shown(address(mgmt)),
        Row::of(key("storage_ip"), &host.storage_ip).whose(name).made_by(DEPLOY).shown(address(storage)),
    ];
    if let Some(bmc) = &host.bmc_ip {
        let row = Row::of(key("bmc_ip"), bmc).whose(name);
        rows.push(row.shown(|found: &fisheye::Host| found.ipmi_ip.clone()));
    }
    if let Some(version) = &plan.cluster.smtx_version {
        let row = Row::of(key("smtx_version"), version).whose(name).ignoring_case();
        rows.push(row.shown(|found: &fisheye::Host| {
            let version = format!("{}{}", found.version, found.patch_version);
            Some(version).filter(|version| !version.is_empty())
        }));
    }
    rows
}

/// The accounts that stage 03 stored: no call shows them again (api-fisheye §6.3).
fn ipmi(host: &Host, table: &mut Table) {
    let Some(bmc) = host.bmc() else { return };
    let key = format!("hosts[{}].bmc_user", host.index);
    let row = Row::of(key, bmc.user).whose(&host.hostname.value).made_by("config-cluster.ipmi");
    table.unreadable(row, message("stages.verify.ipmi", &[]));
}
