//! `config-cluster.write-back`: the cluster's serial into the workbook (planning-sheet §9). A failed write-back never
//! fails a deployment: the next run tries again.

use crate::{
    engine::{ChangeProbe, Difference, Fact, Facts, World as _, handle::Handle},
    failure::Result,
    messages::message,
    plan::{CellRef, map},
    stages::{
        facts::SERIAL,
        world::{World, WorldRead},
    },
};

/// The workbook did not take the serial in this attempt; a person has been told to type it in.
const NOT_WRITTEN: Fact<bool> = Fact::new("serial_not_written");

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let (Some(workbook), Some(cell)) = (&world.workbook, cell()) else {
        return Ok(ChangeProbe::NotNeeded(message("stages.serial.no_workbook", &[])));
    };
    let serial = serial(world, handle).await?;
    let planned = world.plan.cluster.serial.as_ref().map(|serial| serial.value.clone());
    Ok(match workbook.written(&cell).or(planned) {
        Some(stands) if stands.eq_ignore_ascii_case(&serial) => ChangeProbe::Done(Facts::none()),
        _ if handle.remembered(&NOT_WRITTEN).is_some() => ChangeProbe::NotNeeded(message(
            "stages.serial.not_written",
            &[("serial", &serial), ("cell", &cell)],
        )),
        None => ChangeProbe::Absent,
        Some(found) => {
            let what = message("stages.serial.what", &[]);
            let cell = Some(cell.to_string());
            ChangeProbe::Differs(vec![Difference { what, found, planned: serial, cell }])
        }
    })
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let (Some(workbook), Some(cell)) = (&world.read().workbook, cell()) else { return Ok(()) };
    let serial = serial(world.read(), handle).await?;
    match workbook.write(&cell, &serial) {
        Ok(None) => handle.note(message("stages.serial.written", &[("serial", &serial), ("cell", &cell)])),
        Ok(Some(replaced)) => handle.warn(replaced),
        Err(words) => {
            handle.warn(words);
            handle.remember(&NOT_WRITTEN, &true)?;
        }
    }
    Ok(())
}

/// As the step before read it, or read now for a step that is looked at alone.
async fn serial(world: &WorldRead, handle: &Handle) -> Result<String> {
    match handle.fact(&SERIAL) {
        Some(serial) => Ok(serial),
        None => Ok(world.cluster(handle).licence().await?.serial),
    }
}

/// 主机规划!E19, from the cell map.
fn cell() -> Option<CellRef> {
    map::map().cell("cluster.serial", None)
}
