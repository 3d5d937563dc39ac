//! Networks on the switches by name and VLAN id (api-fisheye §6.6; those of the deployment: §3.4).

use super::switches;
use crate::{
    clients::fisheye::{Reader, Vds, Vlan},
    failure::Result,
    messages::message,
    plan::{Located, Plan},
    stages::verify::{
        row::{Row, Wanted},
        table::Table,
    },
};

/// A planned network: the switch it belongs on, its name there, and what the plan says of it.
struct Planned<'a> {
    switch: &'a str,
    name: &'a str,
    key: String,
    /// `None`: the deployment names it, not the plan.
    named: Option<&'a Located<String>>,
    vlan_id: &'a Located<u16>,
    made_by: &'static str,
}

/// One question per switch.
pub async fn read(plan: &Plan, cluster: &Reader, vdses: &[Vds], table: &mut Table) -> Result<()> {
    let mut left = planned(plan);
    while let Some(switch) = left.first().map(|network| network.switch) {
        let (here, others): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|network| network.switch.eq_ignore_ascii_case(switch));
        left = others;
        let rows: Vec<_> = here.iter().flat_map(rows).collect();
        match switches::find(vdses, switch) {
            Some(vds) => drop(table.ask(rows, cluster.vlans(&vds.uuid), || cluster.last_read()).await?),
            None => {
                let why = message("stages.verify.no_switch", &[("switch", &switch)]);
                table.unread(rows.into_iter().map(|wanted| wanted.row), &why);
            }
        }
    }
    Ok(())
}

fn planned(plan: &Plan) -> Vec<Planned<'_>> {
    let mgmt = plan.vds.mgmt.name.value.as_str();
    let storage = plan.vds.storage.name.value.as_str();
    let business = plan.vds.business.as_ref().map_or(mgmt, |vds| vds.name.value.as_str());
    let mut all = vec![
        deployed(mgmt, "mgt-network", "networks.mgmt", &plan.networks.mgmt.vlan_id),
        deployed(storage, "storage-network", "networks.storage", &plan.networks.storage.vlan_id),
    ];
    let infra = plan.networks.infra.iter();
    all.extend(infra.map(|net| created(mgmt, "networks.infra".to_owned(), &net.name, &net.vlan_id)));
    let rows = plan.networks.business.iter().enumerate();
    all.extend(rows.map(|(index, net)| {
        created(business, format!("networks.business[{index}]"), &net.name, &net.vlan_id)
    }));
    all
}

fn deployed<'a>(switch: &'a str, name: &'a str, key: &str, vlan_id: &'a Located<u16>) -> Planned<'a> {
    Planned { switch, name, key: key.to_owned(), named: None, vlan_id, made_by: "init-cluster.deploy" }
}

fn created<'a>(
    switch: &'a str,
    key: String,
    name: &'a Located<String>,
    vlan_id: &'a Located<u16>,
) -> Planned<'a> {
    Planned { switch, name: &name.value, key, named: Some(name), vlan_id, made_by: "config-cluster.vlans" }
}

fn rows<'a>(network: &'a Planned<'a>) -> Vec<Wanted<'a, Vec<Vlan>>> {
    let Planned { name, key, named, vlan_id, made_by, .. } = network;
    let find = move |all: &Vec<Vlan>| all.iter().find(|vlan| vlan.name == *name).cloned();
    let mut rows = Vec::new();
    if let Some(named) = named {
        let row = Row::of(format!("{key}.name"), named).made_by(made_by);
        rows.push(row.shown(move |all: &Vec<Vlan>| Some(find(all)?.name)));
    }
    let row = Row::of(format!("{key}.vlan_id"), vlan_id).whose(name).made_by(made_by);
    rows.push(row.shown(move |all: &Vec<Vlan>| Some(find(all)?.vlan_id.to_string())));
    rows
}
