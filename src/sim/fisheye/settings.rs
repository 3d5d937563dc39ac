//! Cluster settings: VIP, DNS, NTP, IPMI accounts, licence, CPU model (api-fisheye §6.1–6.4, 6.7).

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        durations,
        exchange::{Answer, Outcome, Refused},
        site::State,
        strict,
        variants::VipAnswer,
    },
    Visit,
    jobs::Effect,
};

/// What a node knows of its management controller.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ipmi {
    pub node_name: String,
    pub host: Ipv4Addr,
    pub user: String,
    pub password: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Licence {
    pub serial: String,
    /// Seconds since the epoch.
    pub sign_date: i64,
}

#[derive(Serialize, Deserialize)]
struct VipBody {
    /// Null.
    iscsi_vip: (),
    management_vip: Ipv4Addr,
}

/// `PUT settings/vip`; only nodes take it.
pub fn vip(visit: &mut Visit<'_>) -> Outcome {
    let body: VipBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    if visit.state.twin.host_at(visit.call.address).is_none() {
        return Err(Refused::Shape("the VIP is set at a node, not at the VIP".into()));
    }
    let vip = body.management_vip;
    // Any other address would be silent for ever in this twin, and outside the plan.
    if visit.state.twin.plan.vip.is_some_and(|planned| planned != vip) {
        visit.state.breach(visit.now, visit.call.address, "fisheye.vip", "a VIP that the plan does not name");
    }
    if visit.state.twin.plan.hosts.iter().any(|host| host.mgmt_ip == vip || host.storage_ip == vip) {
        return Err(Refused::form("management_vip", "the address is in use"));
    }
    let same = visit.state.cluster.vip.is_some_and(|(address, _)| address == vip);
    if !same {
        const NEVER: f64 = 1e9;
        let delay = if visit.state.quirks.vip_never { NEVER } else { visit.state.durations.vip_up };
        visit.state.cluster.vip = Some((vip, visit.now.plus(durations::seconds(delay))));
    }
    visit.state.ledger.vip_writes.add(visit.now);
    match visit.state.variants.vip_answer {
        VipAnswer::Plain => Ok(Answer::eok(json!({}))),
        VipAnswer::Job => {
            let seconds = visit.state.durations.vip_up;
            let message = ("设置管理虚拟 IP", "Set management VIP");
            Ok(visit.start_job("SET_MANAGEMENT_VIP", seconds, Effect::Nothing, json!({}), message))
        }
    }
}

#[derive(Serialize, Deserialize)]
struct DnsBody {
    dns_servers: Vec<String>,
}

/// `PUT settings/dns`: addresses only.
pub fn dns(visit: &mut Visit<'_>) -> Outcome {
    let body: DnsBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    if body.dns_servers.is_empty()
        || body.dns_servers.iter().any(|server| server.parse::<Ipv4Addr>().is_err())
    {
        return Err(Refused::form("dns_servers", "one or more IP addresses"));
    }
    visit.state.ledger.dns_writes.add(visit.now);
    let seconds = visit.state.durations.dns_job;
    let effect = Effect::SetDns(body.dns_servers);
    Ok(visit.start_job("SET_DNS_SERVERS", seconds, effect, json!({}), ("设置 DNS 服务器", "Set DNS servers")))
}

#[derive(Serialize, Deserialize)]
struct NtpBody {
    ntp_mode: String,
    ntp_servers: Vec<String>,
}

/// `PUT settings/ntp`: addresses or names.
pub fn ntp(visit: &mut Visit<'_>) -> Outcome {
    let body: NtpBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    if body.ntp_mode != "external" {
        return Err(Refused::form("ntp_mode", "must be external"));
    }
    if body.ntp_servers.is_empty() || body.ntp_servers.iter().any(String::is_empty) {
        return Err(Refused::form("ntp_servers", "one or more servers"));
    }
    visit.state.ledger.ntp_writes.add(visit.now);
    let seconds = visit.state.durations.ntp_job;
    let effect = Effect::SetNtp(body.ntp_mode, body.ntp_servers);
    Ok(visit.start_job("SET_NTP_SERVERS", seconds, effect, json!({}), ("设置 NTP 服务器", "Set NTP servers")))
}

#[derive(Serialize, Deserialize)]
struct IpmiBody {
    accounts: Vec<IpmiAccount>,
}

#[derive(Serialize, Deserialize)]
struct IpmiAccount {
    node_uuid: String,
    node_name: String,
    host: Ipv4Addr,
    user: String,
    password: String,
}

/// `POST ipmi/upsert_accounts`: EOK even when every account is wrong (S).
pub fn ipmi(visit: &mut Visit<'_>) -> Outcome {
    let body: IpmiBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    let nodes: BTreeSet<&str> = body.accounts.iter().map(|account| account.node_uuid.as_str()).collect();
    if nodes.is_empty() || nodes.len() != body.accounts.len() {
        return Err(Refused::form("accounts", "one per node, at least one"));
    }
    let (mut success, mut failure) = (Vec::new(), Vec::new());
    for account in body.accounts {
        let known = visit.state.cluster.deployment.is_member(&account.node_uuid);
        let there = visit.state.twin.plan.hosts.iter().any(|host| host.bmc_ip == Some(account.host));
        let valid = known
            && there
            && !visit.state.quirks.silent.contains(&account.host)
            && !visit.state.quirks.invalid_bmc.contains(&account.host);
        let item = json!({
            "node_uuid": account.node_uuid, "node_name": account.node_name, "host": account.host, "port": 623,
            "user": account.user, "is_valid": valid, "interface": "lanplus",
        });
        if valid {
            success.push(item)
        } else {
            failure.push(item)
        }
        if known {
            let tally = visit.state.ledger.ipmi_upserts.entry(account.node_uuid.clone()).or_default();
            tally.add(visit.now);
            let IpmiAccount { node_uuid, node_name, host, user, password } = account;
            visit.state.cluster.ipmi.insert(node_uuid, Ipmi { node_name, host, user, password });
        }
    }
    Ok(Answer::eok(json!({"success": success, "failure": failure})))
}

/// `GET tools/license`.
pub fn licence(visit: &mut Visit<'_>) -> Outcome {
    let Some(licence) = &visit.state.cluster.licence else {
        return Err(Refused::With(Answer::failure(500, "SIM_NO_LICENCE", "no licence", &json!(""))));
    };
    Ok(Answer::eok(json!({
        "serial": licence.serial, "sign_date": licence.sign_date, "period": 2_592_000, "license_type": "TRIAL",
        "software_edition": "ENTERPRISE", "max_chunk_num": 255, "max_physical_data_capacity": 0,
        "max_physical_data_capacity_per_node": 0, "mode": "HCI", "vendor": "SMTX", "pricing_type": "TRIAL",
        "maintenance_start_date": 0, "maintenance_period": 0,
        "license_capabilities": {"has_metrox": true, "has_remote_backup": true},
    })))
}

/// `GET elf/cluster_recommended_cpu_models`.
pub fn cpu_models(visit: &mut Visit<'_>) -> Outcome {
    Ok(Answer::eok(json!({"cpu_models": visit.state.recommended_cpu_models()})))
}

impl State {
    /// The models that all hosts can offer, best first.
    pub(super) fn recommended_cpu_models(&self) -> Vec<String> {
        self.quirks.cpu_models.clone().unwrap_or_else(|| vec!["EPYC".to_owned()])
    }
}

/// `GET elf/cluster_cpu_compatibility`.
pub fn cpu_model(visit: &mut Visit<'_>) -> Outcome {
    Ok(Answer::eok(json!({"cpu_model": visit.state.cluster.cpu_model})))
}

#[derive(Serialize, Deserialize)]
struct CpuBody {
    cpu_model: String,
}

/// `PUT elf/cluster_cpu_compatibility`.
pub fn set_cpu_model(visit: &mut Visit<'_>) -> Outcome {
    let body: CpuBody = strict::body(visit.call, visit.state.quirks.lenient)?;
    if body.cpu_model != "host_passthrough" && !visit.state.recommended_cpu_models().contains(&body.cpu_model)
    {
        return Err(Refused::form("cpu_model", "unknown model"));
    }
    visit.state.cluster.cpu_model = body.cpu_model;
    visit.state.ledger.cpu_writes.add(visit.now);
    Ok(Answer::eok(json!({})))
}
