//! Everything that CloudTower lists, as rows of JSON: lists, filters and selections work on them alike.

use std::collections::HashMap;

use serde_json::Value;

use super::super::{clock::Moment, site::State};

/// One list of the REST interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    Users,
    Organizations,
    Datacenters,
    Licenses,
    Deploys,
    Clusters,
    ClusterSettings,
    Hosts,
    Vdses,
    Vlans,
    Vms,
    Tasks,
    Views,
    Graphs,
    GlobalAlertRules,
    AlertRules,
    ClusterTopoes,
    ZoneTopoes,
    RackTopoes,
    BrickTopoes,
    NodeTopoes,
    UploadTasks,
    ApplicationPackages,
    Applications,
    EveroutePackages,
    EverouteClusters,
    BackupServices,
}

/// All rows as they are at one moment.
#[derive(Debug, Default)]
pub struct Tables {
    rows: HashMap<Table, Vec<Value>>,
    places: HashMap<String, (Table, usize)>,
}

impl Tables {
    fn add(&mut self, table: Table, rows: Vec<Value>) {
        for (index, row) in rows.iter().enumerate() {
            if let Some(id) = row["id"].as_str() {
                self.places.insert(id.to_owned(), (table, index));
            }
        }
        self.rows.insert(table, rows);
    }

    pub fn rows(&self, table: Table) -> &[Value] {
        self.rows.get(&table).map_or(&[], Vec::as_slice)
    }

    /// The row of an identifier, whatever its list.
    pub fn find(&self, id: &str) -> Option<&Value> {
        self.located(id).map(|(_, row)| row)
    }

    pub fn located(&self, id: &str) -> Option<(Table, &Value)> {
        let (table, index) = self.places.get(id)?;
        self.rows(*table).get(*index).map(|row| (*table, row))
    }
}

const ALL: [Table; 27] = [
    Table::Users,
    Table::Organizations,
    Table::Datacenters,
    Table::Licenses,
    Table::Deploys,
    Table::Clusters,
    Table::ClusterSettings,
    Table::Hosts,
    Table::Vdses,
    Table::Vlans,
    Table::Vms,
    Table::Tasks,
    Table::Views,
    Table::Graphs,
    Table::GlobalAlertRules,
    Table::AlertRules,
    Table::ClusterTopoes,
    Table::ZoneTopoes,
    Table::RackTopoes,
    Table::BrickTopoes,
    Table::NodeTopoes,
    Table::UploadTasks,
    Table::ApplicationPackages,
    Table::Applications,
    Table::EveroutePackages,
    Table::EverouteClusters,
    Table::BackupServices,
];

impl State {
    pub fn tables(&self, now: Moment) -> Tables {
        let mut tables = Tables::default();
        ALL.into_iter().for_each(|table| tables.add(table, self.rows(table, now)));
        tables
    }

    /// One list alone: cheaper where no relation is followed.
    pub fn rows(&self, table: Table, now: Moment) -> Vec<Value> {
        match table {
            Table::Users => self.user_rows(),
            Table::Organizations => self.organization_rows(),
            Table::Datacenters => self.datacenter_rows(),
            Table::Licenses => self.licence_rows(),
            Table::Deploys => self.deploy_rows(),
            Table::Clusters => self.cluster_rows(now),
            Table::ClusterSettings => self.settings_rows(now),
            Table::Hosts => self.host_rows(now),
            Table::Vdses => self.vds_rows(now),
            Table::Vlans => self.vlan_rows(now),
            Table::Vms => self.vm_rows(now),
            Table::Tasks => self.task_rows(now),
            Table::Views => self.view_rows(now),
            Table::Graphs => self.graph_rows(now),
            Table::GlobalAlertRules => self.global_rule_rows(now),
            Table::AlertRules => self.alert_rule_rows(now),
            Table::ClusterTopoes => self.cluster_topo_rows(now),
            Table::ZoneTopoes => self.zone_topo_rows(now),
            Table::RackTopoes => self.rack_rows(now),
            Table::BrickTopoes => self.brick_rows(now),
            Table::NodeTopoes => self.node_rows(now),
            Table::UploadTasks => self.upload_rows(now),
            Table::ApplicationPackages => self.package_rows(now),
            Table::Applications => self.application_rows(now),
            Table::EveroutePackages => self.everoute_package_rows(),
            // Nothing here installs a controller.
            Table::EverouteClusters => Vec::new(),
            Table::BackupServices => self.backup_service_rows(now),
        }
    }
}
