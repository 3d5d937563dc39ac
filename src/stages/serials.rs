//! Serials into the workbook (planning-sheet §9). A failed write-back never fails a deployment: the next run tries
//! again.

use crate::{
    engine::{ChangeProbe, Difference, Fact, Facts, World as _, handle::Handle},
    failure::Result,
    messages::message,
    plan::{CellRef, map},
    stages::world::{World, WorldRead},
    text::Text,
};

/// The workbook did not take the serial in this attempt; a person has been told to type it in.
const NOT_WRITTEN: Fact<bool> = Fact::new("serial_not_written");

/// A serial and the plan field whose cell takes it.
pub struct Serial {
    /// `cluster.serial`.
    pub field: &'static str,
    /// Whose serial it is.
    pub what: Text,
    pub value: String,
    /// What the cell held when the plan was read.
    pub planned: Option<String>,
}

impl Serial {
    fn cell(&self) -> Option<CellRef> {
        map::map().cell(self.field, None)
    }

    pub fn probe(self, world: &WorldRead, handle: &Handle) -> ChangeProbe {
        let (Some(workbook), Some(cell)) = (&world.workbook, self.cell()) else {
            return ChangeProbe::NotNeeded(message("stages.serial.no_workbook", &[]));
        };
        match workbook.written(&cell).or(self.planned) {
            Some(stands) if stands.eq_ignore_ascii_case(&self.value) => ChangeProbe::Done(Facts::none()),
            _ if handle.remembered(&NOT_WRITTEN).is_some() => ChangeProbe::NotNeeded(message(
                "stages.serial.not_written",
                &[("what", &self.what), ("serial", &self.value), ("cell", &cell)],
            )),
            None => ChangeProbe::Absent,
            Some(found) => {
                let cell = Some(cell.to_string());
                ChangeProbe::Differs(vec![Difference { what: self.what, found, planned: self.value, cell }])
            }
        }
    }

    pub fn write(&self, world: &World, handle: &Handle) -> Result<()> {
        let (Some(workbook), Some(cell)) = (&world.read().workbook, self.cell()) else { return Ok(()) };
        match workbook.write(&cell, &self.value) {
            Ok(None) => handle.note(message(
                "stages.serial.written",
                &[("what", &self.what), ("serial", &self.value), ("cell", &cell)],
            )),
            Ok(Some(replaced)) => handle.warn(replaced),
            Err(words) => {
                handle.warn(words);
                handle.remember(&NOT_WRITTEN, &true)?;
            }
        }
        Ok(())
    }
}
