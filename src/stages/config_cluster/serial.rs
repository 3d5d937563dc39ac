//! `config-cluster.serial`: the cluster's serial, read from its licence and written into the workbook
//! (api-fisheye §6.4, planning-sheet §9). A failed write-back never fails a deployment.

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
    let serial = world.cluster(handle).licence().await?.serial;
    let done = Facts::none().with(&SERIAL, &serial);
    let Some(cell) = cell() else { return Ok(ChangeProbe::Done(done)) };
    let planned = world.plan.cluster.serial.as_ref().map(|serial| serial.value.clone());
    let stands = match &world.workbook {
        Some(workbook) => workbook.written(&cell).or(planned),
        None => Some(serial.clone()),
    };
    Ok(match stands {
        Some(stands) if stands.eq_ignore_ascii_case(&serial) => ChangeProbe::Done(done),
        _ if handle.remembered(&NOT_WRITTEN).is_some() => ChangeProbe::Done(done),
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
    let serial = world.read().cluster(handle).licence().await?.serial;
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

/// 主机规划!E19, from the cell map.
fn cell() -> Option<CellRef> {
    map::map().cell("cluster.serial", None)
}
