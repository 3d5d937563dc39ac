//! The attached cluster as CloudTower describes it: also the only place that shows DNS and NTP of the cluster
//! (site-behaviour §7.4).

use std::net::Ipv4Addr;

use crate::{
    clients::tower::{Cluster, Find, TowerReader},
    engine::handle::Handle,
    failure::Result,
    messages::message,
    plan::{Plan, model::Host},
    stages::{
        facts::SERIAL,
        verify::{
            row::{Row, Wanted, set},
            table::Table,
        },
        world::{WorldRead, evidence},
    },
};

const ATTACH: &str = "attach-cluster.cluster";

type Rows<'a> = Vec<Wanted<'a, Vec<Cluster>>>;

/// The cluster, when CloudTower has it; one question shows everything.
pub async fn read(
    world: &WorldRead,
    handle: &Handle,
    tower: &TowerReader,
    table: &mut Table,
) -> Result<Option<Cluster>> {
    let plan = &world.plan;
    let vip = plan.cluster.vip.value;
    let mut rows = identity(plan, vip);
    if let Some(serial) = handle.fact(&SERIAL) {
        let row = Row::derived("cluster.licence", message("stages.verify.licence", &[]), &serial);
        rows.push(shown(row.ignoring_case(), vip, |cluster| cluster.local_id.clone()));
    }
    rows.extend(services(plan, vip));
    rows.extend(plan.hosts.iter().flat_map(|host| self::host(host, vip)));
    rows.extend(switches(plan, vip));
    let question = tower.clusters(Find::Name(&plan.cluster.name.value));
    let found = table.ask(rows, question, || tower.last_read()).await?;
    not_planned(plan, table);
    let cluster = found.and_then(|all| ours(&all, vip).cloned());
    cpu(cluster.as_ref(), tower, table);
    Ok(cluster)
}

fn ours(all: &[Cluster], vip: Ipv4Addr) -> Option<&Cluster> {
    all.iter().find(|cluster| cluster.is_at(vip)).or_else(|| all.first())
}

fn shown<'a>(
    row: Row,
    vip: Ipv4Addr,
    find: impl Fn(&Cluster) -> Option<String> + 'a,
) -> Wanted<'a, Vec<Cluster>> {
    row.shown(move |all: &Vec<Cluster>| find(ours(all, vip)?))
}

fn identity(plan: &Plan, vip: Ipv4Addr) -> Rows<'_> {
    let cluster = &plan.cluster;
    let datacenter = &plan.project.datacenter_name;
    let state = Row::derived("cluster.connect_state", message("stages.verify.connection", &[]), "CONNECTED");
    let of_datacenter = Row::of("cluster.datacenter", datacenter);
    let of_datacenter = of_datacenter.titled(message("stages.verify.datacenter", &[]));
    let mut rows = vec![
        shown(Row::of("cluster.name", &cluster.name).made_by(ATTACH), vip, |found| Some(found.name.clone())),
        shown(Row::of("cluster.vip", &cluster.vip).made_by(ATTACH), vip, |found| {
            found.management_vip.clone().or_else(|| Some(found.ip.clone()))
        }),
        shown(state.made_by("attach-cluster.connected"), vip, |found| Some(found.connect_state.to_string())),
        shown(of_datacenter.made_by(ATTACH), vip, move |found| {
            let named = found.datacenters.iter().find(|one| one.name == datacenter.value);
            named.or_else(|| found.datacenters.first()).map(|one| one.name.clone())
        }),
    ];
    if let Some(version) = &cluster.smtx_version {
        let row = Row::of("cluster.smtx_version", version).beginning();
        rows.push(shown(row, vip, |found| Some(found.version.clone()).filter(|version| !version.is_empty())));
    }
    rows
}

/// Stage 03 could only send these.
fn services(plan: &Plan, vip: Ipv4Addr) -> Rows<'_> {
    let listed = |found: String| Some(found).filter(|found| !found.is_empty());
    let mut rows = Vec::new();
    if let Some(first) = plan.dns.servers.first() {
        let planned = set(plan.dns.servers.iter().map(|server| server.value));
        let row = Row::at("dns.servers", &first.cell, &planned).made_by("config-cluster.dns");
        rows.push(shown(row, vip, move |found| listed(set(&found.dns))));
    }
    if let Some(first) = plan.ntp.servers.first() {
        const NTP: &str = "config-cluster.ntp";
        let planned = set(plan.ntp.servers.iter().map(|server| server.value.to_lowercase()));
        let row = Row::at("ntp.servers", &first.cell, &planned).made_by(NTP);
        rows.push(shown(row, vip, move |found| {
            listed(set(found.ntp_servers.iter().map(|server| server.to_lowercase())))
        }));
        let mode = Row::derived("ntp.mode", message("stages.verify.ntp_mode", &[]), "EXTERNAL").made_by(NTP);
        rows.push(shown(mode, vip, |found| found.ntp_mode.clone()));
    }
    rows
}

fn not_planned(plan: &Plan, table: &mut Table) {
    if plan.dns.servers.is_empty() {
        table.not_planned(Row::blank("dns.servers[]"), message("stages.dns.none", &[]));
    }
    if plan.ntp.servers.is_empty() {
        table.not_planned(Row::blank("ntp.servers[]"), message("stages.ntp.none", &[]));
    }
}

/// Known by its address: one that is missing lacks its name as well.
fn host(host: &Host, vip: Ipv4Addr) -> Rows<'_> {
    let key = |name: &str| format!("hosts[{}].{name}", host.index);
    let (name, address) = (host.hostname.value.as_str(), host.mgmt_ip.to_string());
    let by_address = address.clone();
    vec![
        shown(Row::of(key("hostname"), &host.hostname).whose(&address), vip, move |found| {
            let known = found.hosts.iter().find(|known| known.management_ip == by_address);
            known.map(|known| known.name.clone())
        }),
        shown(Row::of(key("mgmt_ip"), &host.mgmt_ip).whose(name), vip, move |found| {
            found.hosts.iter().find(|known| known.management_ip == address).map(|_| address.clone())
        }),
    ]
}

fn switches(plan: &Plan, vip: Ipv4Addr) -> Rows<'_> {
    let all = [("mgmt", Some(&plan.vds.mgmt)), ("storage", Some(&plan.vds.storage))];
    let all = all.into_iter().chain([("business", plan.vds.business.as_ref())]);
    let planned = all.filter_map(|(role, vds)| Some((role, vds?)));
    let rows = planned.map(|(role, vds)| {
        let row = Row::of(format!("vds.{role}.name"), &vds.name).ignoring_case();
        shown(row, vip, move |found| {
            let known = found.vdses.iter().find(|one| one.name.eq_ignore_ascii_case(&vds.name.value));
            known.map(|known| known.name.clone())
        })
    });
    rows.collect()
}

/// The planned model is the first one that is recommended.
fn cpu(cluster: Option<&Cluster>, tower: &TowerReader, table: &mut Table) {
    let row = |planned: &str| Row::derived("cluster.cpu_model", message("stages.cpu.what", &[]), planned);
    let Some(cluster) = cluster else {
        return table.unread([row("-")], &message("stages.verify.no_recommendation", &[]));
    };
    let Some(model) = cluster.recommended_cpu_models.first() else {
        return table.not_planned(row(""), message("stages.cpu.none", &[]));
    };
    let found = cluster.current_cpu_model.as_deref().unwrap_or("-");
    table.push(row(model).made_by("config-cluster.cpu-model").found(found, tower.last_read().map(evidence)));
}
