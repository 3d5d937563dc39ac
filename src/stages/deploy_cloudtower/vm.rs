//! `deploy-cloudtower.vm`: the CloudTower VM, made exactly once (api-fisheye §8.2). Its proof is the job, the
//! journal, or the list of VMs as far as the cluster gives one; where none of them knows, the operator decides.

use futures_util::future::join_all;

use super::{image, network};
use crate::{
    clients::{
        dial::Endpoint,
        fisheye::{JobState, NewVm, Reader, Vm, VmNic},
        probe::Reach,
        trust::Protocol,
    },
    engine::{Fact, Facts, OnceProbe, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        facts::TOWER_VM,
        jobs::{self, JOB},
        world::{World, WorldRead},
    },
    text::Text,
};

/// The policy that every deployment has (§8.1).
const POLICY: &str = "default";

/// Its network card, for the record.
const NIC: Fact<VmNic> = Fact::new("tower_nic");

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<OnceProbe> {
    let cluster = world.cluster(handle);
    if let Some(uuid) = handle.fact(&TOWER_VM) {
        return Ok(match cluster.vm(&uuid).await? {
            Some(vm) => done(&vm),
            None => OnceProbe::Unproved(message("stages.tower_vm.gone", &[("uuid", &uuid)])),
        });
    }
    let name = &world.plan.cloudtower.vm_name.value;
    if let Some(vm) = made_by_job(handle, &cluster, name).await? {
        return Ok(done(&vm));
    }
    let mut named = cluster.vms().await?.unwrap_or_default();
    named.retain(|vm| vm.name == *name);
    match named.as_slice() {
        [vm] => {
            if !handle.begun() {
                handle.note(message("stages.tower_vm.found", &[("name", name), ("uuid", &vm.uuid)]));
            }
            return Ok(done(vm));
        }
        [] => {}
        several => {
            let uuids = several.iter().map(|vm| vm.uuid.as_str()).collect::<Vec<_>>().join(", ");
            let args: [(&str, &dyn crate::text::Say); 3] =
                [("count", &several.len()), ("name", name), ("uuids", &uuids)];
            return Ok(OnceProbe::Conflict(message("stages.tower_vm.several", &args)));
        }
    }
    if !handle.begun()
        && let Some(stranger) = stranger(world, handle).await?
    {
        return Ok(OnceProbe::Conflict(stranger));
    }
    Ok(OnceProbe::Unproved(message("stages.tower_vm.unproved", &[("name", name)])))
}

fn done(vm: &Vm) -> OnceProbe {
    let facts = Facts::none().with(&TOWER_VM, &vm.uuid);
    OnceProbe::Done(match vm.nics.first() {
        Some(nic) => facts.with(&NIC, nic),
        None => facts,
    })
}

async fn made_by_job(handle: &Handle, cluster: &Reader, name: &str) -> Result<Option<Vm>> {
    let Some(job) = handle.remembered(&JOB) else { return Ok(None) };
    let JobState::Done(job) = cluster.job(&job).await? else { return Ok(None) };
    match job.vm(name) {
        Some(uuid) => cluster.vm(uuid).await,
        None => Ok(None),
    }
}

/// Nothing of ours stands there yet, so that nobody may answer at CloudTower's address (api-cloudtower §2).
async fn stranger(world: &WorldRead, handle: &Handle) -> Result<Option<Text>> {
    let ip = &world.plan.cloudtower.ip;
    let reach = join_all([443, 22].map(|port| world.dialler.probe(Endpoint::new(ip.value, port)))).await;
    let tower = cloudtower_answers(world, handle, &reach[0]).await?;
    let args: [(&str, &dyn crate::text::Say); 2] = [("address", &ip.value), ("cell", &ip.cell)];
    if !tower && !reach.iter().any(Reach::occupied) {
        return Ok(None);
    }
    Ok(Some(match tower {
        true => message("stages.tower_vm.other_tower", &args),
        false => message("stages.tower_vm.address_taken", &args),
    }))
}

/// Whether a CloudTower is behind CloudTower's address, of whose port 443 a bare probe said `reach`: through a
/// bastion that proves nothing, and an answer does.
pub async fn cloudtower_answers(world: &WorldRead, handle: &Handle, reach: &Reach) -> Result<bool> {
    match reach {
        Reach::Open | Reach::Unproved(_) => match world.tower(handle).is_cloudtower().await {
            // It is not to be trusted, so whatever it is, it is not ours.
            Err(failure) if failure.kind == Kind::Site => Ok(false),
            looked => looked,
        },
        Reach::Refused | Reach::Silent => Ok(false),
    }
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let image = handle.need(&image::IMAGE)?;
    let plan = world.plan();
    let fisheye = world.fisheye(handle);
    let storage_policy_uuid = policy(&fisheye).await?;
    let network = network::find(plan, &fisheye).await?;
    expect_new_identities(world.read());
    let vm = NewVm {
        name: plan.cloudtower.vm_name.value.clone(),
        description: image::DESCRIPTION.to_owned(),
        network,
        storage_policy_uuid,
        image_path: image.path,
    };
    let started = fisheye.create_vm(&vm).await?;
    jobs::remember(handle, &started)
}

async fn policy(cluster: &Reader) -> Result<String> {
    let policies = cluster.storage_policies().await?;
    if let Some(policy) = policies.iter().find(|policy| policy.name == POLICY) {
        return Ok(policy.uuid.clone());
    }
    let names = policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>().join(", ");
    let doing = message("stages.tower_vm.finding_policy", &[("name", &POLICY)]);
    Err(Failure::new(Kind::Site, doing)
        .answer(Text::same(names))
        .meaning(message("stages.tower_vm.no_policy", &[("name", &POLICY)])))
}

/// A new guest makes its own certificate and host key.
fn expect_new_identities(world: &WorldRead) {
    let address = world.plan.cloudtower.ip.value;
    world.trust.expect_change(Protocol::Tls, Endpoint::new(address, 443));
    world.trust.expect_change(Protocol::Ssh, Endpoint::new(address, 22));
}
