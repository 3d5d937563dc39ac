//! How long the site itself takes for each step: the simulator's configured durations, without a second of ours.

use std::collections::BTreeMap;

use voyager::sim::Durations;

/// The networks that the example plans.
const NETWORKS: f64 = 4.0;

/// Seconds of site time by step; what is not here takes the site no time worth counting.
pub fn configured() -> BTreeMap<&'static str, f64> {
    let site = Durations::default();
    let tower = &site.tower;
    BTreeMap::from([
        ("init-cluster.scan", site.host_scan),
        ("init-cluster.deploy", deployment(site.deployment)),
        ("config-cluster.vip", site.vip_up),
        ("config-cluster.dns", site.dns_job),
        ("config-cluster.ntp", site.ntp_job),
        ("config-cluster.business-vds", site.vds_job),
        ("config-cluster.vlans", NETWORKS * site.vlan_create),
        ("config-cluster.cpu-model", site.cpu_model),
        ("deploy-cloudtower.vm", site.vm_job),
        ("deploy-cloudtower.guest-agent", site.power_on + site.os_install),
        ("deploy-cloudtower.guest-network", site.guest_network_job),
        ("deploy-cloudtower.resolv-conf", site.guest_ssh),
        ("deploy-cloudtower.installer", site.preinstall + site.installer),
        ("deploy-cloudtower.web", site.tower_ready),
        ("attach-cluster.cluster", tower.connected),
        ("attach-cluster.connected", tower.settings - tower.connected),
        ("config-cloudtower.views", tower.task),
        ("config-cloudtower.graphs", tower.task),
        // Racks, then chassis in them.
        ("config-cloudtower.racks", 2.0 * tower.task),
        ("deploy-observability.package", tower.observability_t1),
        ("deploy-observability.running", tower.observability_vm + tower.observability_health),
        ("deploy-observability.dns", tower.observability_restart),
        ("deploy-observability.cluster", tower.observability_association),
        ("deploy-observability.system-service", tower.observability_service),
        ("deploy-backup.package", tower.package_import + tower.package_record),
        ("deploy-backup.storage-network", tower.task),
        ("deploy-backup.running", tower.backup_task.max(tower.backup_running)),
        ("deploy-backup.cluster", tower.backup_network),
        ("deploy-packages.file-storage", tower.package_import + tower.package_record),
        ("deploy-packages.kubernetes", tower.package_import + tower.package_record),
        ("inspect.job", tower.inspection),
        ("inspect.export", tower.inspection_export),
    ])
}

/// A deployment of so many seconds, and the answer to the request that begins it.
pub fn deployment(seconds: f64) -> f64 {
    Durations::default().deploy_answer + seconds
}
