//! What the installer leaves behind: licence, version, rules; and the NTP servers of CloudTower itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    super::{clock::Moment, durations, site::State},
    accounts::Root,
    alerts,
    denied::Outcome,
    phase::Phase,
    visit::Visit,
};

/// Where no image tells.
const VERSION: &str = "4.6.2";
const TRIAL_DAYS: f64 = 90.0;

#[derive(Debug, Serialize, Deserialize)]
pub struct Installation {
    deploy_id: String,
    licence_id: String,
    pub licence_serial: String,
    at: Moment,
}

impl State {
    /// Lets everything happen in CloudTower that is due by `now`.
    pub fn settle_tower(&mut self, now: Moment) {
        if self.tower.installation.is_none() && self.tower_phase(now) == Phase::Ready {
            self.install(now);
        }
        self.finish_tasks(now);
        self.settle_observability(now);
    }

    fn install(&mut self, now: Moment) {
        let installation = Installation {
            deploy_id: self.new_cuid(now),
            licence_id: self.new_cuid(now),
            licence_serial: self.new_uuid(),
            at: now,
        };
        self.tower.installation = Some(installation);
        self.tower.rules = alerts::initial(self.seed(), now, self.quirks.tower.capacity_rule_row);
        self.add_old_packages(now);
        self.add_old_services(now);
        for name in self.quirks.tower.organizations.clone() {
            self.add_organization(now, &name);
        }
        if let Some(password) = self.quirks.tower.root_password.clone() {
            let id = self.new_cuid(now);
            self.tower.root = Some(Root { id, password: Some(password), password_updated_at: now });
        }
    }

    pub(super) fn licence_rows(&self) -> Vec<Value> {
        let row = |installation: &Installation| {
            let expires = installation.at.plus(durations::seconds(TRIAL_DAYS * 86_400.0));
            json!({
                "id": installation.licence_id, "license_serial": installation.licence_serial, "type": "TRIAL",
                "software_edition": "ENTERPRISE", "sign_date": installation.at.iso(),
                "expire_date": expires.iso(), "maintenance_start_date": null, "maintenance_end_date": null,
                "max_chunk_num": 255, "max_cluster_num": 255,
            })
        };
        self.tower.installation.iter().map(row).collect()
    }

    /// That of the image it was installed from: `cloudtower-v4.7.1.oe2003.x86_64.iso`.
    fn tower_version(&self) -> String {
        let image = self.twin.plan.cloudtower.and_then(|address| self.installed_from(address));
        let version = image.and_then(|name| name.strip_prefix("cloudtower-v")).map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            rest[..end].trim_end_matches('.').to_owned()
        });
        version.filter(|version| !version.is_empty()).unwrap_or_else(|| VERSION.to_owned())
    }

    pub(super) fn deploy_rows(&self) -> Vec<Value> {
        let row = |installation: &Installation| {
            json!({
                "id": installation.deploy_id, "version": self.tower_version(),
                "license": {"id": installation.licence_id},
            })
        };
        self.tower.installation.iter().map(row).collect()
    }
}

/// `GET get-version`.
pub fn version(visit: &mut Visit<'_>) -> Outcome {
    Ok(json!(visit.state.tower_version()))
}

/// `POST get-ntp-service-url`.
pub fn ntp_service_url(visit: &mut Visit<'_>) -> Outcome {
    Ok(json!({"ntp_service_url": visit.state.tower.ntp_service_url}))
}

/// `updateCloudTowerNtpUrl`: sent with commas, answered with semicolons (S).
pub fn set_ntp(visit: &mut Visit<'_>, arguments: &Map<String, Value>) -> Result<Value, String> {
    let sent = arguments.get("data").map_or("", |data| data["ntp_service_url"].as_str().unwrap_or_default());
    let servers: Vec<&str> = sent.split(',').collect();
    if servers.iter().any(|server| server.is_empty() || server.contains(char::is_whitespace)) {
        return Err("ntp_service_url: servers separated by commas".to_owned());
    }
    visit.state.tower.ntp_service_url = servers.join(";");
    visit.state.ledger.tower_ntp_writes.add(visit.now);
    Ok(json!({"ntp_service_url": visit.state.tower.ntp_service_url}))
}

/// `deploys`, with the licence fields that only GraphQL shows.
pub fn deploys(visit: &Visit<'_>) -> Vec<Value> {
    let mut deploys = visit.state.deploy_rows();
    for (deploy, mut licence) in deploys.iter_mut().zip(visit.state.licence_rows()) {
        licence["max_vm_num"] = json!(0);
        licence["used_vm_num"] = json!(0);
        licence["vendor"] = json!("SMTX");
        deploy["license"] = licence;
    }
    deploys
}
