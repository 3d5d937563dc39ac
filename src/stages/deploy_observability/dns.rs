//! `deploy-observability.dns`: the planned name servers inside the guest, and a restart of what reads them
//! (api-applications §2.8). The guest's own network tooling may write the file anew when it boots.

use std::{net::Ipv4Addr, time::Duration};

use super::{found::planned, guest, running::healthy};
use crate::{
    clients::{
        ssh::{Command, Output, Session},
        wire::Class,
    },
    engine::{ChangeProbe, Difference, Fact, Facts, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Plan,
    stages::{
        deploy_cloudtower::{
            guest::{RESOLV_CONF, for_now},
            resolv_conf::{self, servers},
        },
        facts::reason,
        world::{World, WorldRead},
    },
    text::Text,
};

const LIMIT: Duration = Duration::from_secs(60);
/// A container may take its time to stop.
const RESTART_LIMIT: Duration = Duration::from_secs(300);
/// How long its health may take after the restart, in site time (api-applications §2.8).
const HEALTH: Duration = Duration::from_secs(600);
/// Containers that read the name servers when they start.
const LAUNCHER: &str = "launcher";

/// Whether the containers were restarted since the file was written; nothing while it was not.
const RESTARTED: Fact<bool> = Fact::new("launchers_restarted");

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    let address = match planned(&world.plan) {
        Ok(ip) => ip.value,
        Err(why) => return Ok(ChangeProbe::NotNeeded(why)),
    };
    if world.plan.dns.servers.is_empty() {
        return Ok(ChangeProbe::NotNeeded(message("stages.dns.none", &[])));
    }
    Ok(match read(world, handle, address).await? {
        Err(why) => ChangeProbe::Unknown(why),
        Ok(content) => {
            let pending = handle.remembered(&RESTARTED) == Some(false);
            judge(&world.plan, content.as_deref(), pending)
        }
    })
}

/// The file as it is, `None` when there is none; or why it cannot be read at the moment.
async fn read(world: &WorldRead, handle: &Handle, address: Ipv4Addr) -> Result<Result<Option<String>, Text>> {
    let machine = match guest::look(world, handle, address).await? {
        Ok(machine) => machine,
        Err(why) => return Ok(Err(why)),
    };
    let content = machine.file(RESOLV_CONF).await;
    machine.close().await;
    match content {
        Ok(content) => Ok(Ok(content)),
        Err(failure) if for_now(&failure) => Ok(Err(reason(&failure))),
        Err(failure) => Err(failure),
    }
}

/// The planned servers as the guest is to name them, in their order.
pub fn wanted(plan: &Plan) -> Vec<String> {
    plan.dns.servers.iter().map(|server| server.value.to_string()).collect()
}

fn judge(plan: &Plan, content: Option<&str>, pending: bool) -> ChangeProbe {
    let Some(content) = content else { return ChangeProbe::Absent };
    let (found, wanted) = (servers(content), wanted(plan));
    if found == wanted && !pending {
        return ChangeProbe::Done(Facts::none());
    }
    let shown = |servers: &[String]| if servers.is_empty() { "-".to_owned() } else { servers.join(", ") };
    let cells = plan.dns.servers.iter().map(|server| server.cell.to_string()).collect::<Vec<_>>().join(", ");
    let what = match found == wanted {
        true => message("stages.observability.not_restarted", &[]),
        false => message("stages.observability.dns_what", &[]),
    };
    ChangeProbe::Differs(vec![Difference {
        what,
        found: shown(&found),
        planned: shown(&wanted),
        cell: Some(cells),
    }])
}

/// The planned servers in place of any others; all other lines stay.
fn content(wanted: &[String], before: &str) -> String {
    let theirs = before.lines().filter(|line| servers(line).is_empty()).map(str::to_owned);
    let ours = wanted.iter().map(|server| format!("nameserver {server}"));
    ours.chain(theirs).map(|line| line + "\n").collect()
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let Some(ip) = &world.plan().observability.ip else { return Ok(()) };
    let before = match read(world.read(), handle, ip.value).await? {
        Ok(before) => before.unwrap_or_default(),
        Err(why) => return Err(Failure::new(Kind::Site, handle.manifest().title.clone()).answer(why)),
    };
    let wanted = wanted(world.plan());
    let session = guest::open(world, handle, ip.value).await?;
    let done = change(&session, handle, &wanted, &before).await;
    session.close().await;
    done
}

/// A restart is felt for a while; its end is worth waiting for, and no more than a warning where it does not come.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    match handle.remembered(&RESTARTED) {
        Some(true) => healthy(world, handle, HEALTH).await,
        _ => Ok(()),
    }
}

async fn change(session: &Session, handle: &Handle, wanted: &[String], before: &str) -> Result<()> {
    if servers(before) != wanted {
        // A run that dies between the two must not take the file for all of it.
        handle.remember(&RESTARTED, &false)?;
        resolv_conf::write(session, handle, content(wanted, before)).await?;
        handle.note(message("stages.observability.dns_reboot", &[]));
    }
    restart(session, handle).await?;
    handle.remember(&RESTARTED, &true)
}

/// Restarts the containers that have the name servers in their heads.
async fn restart(session: &Session, handle: &Handle) -> Result<()> {
    const LIST: &str = "nerdctl ps --format '{{.ID}} {{.Names}}'";
    let listed = session.sudo(&Command::new("ssh.containers", LIST, Class::Read, LIMIT)).await?;
    succeeded(handle, LIST, &listed)?;
    let launchers = launchers(&listed.stdout.text);
    if launchers.is_empty() {
        handle.warn(message("stages.observability.no_launcher", &[]));
        return Ok(());
    }
    let line = format!("nerdctl restart {}", launchers.join(" "));
    let restarted = session.sudo(&Command::new("ssh.restart", &line, Class::Probed, RESTART_LIMIT)).await?;
    succeeded(handle, &line, &restarted)
}

/// Ids of the containers whose name tells; an id that is none goes into no command.
fn launchers(listed: &str) -> Vec<&str> {
    let columns = listed.lines().filter_map(|line| line.trim().split_once(char::is_whitespace));
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit());
    columns.filter(|(id, name)| is_id(id) && name.contains(LAUNCHER)).map(|(id, _)| id).collect()
}

fn succeeded(handle: &Handle, at: &str, output: &Output) -> Result<()> {
    match output.end.is_success() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Site, handle.manifest().title.clone())
            .at(at)
            .answer(output.said())
            .answer_lost()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planned_servers_take_the_place_of_all_others_and_other_lines_stay() {
        let wanted = ["10.0.0.114".to_owned(), "10.0.0.1".to_owned()];
        let before = "# by hand\nsearch example\nnameserver 8.8.8.8\n";
        let after = "nameserver 10.0.0.114\nnameserver 10.0.0.1\n# by hand\nsearch example\n";
        assert_eq!(content(&wanted, before), after);
        assert_eq!(content(&wanted, after), after);
    }

    #[test]
    fn only_containers_with_a_proper_id_and_name_are_restarted() {
        let listed = "0a1b2c obs-launcher\n3d4e5f  grafana\n$(id) launcher\n77aa launcher-2\n\nlauncher\n";
        assert_eq!(launchers(listed), ["0a1b2c", "77aa"]);
    }
}
