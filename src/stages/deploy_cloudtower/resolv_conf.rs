//! `deploy-cloudtower.resolv-conf`: the planned name servers inside the guest (api-cloudtower §2, step 1).

use std::time::Duration;

use super::guest::{self, RESOLV_CONF};
use crate::{
    clients::{
        ssh::{Command, Session},
        wire::Class,
    },
    engine::{ChangeProbe, Difference, Facts, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Plan,
    stages::{
        facts::{TOWER_VM, reason},
        world::{World, WorldRead},
    },
};

const LIMIT: Duration = Duration::from_secs(60);

pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if handle.fact(&TOWER_VM).is_none() {
        return Ok(ChangeProbe::Absent);
    }
    Ok(match read(world, handle).await? {
        Ok(content) => judge(&world.plan, content.as_deref()),
        Err(why) => ChangeProbe::Unknown(why),
    })
}

/// The file as it is, `None` when there is none; or why it cannot be read at the moment.
async fn read(world: &WorldRead, handle: &Handle) -> Result<Result<Option<String>, crate::text::Text>> {
    let machine = match guest::look(world, handle).await? {
        Ok(machine) => machine,
        Err(why) => return Ok(Err(why)),
    };
    let content = machine.file(RESOLV_CONF).await;
    machine.close().await;
    match content {
        Ok(content) => Ok(Ok(content)),
        Err(failure) if guest::for_now(&failure) => Ok(Err(reason(&failure))),
        Err(failure) => Err(failure),
    }
}

/// An empty plan wants the file and nothing in it.
fn judge(plan: &Plan, content: Option<&str>) -> ChangeProbe {
    let Some(content) = content else { return ChangeProbe::Absent };
    let found = servers(content);
    let planned = &plan.dns.servers;
    if planned.iter().all(|server| found.contains(&server.to_string())) {
        return ChangeProbe::Done(Facts::none());
    }
    let cells = planned.iter().map(|server| server.cell.to_string()).collect::<Vec<_>>().join(", ");
    let wanted = planned.iter().map(|server| server.value.to_string()).collect::<Vec<_>>().join(", ");
    ChangeProbe::Differs(vec![Difference {
        what: message("stages.resolv.what", &[]),
        found: if found.is_empty() { "-".to_owned() } else { found.join(", ") },
        planned: wanted,
        cell: Some(cells),
    }])
}

/// The name servers of a `resolv.conf`, in order.
pub fn servers(content: &str) -> Vec<String> {
    let server = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next().unwrap_or_default().to_owned())
    };
    content.lines().filter_map(server).collect()
}

/// The planned servers first, because only the first three are asked; then whatever else was there.
fn content(planned: &[String], before: &str) -> String {
    let ours = planned.iter().map(|server| format!("nameserver {server}"));
    let theirs = before.lines().filter(|line| servers(line).iter().all(|server| !planned.contains(server)));
    ours.chain(theirs.map(str::to_owned)).map(|line| line + "\n").collect()
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    let before = match read(world.read(), handle).await? {
        Ok(before) => before.unwrap_or_default(),
        Err(why) => {
            return Err(Failure::new(Kind::Site, handle.manifest().title.clone()).answer(why));
        }
    };
    let planned: Vec<String> =
        world.plan().dns.servers.iter().map(|server| server.value.to_string()).collect();
    let session = guest::open(world, handle).await?;
    let written = write(&session, handle, content(&planned, &before)).await;
    session.close().await;
    written
}

/// The new content in the place of the old.
pub async fn write(session: &Session, handle: &Handle, content: String) -> Result<()> {
    let line = format!("tee {RESOLV_CONF}");
    let command = Command::new("ssh.resolv_conf", &line, Class::Probed, LIMIT).fed(content.into_bytes());
    let output = session.sudo(&command).await?;
    match output.end.is_success() {
        true => Ok(()),
        false => Err(Failure::new(Kind::Site, handle.manifest().title.clone())
            .at(RESOLV_CONF)
            .answer(output.said())
            .answer_lost()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planned_servers_come_first_and_nothing_else_is_lost() {
        let planned = ["10.0.0.114".to_owned(), "10.0.0.1".to_owned()];
        let before =
            "# by hand\nsearch example\nnameserver 8.8.8.8\nnameserver 10.0.0.1\noptions timeout:1\n";
        assert_eq!(
            content(&planned, before),
            "nameserver 10.0.0.114\nnameserver 10.0.0.1\n# by hand\nsearch example\nnameserver 8.8.8.8\noptions timeout:1\n"
        );
        assert_eq!(content(&planned, &content(&planned, before)), content(&planned, before));
        assert_eq!(content(&[], ""), "");
    }

    #[test]
    fn name_servers_are_read_as_the_resolver_reads_them() {
        assert_eq!(
            servers("nameserver\t10.0.0.1 # x\n#nameserver 1.1.1.1\n nameserver 10.0.0.2"),
            ["10.0.0.1", "10.0.0.2"]
        );
    }
}
