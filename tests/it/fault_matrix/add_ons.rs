//! The calls for what is deployed beside the cluster: Observability, Backup, packages of applications.

use std::{fs, net::Ipv4Addr};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use voyager::{
    clients::{
        tower::{
            AlertingRule, BackupService, Committed, Instance, Leg, NewBackupService, NewInstance, StorageLeg,
            SystemServiceInstance,
        },
        upload::{AppendSink, Appending, Chunk, ChunkFailure, Opened},
    },
    failure::Result,
};

use super::{
    Row,
    bench::{Bench, Phase, planned},
    kinds::{
        Sort,
        Trouble::{
            Babble, Echo, Empty, Forbidden, GraphqlErrors, Malformed, NotFound, NotOk, Redirect, ServerError,
            Truncated, Unauthorized, WrongType,
        },
    },
    row,
};
use crate::support::tool::project;

/// Asked only where a token does not name its user, which those of the simulated site always do.
pub const UNASKED: [&str; 1] = ["tower.get-users"];

pub fn rows() -> Vec<Row> {
    let mut rows = looks();
    rows.extend(observability());
    rows.extend(backup());
    rows.extend(operator());
    rows.extend(packages());
    rows
}

fn looks() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.cloudTowerApplicationPackages", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.packages_named("another").await.map(drop)
        }),
        row("tower.get-cloudtower-application-packages", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.application_packages().await.map(drop)
        }),
        row("tower.get-everoute-packages", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.everoute_packages().await.map(drop)
        })
        // A list of nothing is shorter than what is left of it.
        .answers(&[Truncated]),
        row("tower.get-cloudtower-applications", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.applications("another").await.map(drop)
        })
        // A list of nothing is shorter than what is left of it.
        .answers(&[Truncated]),
        row("tower.get-backup-services", Sort::Read, Finished, async |b: &Bench| {
            let address = planned().cloudtower.ip.value;
            signed_in(b).await?.arm().tower.backup_services("another", address).await.map(drop)
        })
        // A list of nothing is shorter than what is left of it.
        .answers(&[Truncated]),
        row("tower.getBackupServices", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.backup_service("another").await.map(drop)
        }),
        row("tower.observabilityInstanceAndApps", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().tower.observability().await.map(drop)
        }),
    ]
}

fn observability() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.createBundleApplicationInstance", Sort::Once, Finished, async |b: &Bench| {
            let (cluster, known) = (b.cluster().await?, instance(b).await?);
            let package = known.bundle_application_package.as_ref().expect("its package");
            let spec = known.vm_spec.as_ref().expect("its VM");
            let gateway = address(&spec.gateway);
            let new = NewInstance {
                name: "another",
                package: &package.id,
                cluster: &cluster,
                ip: beside(address(&spec.ip)),
                mask: address(&spec.subnet_mask),
                gateway,
                network: &spec.vlan_id,
            };
            b.arm().tower.create_observability(&new).await.map(drop)
        }),
        row("tower.updateObservabilityNtpUrl", Sort::Probed, Finished, async |b: &Bench| {
            let id = instance(b).await?.id;
            b.arm().tower.set_observability_ntp(&id, &["10.40.8.1".to_owned()]).await.map(drop)
        }),
        row(
            "tower.updateBundleApplicationInstanceConnectClusters",
            Sort::Probed,
            Finished,
            async |b: &Bench| {
                let (cluster, id) = (b.cluster().await?, instance(b).await?.id);
                b.arm().tower.associate_clusters(&id, &[&cluster]).await
            },
        ),
        row("tower.updateObservabilityConnectedSystemServices", Sort::Probed, Finished, async |b: &Bench| {
            let (name, agent) = (
                instance(b).await?.name,
                SystemServiceInstance::of_cloudtower(planned().cloudtower.ip.value),
            );
            b.arm().tower.associate_cloudtower(&name, &rules(), &agent).await
        }),
        row(
            "tower.updateObservabilityConnectedClusterTrafficEnabled",
            Sort::Probed,
            Finished,
            async |b: &Bench| {
                let (cluster, known) = (b.cluster().await?, instance(b).await?);
                let entry = known.connected(&cluster).expect("an associated cluster");
                let association = entry.observability_connected_cluster.as_ref().expect("it works");
                b.arm().tower.enable_traffic(&association.id).await
            },
        ),
    ]
}

fn backup() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.create-vm-vlan", Sort::Probed, Finished, async |b: &Bench| {
            let cluster = b.cluster().await?;
            let vds = b.tower.vdses(&cluster).await?.into_iter().find(|vds| !vds.internal).expect("a VDS").id;
            b.arm().tower.create_vm_vlan(&vds, "another", 999).await.map(drop)
        })
        .believes(&[Empty]),
        row("tower.createBackupService", Sort::Once, Finished, async |b: &Bench| {
            let (cluster, known) = (b.cluster().await?, service(b).await?);
            let package = package(b, BACKUP).await?;
            let new = NewBackupService {
                name: "another",
                package: &package,
                cluster: &cluster,
                management: Leg {
                    ip: beside(address(&known.management_network_ip)),
                    mask: address(&known.management_network_subnet_mask),
                    gateway: address(&known.management_network_gateway),
                    network: known.management_network_vlan,
                },
                storage: StorageLeg {
                    ip: beside(address(&known.storage_network_ip)),
                    mask: address(&known.storage_network_subnet_mask),
                    network: known.storage_network_vlan,
                },
            };
            b.arm().tower.create_backup_service(&new).await.map(drop)
        }),
        row("tower.updateBackupService", Sort::Probed, Finished, async |b: &Bench| {
            let (cluster, id) = (b.cluster().await?, service(b).await?.id);
            b.arm().tower.set_backup_clusters(&id, &[cluster]).await
        }),
    ]
}

/// The service that takes Observability's packages in.
fn operator() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.ovm.create-upload", Sort::Probed, Finished, async |b: &Bench| {
            opened(signed_in(b).await?.arm().tower.ovm_sink(FILE, SIZE).open(whole()).await).map(drop)
        }),
        row("tower.ovm.chunk", Sort::Probed, Finished, async |b: &Bench| {
            let (sink, upload) = (b.tower.ovm_sink(FILE, SIZE), ovm(b).await?);
            b.arm();
            told(sink.append(&upload, whole()).await)
        }),
        row("tower.ovm.upload", Sort::Read, Finished, async |b: &Bench| {
            let (sink, upload) = (b.tower.ovm_sink(FILE, SIZE), ovm(b).await?);
            b.arm();
            sink.stored(&upload).await.map(drop)
        })
        // Where nothing is documented, whatever tells no offset gives the upload up.
        .answers(&[
            Unauthorized,
            Forbidden,
            NotFound,
            ServerError,
            NotOk,
            GraphqlErrors,
            Malformed,
            Truncated,
            Empty,
            WrongType,
            Redirect,
            Echo,
            Babble,
        ]),
        row("tower.ovm.commit", Sort::Probed, Finished, async |b: &Bench| {
            let (sink, upload) = (b.tower.ovm_sink(FILE, SIZE), ovm(b).await?);
            told(sink.append(&upload, whole()).await)?;
            match b.arm().tower.commit_package(FILE, &upload.id).await? {
                Committed::Taken => Ok(()),
                Committed::Refused(failure) => Err(failure),
            }
        })
        .believes(&[Empty]),
    ]
}

/// The two ways of any other package.
fn packages() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("tower.createUploadTask", Sort::Probed, Finished, async |b: &Bench| {
            let sink = signed_in(b).await?.tower.named_package_sink(BACKUP, BACKUP_FILE, SIZE);
            b.arm();
            opened(sink.open(whole()).await).map(drop)
        }),
        row("tower.uploadCloudTowerApplicationPackage", Sort::Probed, Finished, async |b: &Bench| {
            let sink = b.tower.named_package_sink(BACKUP, BACKUP_FILE, SIZE);
            let upload = opened(sink.open(whole()).await)?;
            b.arm();
            told(sink.append(&upload, whole()).await)
        }),
        row("tower.upload-cloudtower-application-package", Sort::Probed, Finished, async |b: &Bench| {
            let sink = signed_in(b).await?.tower.package_sink(BACKUP_FILE, SIZE);
            b.arm();
            opened(sink.open(whole()).await).map(drop)
        }),
        row("tower.get-upload-tasks", Sort::Read, Finished, async |b: &Bench| {
            let upload = opened(b.tower.named_package_sink(BACKUP, BACKUP_FILE, SIZE).open(whole()).await)?;
            b.arm().tower.upload_task(&upload.id).await.map(drop)
        }),
        row("tower.cancel-upload-task", Sort::Probed, Finished, async |b: &Bench| {
            let upload = opened(b.tower.named_package_sink(BACKUP, BACKUP_FILE, SIZE).open(whole()).await)?;
            b.arm().tower.cancel_upload_task(&upload.id).await
        })
        .answers(&[NotFound])
        .believes(&[Empty]),
        row("tower.deploy-cloudtower-application", Sort::Once, Finished, async |b: &Bench| {
            let (cluster, package) = (b.cluster().await?, package(b, BACKUP).await?);
            let vms = json!({"instances": [{"cluster": cluster}]});
            b.arm().tower.deploy_application("another", &package, &vms).await.map(drop)
        }),
    ]
}

const FILE: &str = "Observability-X86_64-v1.9.9-release.20260101-1.tar.gz";
/// What CloudTower calls the package of the backup service, and the name of such a file.
const BACKUP: &str = "iomesh-backup";
const BACKUP_FILE: &str = "smtx-backup-dr-x86_64-9.9.9.tar.gz";
/// It begins like an archive.
const DATA: &[u8] = b"\x1f\x8ba package of one chunk";
const SIZE: u64 = DATA.len() as u64;

fn whole() -> Chunk {
    Chunk { number: 0, start: 0, bytes: Bytes::from_static(DATA), last: true }
}

fn opened(result: Result<Opened, ChunkFailure>) -> Result<Appending> {
    result.map(|opened| opened.upload).map_err(|chunk| chunk.failure)
}

fn told(result: Result<(), ChunkFailure>) -> Result<()> {
    result.map_err(|chunk| chunk.failure)
}

async fn ovm(b: &Bench) -> Result<Appending> {
    opened(b.tower.ovm_sink(FILE, SIZE).open(whole()).await)
}

/// With token and cookie.
async fn signed_in(b: &Bench) -> Result<&Bench> {
    b.tower.packages_named("another").await?;
    b.tower.application_packages().await?;
    Ok(b)
}

async fn instance(b: &Bench) -> Result<Instance> {
    let known = signed_in(b).await?.tower.observability().await?;
    Ok(known.instances.into_iter().next().expect("an Observability"))
}

async fn service(b: &Bench) -> Result<BackupService> {
    let ip = planned().backup.ip.as_ref().expect("a planned service").value;
    let known = signed_in(b).await?.tower.backup_services("bak", ip).await?;
    Ok(known.into_iter().next().expect("a backup service"))
}

async fn package(b: &Bench, name: &str) -> Result<String> {
    let known = signed_in(b).await?.tower.packages_named(name).await?;
    Ok(known.into_iter().next().expect("a package").id)
}

fn address(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

/// Another address of the same network.
fn beside(ip: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(ip) ^ 0b1000)
}

fn rules() -> Vec<AlertingRule> {
    #[derive(Deserialize)]
    struct File {
        rules: Vec<AlertingRule>,
    }
    let text = fs::read_to_string(project("templates/observability/alert-rules.toml")).expect("the rules");
    toml::from_str::<File>(&text).expect("they are rules").rules
}
