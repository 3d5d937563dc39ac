//! The calls for what is deployed beside the cluster: Observability, Backup, packages of applications.

use voyager::failure::Result;

use super::{
    Row,
    bench::{Bench, Phase, planned},
    kinds::{Sort, Trouble::Empty},
    row,
};

/// Operations that the clients know and that have no row yet: what comes before them takes more than a line. Whole
/// runs disturb those of them that act (`VOYAGER_FAULTS=all`).
pub const AWAITED: [&str; 19] = [
    "ssh.restart",
    "tower.cancel-upload-task",
    "tower.createBackupService",
    "tower.createBundleApplicationInstance",
    "tower.createUploadTask",
    "tower.deploy-cloudtower-application",
    "tower.get-upload-tasks",
    "tower.get-users",
    "tower.ovm.chunk",
    "tower.ovm.commit",
    "tower.ovm.create-upload",
    "tower.ovm.upload",
    "tower.updateBackupService",
    "tower.updateBundleApplicationInstanceConnectClusters",
    "tower.updateObservabilityConnectedClusterTrafficEnabled",
    "tower.updateObservabilityConnectedSystemServices",
    "tower.updateObservabilityNtpUrl",
    "tower.upload-cloudtower-application-package",
    "tower.uploadCloudTowerApplicationPackage",
];

pub fn rows() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.create-vm-vlan", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let vds = b.tower.vdses(&cluster).await?.into_iter().find(|vds| !vds.internal).expect("a VDS").id;
            b.arm().tower.create_vm_vlan(&vds, "another", 999).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.cloudTowerApplicationPackages", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.packages_named("another").await.map(drop)
        }),
        row("tower.get-cloudtower-application-packages", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.application_packages().await.map(drop)
        }),
        row("tower.get-everoute-packages", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.everoute_packages().await.map(drop)
        }),
        row("tower.get-cloudtower-applications", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.applications("another").await.map(drop)
        }),
        row("tower.get-backup-services", Sort::Read, Finished, async |b: &Bench| {
            let address = planned().cloudtower.ip.value;
            signed_in(b).await?.arm().tower.backup_services("another", address).await.map(drop)
        }),
        row("tower.getBackupServices", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.backup_service("another").await.map(drop)
        }),
        row("tower.observabilityInstanceAndApps", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.observability().await.map(drop)
        }),
    ]
}

/// With token and cookie.
async fn signed_in(b: &Bench) -> Result<&Bench> {
    b.tower.application_packages().await?;
    Ok(b)
}
