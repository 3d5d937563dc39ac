//! Virtual switches by name and bond mode (api-fisheye §6.5).

use crate::{
    clients::fisheye::{BondMode, Reader, Vds},
    failure::Result,
    messages::message,
    plan::{Plan, model},
    stages::{
        bond::on_the_wire,
        verify::{
            row::{Row, Wanted},
            table::Table,
        },
    },
};

const DEPLOY: &str = "init-cluster.deploy";
const BUSINESS: &str = "config-cluster.business-vds";

/// The switches of the cluster; none when they could not be read.
pub async fn read(plan: &Plan, cluster: &Reader, table: &mut Table) -> Result<Vec<Vds>> {
    let mut rows = Vec::new();
    for (role, made_by, vds) in planned(plan) {
        let name = vds.name.value.clone();
        let row = Row::of(format!("vds.{role}.name"), &vds.name).ignoring_case().made_by(made_by);
        rows.push(row.shown(move |all: &Vec<Vds>| find(all, &name).map(|vds| vds.name.clone())));
        rows.extend(bond(role, made_by, vds));
    }
    let vdses = table.ask(rows, cluster.vdses(), || cluster.last_read()).await?;
    for (role, made_by, vds) in planned(plan) {
        if vds.bond_mode.is_none() {
            let one_nic = message("stages.verify.one_nic", &[("switch", &vds.name.value)]);
            table.not_planned(Row::blank(&format!("vds.{role}.bond_mode")), one_nic);
        }
        // The list and the detail leave the hosts out (api-fisheye §6.5).
        let nics = Row::at(format!("vds.{role}.nics"), &vds.nics.cell, &vds.nics.value.join(", "));
        table.unreadable(nics.made_by(made_by), message("stages.verify.nics", &[]));
    }
    if plan.vds.business.is_none() {
        table.not_planned(Row::blank("vds.business.name"), message("stages.vds.not_planned", &[]));
    }
    Ok(vdses.unwrap_or_default())
}

pub fn find<'a>(all: &'a [Vds], name: &str) -> Option<&'a Vds> {
    all.iter().find(|vds| vds.name.eq_ignore_ascii_case(name))
}

fn planned(plan: &Plan) -> impl Iterator<Item = (&'static str, &'static str, &model::Vds)> {
    let deployed = [("mgmt", DEPLOY, &plan.vds.mgmt), ("storage", DEPLOY, &plan.vds.storage)];
    deployed.into_iter().chain(plan.vds.business.iter().map(|vds| ("business", BUSINESS, vds)))
}

/// LACP has two names at the site; both are shown in the plan's spelling.
fn bond<'a>(role: &str, made_by: &'static str, vds: &'a model::Vds) -> Option<Wanted<'a, Vec<Vds>>> {
    let mode = vds.bond_mode.as_ref()?;
    let row = Row::at(format!("vds.{role}.bond_mode"), &mode.cell, &mode.value.as_str()).made_by(made_by);
    Some(row.shown(move |all: &Vec<Vds>| {
        let site = find(all, &vds.name.value)?.bond_mode.clone()?;
        let as_planned = BondMode::of_site(&site) == Some(on_the_wire(mode.value));
        Some(if as_planned { mode.value.as_str().to_owned() } else { site })
    }))
}
