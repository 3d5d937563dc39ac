//! How long things take at the simulated site: the typical column of site-behaviour §2, in site time.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tower::TowerDurations;

/// All values in seconds of site time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Durations {
    pub host_scan: f64,
    pub deploy_answer: f64,
    pub deployment: f64,
    pub vip_up: f64,
    pub dns_job: f64,
    pub ntp_job: f64,
    pub vds_job: f64,
    pub vlan_create: f64,
    pub cpu_model: f64,
    pub chunk: f64,
    pub vm_job: f64,
    /// From the end of the job that creates a VM to its power-on.
    pub power_on: f64,
    /// From power-on until the guest agent reports (§5.4).
    pub os_install: f64,
    pub guest_network_job: f64,
    /// How long SSH of the guest stays away after that job.
    pub guest_ssh: f64,
    pub preinstall: f64,
    /// How late the installer writes its first line.
    pub installer_log: f64,
    /// How long `vlans_count` of a VDS lags behind (§5.2, M).
    pub vlans_count_lag: f64,
    pub session_lifetime: f64,
    /// From the start of the installer to its success line.
    pub installer: f64,
    /// From the success line until CloudTower answers (§7.1: 0–5 min).
    pub tower_ready: f64,
    /// What CloudTower takes its time for.
    pub tower: TowerDurations,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            host_scan: 1.0,
            deploy_answer: 2.0,
            deployment: 1200.0,
            vip_up: 15.0,
            dns_job: 10.0,
            ntp_job: 10.0,
            vds_job: 15.0,
            vlan_create: 0.3,
            cpu_model: 0.5,
            chunk: 0.2,
            vm_job: 8.0,
            power_on: 9.0,
            os_install: 879.0,
            guest_network_job: 10.0,
            guest_ssh: 20.0,
            preinstall: 30.0,
            installer_log: 5.0,
            vlans_count_lag: 0.0,
            session_lifetime: 7.0 * 86_400.0,
            installer: 1200.0,
            tower_ready: 10.0,
            tower: TowerDurations::default(),
        }
    }
}

/// Seconds as a duration; negative and absurd values count as zero.
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or_default()
}
