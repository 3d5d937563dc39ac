//! `config-cluster.host-passwords`: the planned passwords of the hosts' accounts, over SSH (api-fisheye §6.8).
//! The last change on the hosts; its proof is a login with each planned password.

use std::time::Duration;

use futures_util::{StreamExt, stream};

use crate::{
    engine::{ChangeProbe, Difference, Fact, Facts, handle::Handle},
    failure::{Effect, Failure, Kind, Result},
    messages::message,
    plan::model::Host,
    secret::Secret,
    stages::{
        facts::{lines, reason},
        world::{World, WorldRead},
    },
    text::Text,
};

/// The account that a deployment leaves behind, and its password (api-fisheye §3.4): public, and replaced here.
const DEPLOYED_USER: &str = "smartx";
const DEPLOYED_PASSWORD: &str = "P@ssw0rd!123";

/// One `chpasswd` (api-fisheye §6.8).
const LIMIT: Duration = Duration::from_secs(30);

/// Hosts at a time (api-fisheye §6.8).
const AT_A_TIME: usize = 4;

/// Management addresses of hosts where `chpasswd` said yes: a host may forbid root logins over SSH, and then this
/// is the only proof there is.
const SET: Fact<Vec<String>> = Fact::new("host_passwords_set");

/// What the planned passwords do at one host.
enum Found {
    Planned,
    /// The account that does not take its planned password.
    Other(String),
    Unreachable(Text),
}

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let set = set(handle);
    let found: Vec<(&Host, Found)> = stream::iter(&world.plan.hosts)
        .map(|host| {
            let set = &set;
            async move { (host, look(world, handle, host, set).await) }
        })
        .buffered(AT_A_TIME)
        .collect()
        .await;
    let unreachable: Vec<Text> = found.iter().filter_map(|(_, found)| found.unreachable()).collect();
    if !unreachable.is_empty() {
        return Ok(ChangeProbe::Unknown(lines(&unreachable)));
    }
    let differences: Vec<Difference> =
        found.iter().filter_map(|(host, found)| found.difference(host)).collect();
    Ok(if differences.is_empty() {
        ChangeProbe::Done(Facts::none().with(&SET, &set))
    } else if differences.len() == found.len() {
        ChangeProbe::Absent
    } else {
        ChangeProbe::Differs(differences)
    })
}

async fn look(world: &WorldRead, handle: &Handle, host: &Host, set: &[String]) -> Found {
    let ssh = world.ssh(handle, host.mgmt_ip.value);
    match ssh.accepted(&host.ssh_user.value, &[&host.ssh_password.value]).await {
        Ok(Some(_)) => {}
        Ok(None) => return Found::Other(host.ssh_user.value.clone()),
        Err(failure) => return Found::Unreachable(reason(&failure)),
    }
    if set.contains(&host.mgmt_ip.to_string()) {
        return Found::Planned;
    }
    match ssh.accepted(&host.admin_user.value, &[&host.admin_password.value]).await {
        Ok(Some(_)) => Found::Planned,
        // The host answered just now: it lets this account in by other means, or not at all.
        Ok(None) | Err(_) => Found::Other(host.admin_user.value.clone()),
    }
}

impl Found {
    fn unreachable(&self) -> Option<Text> {
        match self {
            Self::Unreachable(why) => Some(why.clone()),
            Self::Planned | Self::Other(_) => None,
        }
    }

    fn difference(&self, host: &Host) -> Option<Difference> {
        let Self::Other(user) = self else { return None };
        let cell =
            if *user == host.ssh_user.value { &host.ssh_password.cell } else { &host.admin_password.cell };
        Some(Difference {
            what: message("stages.passwords.what", &[("user", user), ("host", &host.hostname.value)]),
            found: "***".to_owned(),
            planned: "***".to_owned(),
            cell: Some(cell.to_string()),
        })
    }
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let results: Vec<(&Host, Result<()>)> = stream::iter(&world.plan().hosts)
        .map(|host| async move { (host, set_at(world, handle, host).await) })
        .buffered(AT_A_TIME)
        .collect()
        .await;
    let mut failures: Vec<Box<Failure>> =
        results.into_iter().filter_map(|(_, result)| result.err()).collect();
    if failures.is_empty() {
        let set: Vec<String> = world.plan().hosts.iter().map(|host| host.mgmt_ip.to_string()).collect();
        return handle.remember(&SET, &set);
    }
    if failures.len() == 1 {
        return Err(failures.remove(0));
    }
    let lost = failures.iter().any(|failure| failure.effect == Effect::Unknown);
    let all: Vec<Text> = failures.iter().map(|failure| reason(failure)).collect();
    let doing = message("stages.passwords.doing", &[("count", &all.len())]);
    // What the first one means and advises holds for the others as well.
    let first = failures.swap_remove(0);
    let failure = Failure::new(Kind::Site, doing).answer(lines(&all));
    let failure = first.meaning.into_iter().fold(failure, Failure::meaning);
    let failure = first.advice.into_iter().fold(failure, Failure::advise);
    Err(if lost { failure.answer_lost() } else { failure })
}

/// Logs in with the deployment's password, which the probe makes the likely one, else with the planned one; sets
/// both accounts.
async fn set_at(world: &World, handle: &Handle, host: &Host) -> Result<()> {
    let deployed = Secret::from(DEPLOYED_PASSWORD);
    let ssh = world.ssh(handle, host.mgmt_ip.value);
    let (session, _) = ssh.open(DEPLOYED_USER, &[&deployed, &host.ssh_password.value]).await?;
    let pairs = [
        (host.ssh_user.value.as_str(), &host.ssh_password.value),
        (host.admin_user.value.as_str(), &host.admin_password.value),
    ];
    let result = session.set_passwords(&pairs, LIMIT).await;
    session.close().await;
    result
}

fn set(handle: &Handle) -> Vec<String> {
    // Done again for a corrected plan, only what this attempt has set counts.
    let earlier = || handle.fact(&SET).filter(|_| !handle.anew());
    handle.remembered(&SET).or_else(earlier).unwrap_or_default()
}
