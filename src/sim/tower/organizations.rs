//! Organisations and datacenters: made at once, without a task (site-behaviour §7.2).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::{clock::Moment, site::State},
    denied::{Denied, Outcome},
    knobs::Second,
    tables::Table,
    visit::{Visit, nested, with_task},
};

#[derive(Debug, Serialize, Deserialize)]
pub struct Organization {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Datacenter {
    pub id: String,
    pub name: String,
    pub organization_id: String,
}

impl State {
    pub(super) fn add_organization(&mut self, now: Moment, name: &str) -> String {
        let id = self.new_cuid(now);
        self.tower.organizations.push(Organization { id: id.clone(), name: name.to_owned() });
        id
    }

    fn create_organization(&mut self, now: Moment, name: &str) -> Result<String, String> {
        let taken = self.tower.organizations.iter().any(|organization| organization.name == name);
        if taken && self.variants.tower.second_organization == Second::Refused {
            return Err(format!("Duplicate: organization {name} already exists"));
        }
        self.ledger.organizations.entry(name.to_owned()).or_default().add(now);
        Ok(self.add_organization(now, name))
    }

    pub(super) fn organization_rows(&self) -> Vec<Value> {
        let row = |organization: &Organization| {
            let inside = self.tower.datacenters.iter().filter(|dc| dc.organization_id == organization.id);
            json!({
                "id": organization.id, "name": organization.name,
                "datacenters": inside.map(|dc| nested(&dc.id, &dc.name)).collect::<Vec<_>>(),
            })
        };
        self.tower.organizations.iter().map(row).collect()
    }

    pub(super) fn datacenter_rows(&self) -> Vec<Value> {
        let row = |datacenter: &Datacenter| {
            let organization =
                self.tower.organizations.iter().find(|one| one.id == datacenter.organization_id);
            let clusters =
                self.tower.clusters.iter().filter(|one| one.datacenter_id.as_deref() == Some(&datacenter.id));
            let clusters: Vec<Value> = clusters.map(|one| nested(&one.id, &self.cluster_name(one))).collect();
            json!({
                "id": datacenter.id, "name": datacenter.name, "cluster_num": clusters.len(), "labels": [],
                "clusters": clusters, "host_num": null, "vm_num": null,
                "organization": organization.map(|one| nested(&one.id, &one.name)),
            })
        };
        self.tower.datacenters.iter().map(row).collect()
    }
}

#[derive(Deserialize)]
struct NewOrganization {
    name: String,
}

/// `POST create-organization`.
pub fn create(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, new: NewOrganization| {
        let id = visit.state.create_organization(visit.now, &new.name).map_err(Denied::bad)?;
        Ok(with_task(None, &visit.row(Table::Organizations, &id)?))
    })
}

/// `createOrganization`. Errors: the message of `errors`.
pub fn graphql_create(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let name = arguments.get("data").map_or("", |data| data["name"].as_str().unwrap_or_default());
    visit.state.create_organization(visit.now, name).map(|id| json!({"id": id}))
}

#[derive(Deserialize)]
struct NewDatacenter {
    organization_id: String,
    name: String,
    clusters: Option<Value>,
}

/// `POST create-datacenter`; the same name twice makes a twin (M).
pub fn create_datacenter(visit: &mut Visit<'_>) -> Outcome {
    visit.each(|visit, new: NewDatacenter| {
        visit.row(Table::Organizations, &new.organization_id)?;
        if new.clusters.is_some() {
            return Err(Denied::bad("clusters cannot be moved into a new datacenter here"));
        }
        let NewDatacenter { organization_id, name, .. } = new;
        let id = visit.state.new_cuid(visit.now);
        visit.state.ledger.datacenters.entry(name.clone()).or_default().add(visit.now);
        visit.state.tower.datacenters.push(Datacenter { id: id.clone(), name, organization_id });
        Ok(with_task(None, &visit.row(Table::Datacenters, &id)?))
    })
}
