//! `config-cluster.vlans`: one network per planned row, each made once (api-fisheye §6.6).

use crate::{
    clients::fisheye::{Reader, Vds, Vlan},
    engine::{ChangeProbe, Difference, Fact, Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{CellRef, Plan},
    stages::world::{World, WorldRead},
    text::Text,
};

/// The names of the networks that this attempt has made so far.
const MADE: Fact<Vec<String>> = Fact::new("vlans_made");

/// A planned network and the switch it belongs on.
struct Planned<'a> {
    switch: &'a str,
    name: &'a str,
    vlan_id: u16,
    cell: &'a CellRef,
}

/// Row 5 goes on the management switch; rows 8 to 18 on the business switch, or on the management switch where
/// the architecture has no business switch (planning-sheet §3.2, §4.6).
fn planned(plan: &Plan) -> Vec<Planned<'_>> {
    let mgmt = plan.vds.mgmt.name.value.as_str();
    let business = plan.vds.business.as_ref().map_or(mgmt, |vds| vds.name.value.as_str());
    let infra = plan.networks.infra.iter().map(|network| (mgmt, &network.name, &network.vlan_id));
    let rows = plan.networks.business.iter().map(|network| (business, &network.name, &network.vlan_id));
    infra
        .chain(rows)
        .map(|(switch, name, id)| Planned { switch, name: &name.value, vlan_id: id.value, cell: &id.cell })
        .collect()
}

/// A planned network beside what stands at the site.
struct Compared<'a> {
    planned: Planned<'a>,
    /// `None`: the switch itself is not there.
    vds: Option<String>,
    found: Option<Vlan>,
}

async fn compare<'a>(plan: &'a Plan, vdses: &[Vds], cluster: &Reader) -> Result<Vec<Compared<'a>>> {
    let mut listed: Vec<(String, Vec<Vlan>)> = Vec::new();
    let mut compared = Vec::new();
    for planned in planned(plan) {
        let vds = vdses.iter().find(|vds| vds.name.eq_ignore_ascii_case(planned.switch));
        let Some(vds) = vds.map(|vds| vds.uuid.clone()) else {
            compared.push(Compared { planned, vds: None, found: None });
            continue;
        };
        if !listed.iter().any(|(known, _)| *known == vds) {
            let vlans = cluster.vlans(&vds).await?;
            listed.push((vds.clone(), vlans));
        }
        let mut on_it = listed.iter().filter(|(known, _)| *known == vds).flat_map(|(_, vlans)| vlans);
        let found = on_it.find(|vlan| vlan.name == planned.name).cloned();
        compared.push(Compared { planned, vds: Some(vds), found });
    }
    Ok(compared)
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if planned(&world.plan).is_empty() {
        return Ok(ChangeProbe::NotNeeded(message("stages.vlans.none", &[])));
    }
    let vdses = world.vdses(handle).await?;
    let compared = compare(&world.plan, &vdses, &world.cluster(handle)).await?;
    if let Some(conflict) = compared.iter().find_map(conflict) {
        return Ok(ChangeProbe::Conflict(conflict));
    }
    let missing: Vec<_> = compared.iter().filter(|row| row.found.is_none()).collect();
    Ok(match missing.len() {
        0 => ChangeProbe::Done(Facts::none()),
        all if all == compared.len() => ChangeProbe::Absent,
        _ => ChangeProbe::Differs(missing.into_iter().map(difference).collect()),
    })
}

/// A network of that name with another id is somebody else's.
fn conflict(row: &Compared) -> Option<Text> {
    let found = row.found.as_ref().filter(|found| found.vlan_id != row.planned.vlan_id)?;
    Some(message(
        "stages.vlans.other_id",
        &[
            ("name", &row.planned.name),
            ("found", &found.vlan_id),
            ("planned", &row.planned.vlan_id),
            ("cell", row.planned.cell),
        ],
    ))
}

fn difference(row: &Compared) -> Difference {
    Difference {
        what: message("stages.vlans.network", &[("name", &row.planned.name)]),
        found: "-".to_owned(),
        planned: format!("VLAN {}", row.planned.vlan_id),
        cell: Some(row.planned.cell.to_string()),
    }
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let fisheye = world.fisheye(handle);
    let vdses = fisheye.vdses().await?;
    let mut made = handle.remembered(&MADE).unwrap_or_default();
    for row in compare(world.plan(), &vdses, &fisheye).await? {
        if row.found.is_some() {
            continue;
        }
        let Planned { switch, name, vlan_id, .. } = row.planned;
        let Some(vds) = row.vds else {
            let doing = message("stages.vlans.doing", &[("name", &name)]);
            return Err(Failure::new(Kind::Site, doing)
                .meaning(message("stages.vlans.no_switch", &[("switch", &switch)])));
        };
        fisheye.create_vlan(&vds, name, vlan_id).await?;
        made.push(name.to_owned());
        // With one made, a refusal of the next one is no refusal of the whole.
        handle.remember(&MADE, &made)?;
        handle
            .note(message("stages.vlans.made", &[("name", &name), ("vlan", &vlan_id), ("switch", &switch)]));
    }
    Ok(())
}
