//! Applications: deployed from a package by their own call, or in the course of something else (api-applications §4).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        super::{clock::Moment, durations, fault::Action, site::State},
        denied::{Denied, Outcome},
        fate::ApplicationFate,
        tables::Table,
        tasks::{NewTask, Resource},
        visit::{Visit, nested},
    },
    SECRET_CANARY,
};

/// An application and how far its installation is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    pub id: String,
    pub name: String,
    /// Id of its package; empty where nobody remembers.
    pub package: String,
    /// When it runs, or has failed.
    pub until: Moment,
    pub fate: Option<ApplicationFate>,
    /// Made in the course of something else, such as a backup service.
    pub inner: bool,
    pub spec: Value,
}

impl Application {
    pub fn state(&self, now: Moment) -> &'static str {
        match self.fate {
            Some(ApplicationFate::Stuck) => "INSTALLING",
            _ if now < self.until => "INSTALLING",
            Some(ApplicationFate::InstallFailed) => "INSTALL_FAILED",
            Some(ApplicationFate::Error) => "ERROR",
            None => "RUNNING",
        }
    }
}

impl State {
    pub(in super::super) fn applications(&self) -> impl Iterator<Item = &Application> {
        self.tower.applications.deployed.iter()
    }

    pub(in super::super) fn application_rows(&self, now: Moment) -> Vec<Value> {
        self.applications().map(|application| self.application_row(now, application)).collect()
    }

    fn application_row(&self, now: Moment, application: &Application) -> Value {
        let package = self.tower.applications.packages.iter().find(|one| one.id == application.package);
        let state = application.state(now);
        json!({
            "id": application.id, "name": application.name, "state": state, "resourceVersion": 1,
            "targetPackage": application.package, "vmSpec": application.spec,
            "package": package.map(|package| nested(&package.id, &package.name)),
            "entityAsyncStatus": (state == "INSTALLING").then_some("CREATING"),
            // CloudTower shows passwords here in clear text (§0, S).
            "instanceStatuses": {
                "0": {"vm": {"env": [{"name": "TOWER_PASSWORD", "value": SECRET_CANARY}]}},
            },
        })
    }

    /// Without times and drawn identifiers.
    pub(in super::super) fn applications_end(&self, now: Moment) -> Vec<Value> {
        let own = self.applications().filter(|application| !application.inner);
        own.map(|one| json!({"name": one.name, "state": one.state(now)})).collect()
    }
}

impl Visit<'_> {
    /// What a fault makes of the application that this request deploys.
    pub fn application_fate(&self) -> Option<ApplicationFate> {
        self.course.actions.iter().find_map(|action| match action {
            Action::Application(fate) => Some(*fate),
            _ => None,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    name: String,
    target_package: String,
    vm_spec: Value,
}

/// `POST deploy-cloudtower-application`: answers with the application itself, not with a task.
pub fn deploy(visit: &mut Visit<'_>) -> Outcome {
    let new: Deployment = visit.read()?;
    let row = visit.state.rows(Table::ApplicationPackages, visit.now).into_iter();
    if !row.into_iter().any(|row| row["id"] == new.target_package.as_str()) {
        return Err(Denied::missing(format!("there is no package {}", new.target_package)));
    }
    if new.name.is_empty() || visit.state.applications().any(|one| one.name == new.name) {
        return Err(Denied::bad(format!("application name {:?} is empty or taken", new.name)));
    }
    let instances = new.vm_spec["instances"].as_array().cloned().unwrap_or_default();
    if instances.is_empty() {
        return Err(Denied::bad("vmSpec.instances is empty"));
    }
    for spec in instances.iter().chain([&new.vm_spec["template"]]) {
        references(visit, spec)?;
    }
    let id = visit.state.new_cuid(visit.now);
    let (fate, seconds) = (visit.application_fate(), visit.state.durations.tower.application);
    let application = Application {
        id: id.clone(),
        name: new.name.clone(),
        package: new.target_package,
        until: visit.now.plus(durations::seconds(seconds)),
        fate,
        inner: false,
        spec: new.vm_spec,
    };
    let description = format!("Install Application {}", new.name);
    let resource = Resource::new("CloudTowerApplication", &id, "CREATE");
    let task = NewTask {
        seconds,
        fate: fate.map(ApplicationFate::of_task),
        ..NewTask::ordinary(visit, &description, resource)
    };
    visit.start_task(task);
    let row = visit.state.application_row(visit.now, &application);
    visit.state.tower.applications.deployed.push(application);
    visit.state.ledger.applications.entry(new.name).or_default().add(visit.now);
    Ok(row)
}

/// What the specification of a VM names must exist.
fn references(visit: &Visit<'_>, spec: &Value) -> Result<(), Denied> {
    if let Some(cluster) = spec["cluster"].as_str() {
        visit.row(Table::Clusters, cluster)?;
    }
    for nic in spec["network"]["nics"].as_array().into_iter().flatten() {
        let vlan = nic["vlanId"].as_str().ok_or_else(|| Denied::bad("a NIC without vlanId"))?;
        visit.free_row(Table::Vlans, vlan)?;
    }
    Ok(())
}
