//! The calls of the cluster API ("fisheye").

use std::net::Ipv4Addr;

use bytes::Bytes;
use voyager::{
    clients::{
        fisheye::{BondMode, BusinessHost, GuestNetwork, IpmiAccount, NewVds, NewVm, Vm, VmNetwork},
        upload::ChunkSink,
    },
    failure::Result,
    secret::Secret,
    sim::site::State,
};

use super::{
    Row,
    bench::{Bench, Phase, planned},
    kinds::{
        ANSWERS, Sort,
        Trouble::{Empty, Forbidden, GraphqlErrors, NotFound, NotOk, Truncated, Unauthorized, WrongType},
    },
    row,
};

const DNS: Ipv4Addr = Ipv4Addr::new(10, 7, 3, 53);
const DATA: &[u8] = b"CD001 and a little more";

pub fn rows() -> Vec<Row> {
    let mut rows = before();
    rows.extend(settings());
    rows.extend(networks());
    rows.extend(images());
    rows.extend(machines());
    rows
}

/// Until there is a cluster with an account.
fn before() -> Vec<Row> {
    use Phase::{Bare, Configured, Deployed};
    vec![
        row("fisheye.scan.host", Sort::Read, Bare, async |b: &Bench| {
            b.arm().fisheye.scan_host(b.fisheye.addresses().first).await.map(drop)
        })
        .open(),
        row("fisheye.scan.cluster", Sort::Read, Bare, async |b: &Bench| {
            b.arm().fisheye.scan_cluster().await.map(drop)
        })
        .open()
        // It may find nobody, and then says nothing (api-fisheye §3.2).
        .answers(&[Empty]),
        row("fisheye.deploy", Sort::Once, Bare, async |b: &Bench| b.deploy().await).open(),
        row("fisheye.deploy.status", Sort::Look, Deployed, async |b: &Bench| {
            b.arm().fisheye.deploy_status().await.map(drop)
        })
        .open(),
        row("fisheye.deploy.verify", Sort::Look, Deployed, async |b: &Bench| {
            b.arm().fisheye.deploy_verify().await.map(drop)
        })
        .open(),
        row("fisheye.deploy.verify", Sort::Read, Deployed, async |b: &Bench| {
            b.arm().fisheye.clock(b.fisheye.addresses().first).await.map(drop)
        })
        .open()
        // Any answer has a date.
        .answers(&ANSWERS),
        row("fisheye.setup_root", Sort::Probed, Deployed, async |b: &Bench| {
            b.arm().fisheye.set_up_root().await
        })
        .open()
        // Nothing of the answer is needed; the login that follows tells.
        .believes(&[GraphqlErrors]),
        row("fisheye.sessions", Sort::Poll, Configured, async |b: &Bench| {
            b.arm().fisheye.log_in_at(b.fisheye.addresses().first).await.map(drop)
        })
        .open()
        .answers(&[Unauthorized, Forbidden, NotFound]),
        row("fisheye.sessions", Sort::Read, Configured, async |b: &Bench| {
            b.arm().fisheye.licence().await.map(drop)
        })
        .open(),
    ]
}

fn settings() -> Vec<Row> {
    use Phase::Configured;
    vec![
        row("fisheye.job", Sort::Read, Configured, async |b: &Bench| {
            let job = b.fisheye.set_dns(&[DNS]).await?.job_id.expect("a job");
            b.arm().fisheye.job(&job).await.map(drop)
        })
        .answers(&[NotFound, NotOk]),
        row("fisheye.vip", Sort::Probed, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.set_vip(b.fisheye.addresses().vip).await.map(drop)
        }),
        row("fisheye.dns", Sort::Probed, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.set_dns(&[DNS]).await.map(drop)
        }),
        row("fisheye.ntp", Sort::Probed, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.set_ntp(&["ntp.made-up.example".into()]).await.map(drop)
        }),
        row("fisheye.ipmi", Sort::Probed, Configured, async |b: &Bench| {
            let host = b.fisheye.scan_member(b.fisheye.addresses().first).await?.expect("a member");
            let account = IpmiAccount {
                host_uuid: host.host_uuid,
                hostname: "node-0".into(),
                address: Ipv4Addr::new(10, 7, 2, 11),
                user: "admin".into(),
                password: Secret::from("bmc-Passw0rd"),
            };
            signed_in(b).await?.arm().fisheye.upsert_ipmi(&[account]).await.map(drop)
        }),
        row("fisheye.licence", Sort::Read, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.licence().await.map(drop)
        }),
        row("fisheye.cpu.recommended", Sort::Read, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.recommended_cpu_models().await.map(drop)
        })
        // Read as the list that it is.
        .answers(&[WrongType]),
        row("fisheye.cpu.read", Sort::Read, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.cpu_model().await.map(drop)
        }),
        row("fisheye.cpu.write", Sort::Probed, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.set_cpu_model("EPYC").await
        }),
        row("fisheye.storage_policies", Sort::Read, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.storage_policies().await.map(drop)
        }),
    ]
}

fn networks() -> Vec<Row> {
    use Phase::Configured;
    vec![
        row("fisheye.vds.list", Sort::Read, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.vdses().await.map(drop)
        }),
        row("fisheye.vds.detail", Sort::Read, Configured, async |b: &Bench| {
            let vds = switch(b).await?;
            b.arm().fisheye.vds(&vds).await.map(drop)
        }),
        row("fisheye.vds.create", Sort::Probed, Configured, async |b: &Bench| {
            let mut hosts = Vec::new();
            for number in 11..=13 {
                let host = b.fisheye.scan_member(Ipv4Addr::new(10, 7, 0, number)).await?.expect("a member");
                hosts.push(BusinessHost {
                    host_uuid: host.host_uuid,
                    nics: vec!["ens5".into(), "ens6".into()],
                    storage: Ipv4Addr::new(10, 7, 1, number),
                });
            }
            let vds = NewVds { name: "VDS-BIZ".into(), bond_mode: BondMode::ActiveBackup, hosts };
            signed_in(b).await?.arm().fisheye.create_vds(&vds).await.map(drop)
        }),
        row("fisheye.vlan.list", Sort::Read, Configured, async |b: &Bench| {
            let vds = switch(b).await?;
            b.arm().fisheye.vlans(&vds).await.map(drop)
        }),
        row("fisheye.vlan.create", Sort::Probed, Configured, async |b: &Bench| {
            let vds = switch(b).await?;
            b.arm().fisheye.create_vlan(&vds, "VLAN-210", 210).await.map(drop)
        }),
    ]
}

fn images() -> Vec<Row> {
    use Phase::Configured;
    let size = DATA.len() as u64;
    vec![
        row("fisheye.image.list", Sort::Read, Configured, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.images().await.map(drop)
        }),
        row("fisheye.image.create", Sort::Probed, Configured, async move |b: &Bench| {
            let sink = signed_in(b).await?.fisheye.image_sink("made-up.iso", size, "made by a test");
            b.arm();
            sink.create().await.map(drop)
        }),
        row("fisheye.image.chunk", Sort::Probed, Configured, async move |b: &Bench| {
            let sink = b.fisheye.image_sink("made-up.iso", size, "made by a test");
            send(b, &sink).await
        }),
        row("fisheye.image.delete", Sort::Probed, Configured, async move |b: &Bench| {
            let volume = b.fisheye.image_sink("made-up.iso", size, "made by a test").create().await?;
            b.arm().fisheye.delete_image(&volume.image_uuid).await
        })
        .answers(&[NotFound]),
        row("fisheye.svt.create_volume", Sort::Probed, Configured, async move |b: &Bench| {
            let sink = signed_in(b).await?.fisheye.tools_sink("SMTX_VMTOOLS-9.9.9-1.iso", size);
            b.arm();
            sink.create().await.map(drop)
        }),
        row("fisheye.svt.upload_template", Sort::Probed, Configured, async move |b: &Bench| {
            let sink = b.fisheye.tools_sink("SMTX_VMTOOLS-9.9.9-1.iso", size);
            send(b, &sink).await
        }),
    ]
}

fn machines() -> Vec<Row> {
    use Phase::Finished;
    vec![
        row("fisheye.vm.list", Sort::Read, Finished, async |b: &Bench| {
            signed_in(b).await?.arm().fisheye.vms().await.map(drop)
        })
        .answers(&[NotFound, NotOk, WrongType, Empty, Truncated]),
        row("fisheye.vm.detail", Sort::Read, Finished, async |b: &Bench| {
            let vm = machine(b).await?;
            b.arm().fisheye.vm(&vm.uuid).await.map(drop)
        })
        .answers(&[NotFound, NotOk]),
        row("fisheye.vm.create", Sort::Once, Finished, async |b: &Bench| {
            let image = b.fisheye.images().await?.into_iter().next().expect("an image");
            let policy = b.fisheye.storage_policies().await?.into_iter().next().expect("a policy");
            let vm = NewVm {
                name: "another".into(),
                description: "made by a test".into(),
                network: network(b).await?,
                storage_policy_uuid: policy.uuid,
                image_path: image.path,
            };
            b.arm().fisheye.create_vm(&vm).await.map(drop)
        })
        .believes(&[Empty]),
        row("fisheye.vm.update", Sort::Probed, Finished, async |b: &Bench| {
            let vm = machine(b).await?;
            let guest = GuestNetwork {
                network: network(b).await?,
                mac_address: vm.nics[0].mac_address.clone(),
                address: planned().cloudtower.ip.value,
                netmask: Ipv4Addr::new(255, 255, 255, 0),
                gateway: planned().networks.mgmt.gateway.value,
            };
            b.arm().fisheye.set_guest_network(&vm.uuid, &guest).await.map(drop)
        }),
    ]
}

/// Logged in, so that the trouble meets nothing but its operation.
async fn signed_in(b: &Bench) -> Result<&Bench> {
    b.fisheye.licence().await?;
    Ok(b)
}

async fn switch(b: &Bench) -> Result<String> {
    let vdses = b.fisheye.vdses().await?;
    Ok(vdses.into_iter().find(|vds| vds.name == "VDS-MGT").expect("the switch of the deployment").uuid)
}

/// The CloudTower VM, whose id no list tells for sure.
async fn machine(b: &Bench) -> Result<Vm> {
    let first = |state: &State| state.cluster.vms().next().map(|vm| vm.uuid.clone());
    let uuid = b.site.site().with(|state, _| first(state)).expect("the CloudTower VM");
    Ok(b.fisheye.vm(&uuid).await?.expect("it is there"))
}

async fn network(b: &Bench) -> Result<VmNetwork> {
    let vm = machine(b).await?;
    Ok(VmNetwork { vlan_uuid: vm.nics[0].vlan_uuid.clone(), ovs: vm.nics[0].ovs.clone() })
}

async fn send(b: &Bench, sink: &impl ChunkSink) -> Result<()> {
    let volume = sink.create().await?;
    b.arm();
    sink.send(&volume, 0, Bytes::from_static(DATA).into()).await.map(drop).map_err(|chunk| chunk.failure)
}
