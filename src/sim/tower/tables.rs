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

    /// The row of an identifier in one list.
    pub fn find_in(&self, table: Table, id: &str) -> Option<&Value> {
        self.located(id).filter(|(found, _)| *found == table).map(|(_, row)| row)
    }
}

impl State {
    pub fn tables(&self, now: Moment) -> Tables {
        let mut tables = Tables::default();
        tables.add(Table::Users, self.user_rows());
        tables.add(Table::Organizations, self.organization_rows());
        tables.add(Table::Datacenters, self.datacenter_rows());
        tables.add(Table::Licenses, self.licence_rows());
        tables.add(Table::Deploys, self.deploy_rows());
        tables.add(Table::Clusters, self.cluster_rows(now));
        tables.add(Table::ClusterSettings, self.settings_rows(now));
        tables.add(Table::Hosts, self.host_rows(now));
        tables.add(Table::Vdses, self.vds_rows(now));
        tables.add(Table::Vlans, self.vlan_rows(now));
        tables.add(Table::Vms, self.vm_rows(now));
        tables.add(Table::Tasks, self.task_rows(now));
        tables.add(Table::Views, self.view_rows(now));
        tables.add(Table::Graphs, self.graph_rows(now));
        tables.add(Table::GlobalAlertRules, self.global_rule_rows(now));
        tables.add(Table::AlertRules, self.alert_rule_rows(now));
        tables.add(Table::ClusterTopoes, self.cluster_topo_rows(now));
        tables.add(Table::ZoneTopoes, self.zone_topo_rows(now));
        tables.add(Table::RackTopoes, self.rack_rows(now));
        tables.add(Table::BrickTopoes, self.brick_rows(now));
        tables.add(Table::NodeTopoes, self.node_rows(now));
        tables
    }
}
