//! The serials that the workbook was to take (planning-sheet §9).

use super::{row::Row, table::Table};
use crate::{
    engine::{
        Fact,
        event::{Agreement, Evidence, Setting},
        handle::Handle,
    },
    failure::Result,
    messages::message,
    plan::map,
    stages::{
        facts::{SERIAL, TOWER_SERIAL},
        world::WorldRead,
    },
};

/// A serial: where it is to stand, the fact that holds it, the step that writes it.
struct Serial {
    key: &'static str,
    fact: Fact<String>,
    made_by: &'static str,
}

const SERIALS: [Serial; 2] = [
    Serial { key: "cluster.serial", fact: SERIAL, made_by: "config-cluster.write-back" },
    Serial { key: "cloudtower.serial", fact: TOWER_SERIAL, made_by: "deploy-cloudtower.write-back" },
];

pub async fn read(world: &WorldRead, handle: &Handle) -> Result<Vec<Setting>> {
    let mut table = Table::default();
    for Serial { key, fact, made_by } in &SERIALS {
        let row = Row::blank(key);
        let Some(workbook) = &world.workbook else {
            table.not_planned(row, message("stages.serial.no_workbook", &[]));
            continue;
        };
        let (Some(serial), Some(cell)) = (handle.fact(fact), map::map().cell(key, None)) else {
            table.unread([row], &message("stages.verify.no_serial", &[]));
            continue;
        };
        let row = row.planned_as(&serial).made_by(made_by).ignoring_case();
        let standing = match workbook.standing() {
            Ok(standing) => standing,
            Err(why) => {
                table.unread([row], &why);
                continue;
            }
        };
        let proof = Some(Evidence {
            operation: "workbook.read".to_owned(),
            address: String::new(),
            method: "FILE".to_owned(),
            path: standing.source.path.display().to_string(),
            at: handle.clock().now(),
            sha256: standing.source.sha256.clone(),
        });
        let found = standing.cells.get(&cell).filter(|text| !text.trim().is_empty());
        table.push(match found {
            Some(found) => row.found(found, proof),
            None => row.ended(Agreement::Missing, None, None, proof),
        });
    }
    Ok(table.into_settings(handle))
}
