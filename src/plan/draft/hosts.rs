//! 主机规划: the hosts, and the cluster in rows 19 and 20.

use super::{Cluster, Host};
use crate::plan::{
    cell::{CellRef, Located, Origin},
    fields::{address, any, names, options, switch},
    map::{self, HOSTS, MANAGEMENT},
    reading::{Reading, Slot},
};

/// The rows that hold a host (planning-sheet 2.10): `(row, active)`.
pub fn host_rows(reading: &Reading<'_>) -> Vec<(u32, bool)> {
    const ACTIVATING: [&str; 5] =
        ["hosts[].serial", "hosts[].bmc_ip", "hosts[].hostname", "hosts[].mgmt_ip", "hosts[].storage_ip"];
    (3..=18)
        .map(|row| {
            let active = ACTIVATING
                .iter()
                .filter_map(|key| map::map().cell(key, Some(row)))
                .any(|cell| reading.filled(&cell));
            (row, active)
        })
        .collect()
}

pub fn hosts(reading: &mut Reading<'_>) -> Vec<Host> {
    let rows: Vec<u32> =
        host_rows(reading).into_iter().filter(|(_, active)| *active).map(|(row, _)| row).collect();
    (1..).zip(rows).map(|(position, row)| host(reading, row, position)).collect()
}

fn host(reading: &mut Reading<'_>, sheet_row: u32, position: u32) -> Host {
    let row = Some(sheet_row);
    let ssh_password = reading.secret("hosts[].ssh_password", row);
    let admin_password = match reading.secret("hosts[].admin_password", row) {
        // Blank M takes K (planning-sheet 10, row 14).
        Slot::Blank(cell) => match &ssh_password {
            Slot::Set(ssh) => {
                if let Some(field) = map::map().field("hosts[].admin_password") {
                    reading.defaulted(field, &cell, &ssh.cell.to_string());
                }
                Slot::Set(Located {
                    value: ssh.value.clone(),
                    cell,
                    raw: "***".to_owned(),
                    origin: Origin::Default,
                })
            }
            _ => Slot::Bad(cell),
        },
        other => other,
    };
    let u_start = reading.read_plain("hosts[].rack_u_start", row, switch::rack_unit);
    let u_end = match &u_start {
        Slot::Set(start) => match reading.read_plain("hosts[].rack_u_end", row, switch::rack_unit) {
            Slot::Blank(cell) => {
                let end = start.value.saturating_add(1);
                if let Some(field) = map::map().field("hosts[].rack_u_end") {
                    reading.defaulted(field, &cell, &end.to_string());
                }
                Slot::Set(Located { value: end, cell, raw: String::new(), origin: Origin::Default })
            }
            other => other,
        },
        // Older revisions compute 1 for a blank Q: R without Q says nothing (planning-sheet 1.8).
        Slot::Blank(_) => Slot::Blank(CellRef::new(HOSTS, sheet_row, 18)),
        Slot::Bad(_) => Slot::Bad(CellRef::new(HOSTS, sheet_row, 18)),
    };
    let number = match reading.read_plain("hosts[].index", row, number) {
        Slot::Set(number) => Slot::Set(number),
        Slot::Blank(cell) | Slot::Bad(cell) => {
            if let Some(field) = map::map().field("hosts[].index") {
                reading.defaulted(field, &cell, &position.to_string());
            }
            Slot::Set(Located { value: position, cell, raw: String::new(), origin: Origin::Default })
        }
    };
    Host {
        row: sheet_row,
        number,
        serial: reading.read("hosts[].serial", row, any),
        bmc_ip: reading.read("hosts[].bmc_ip", row, address::unicast),
        bmc_user: reading.read("hosts[].bmc_user", row, any),
        bmc_password: reading.secret("hosts[].bmc_password", row),
        hostname: reading.read("hosts[].hostname", row, names::hostname),
        mgmt_ip: reading.read("hosts[].mgmt_ip", row, address::unicast),
        ssh_user: reading.read("hosts[].ssh_user", row, any),
        ssh_password,
        admin_user: reading.read("hosts[].admin_user", row, any),
        admin_password,
        storage_ip: reading.read("hosts[].storage_ip", row, address::unicast),
        description: reading.read("hosts[].description", row, any),
        rack: reading.read("hosts[].rack", row, names::rack),
        u_start,
        u_end,
    }
}

/// 序号 only counts; text in it is as good as a blank.
fn number(text: &str) -> crate::plan::fields::Parsed<u32> {
    text.parse().map_err(|_| crate::plan::fields::Reject::new("PLAN-022.index"))
}

pub fn cluster(reading: &mut Reading<'_>) -> Cluster {
    Cluster {
        name: reading.read("cluster.name", None, names::cluster),
        copies: vec![
            reading.name_at(CellRef::new(HOSTS, 3, 3)),
            reading.name_at(CellRef::new(MANAGEMENT, 3, 14)),
        ],
        version: reading.read("cluster.smtx_version", None, names::version),
        serial: reading.read("cluster.serial", None, any),
        vip: reading.read("cluster.vip", None, address::unicast),
        admin_user: reading.read("cluster.admin_user", None, any),
        admin_password: reading.secret("cluster.admin_password", None),
        features: reading.read("cluster.features", None, options::features),
        storage: reading.read("cluster.storage_architecture", None, options::storage_architecture),
        network: reading.read("cluster.network_architecture", None, options::network_architecture),
    }
}
