//! `deploy-cloudtower.installer`: CloudTower's installer, started away from any session and followed by its log
//! (api-cloudtower §2).

mod watch;

use std::time::Duration;

use self::watch::Watch;
use super::guest::{self, LOG};
use crate::{
    clients::{
        dial::Endpoint,
        ssh::{Command, Detached, Looker, Session},
        tower::Readiness,
        trust::Protocol,
        wire::Class,
    },
    engine::{ChangeProbe, Fact, Facts, World as _, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    stages::{
        digesting,
        facts::{TOWER_VM, reason},
        world::{World, WorldRead},
    },
};

/// The line of the log that means success contains it.
const MARKER: &str = "Install Operation Center Successfully";
/// Finds the installer, however it was started; the brackets keep the search from finding itself.
const PROCESS: &str = "[i]nstaller deploy";

const PREINSTALL: &str = "sh /usr/share/smartx/tower/preinstall.sh";
/// Upper end of site-behaviour §2, doubled.
const PREINSTALL_LIMIT: Duration = Duration::from_secs(600);

const INSTALLER: Detached = Detached {
    operation: "ssh.installer",
    program: "/usr/share/smartx/tower/installer/binary/installer deploy",
    log: LOG,
};

/// The PID of the running installer.
const PID: Fact<u32> = Fact::new("installer_pid");
/// Bytes of its log that were shown: a hint.
const SHOWN: Fact<u64> = Fact::new("installer_log_shown");

/// Done when the log says so or the API answers; an installer at work is remembered, and followed.
pub async fn probe(world: &WorldRead, handle: &Handle) -> Result<ChangeProbe> {
    if handle.fact(&TOWER_VM).is_none() {
        return Ok(ChangeProbe::Absent);
    }
    if let Readiness::Ready(_) = world.tower(handle).readiness().await? {
        return Ok(ChangeProbe::Done(Facts::none()));
    }
    let machine = match guest::look(world, handle).await? {
        Ok(machine) => machine,
        Err(why) => return Ok(ChangeProbe::Unknown(why)),
    };
    let seen = see(&machine).await;
    machine.close().await;
    match seen {
        Ok(Seen::Installed) => Ok(ChangeProbe::Done(Facts::none())),
        Ok(Seen::Running(pid)) => {
            if handle.begun() {
                handle.remember(&PID, &pid)?;
            }
            Ok(ChangeProbe::Absent)
        }
        Ok(Seen::Nothing) => Ok(ChangeProbe::Absent),
        Err(failure) if guest::for_now(&failure) => Ok(ChangeProbe::Unknown(reason(&failure))),
        Err(failure) => Err(failure),
    }
}

enum Seen {
    Installed,
    Running(u32),
    Nothing,
}

async fn see(machine: &Looker) -> Result<Seen> {
    if machine.holds(LOG, MARKER).await? {
        return Ok(Seen::Installed);
    }
    let running = machine.processes(PROCESS).await?;
    Ok(running.first().map_or(Seen::Nothing, |pid| Seen::Running(*pid)))
}

pub async fn act(world: &World, handle: &Handle) -> Result<()> {
    expect_new_identity(world.read());
    if let Some(pid) = running(world, handle).await? {
        // Two of them would damage each other's work.
        handle.note(message("stages.installer.runs_already", &[("pid", &pid)]));
        return handle.remember(&PID, &pid);
    }
    let session = guest::open(world, handle).await?;
    let started = start(&session, handle).await;
    session.close().await;
    started
}

async fn running(world: &World, handle: &Handle) -> Result<Option<u32>> {
    let machine = match guest::look(world.read(), handle).await? {
        Ok(machine) => machine,
        Err(why) => return Err(Failure::new(Kind::Site, handle.manifest().title.clone()).answer(why)),
    };
    let processes = machine.processes(PROCESS).await;
    machine.close().await;
    Ok(processes?.first().copied())
}

async fn start(session: &Session, handle: &Handle) -> Result<()> {
    handle.note(message("stages.installer.preinstall", &[]));
    let output =
        session.sudo(&Command::new("ssh.preinstall", PREINSTALL, Class::Probed, PREINSTALL_LIMIT)).await?;
    if !output.end.is_success() {
        let words = crate::text::Text::same(format_args!(
            "{}\n{}\n{}",
            output.end,
            output.stdout.last_lines(20),
            output.stderr.last_lines(5)
        ));
        return Err(Failure::new(Kind::Site, message("stages.installer.preparing", &[]))
            .at(PREINSTALL)
            .answer(words)
            .advise(message("stages.installer.preinstall_advice", &[])));
    }
    let pid = session.start(&INSTALLER).await?;
    handle.remember(&PID, &pid)?;
    handle.note(message("stages.installer.started", &[("pid", &pid), ("log", &LOG)]));
    Ok(())
}

/// CloudTower's web server comes with the installation, and with a certificate of its own.
fn expect_new_identity(world: &WorldRead) {
    world.trust.expect_change(Protocol::Tls, Endpoint::new(world.plan.cloudtower.ip.value, 443));
}

/// Follows the log to the marker; a lost session is no news about the installer.
pub async fn follow(world: &WorldRead, handle: &Handle) -> Result<()> {
    let Some(pid) = handle.remembered(&PID) else { return Ok(()) };
    expect_new_identity(world);
    let mut watch = Watch::new(pid, handle.remembered(&SHOWN).unwrap_or_default());
    let looks = handle.poll(async || watch.look(world, handle).await);
    let ended = digesting::meanwhile(world, handle, looks).await;
    watch.close().await;
    match ended {
        Ok(_) => Ok(()),
        Err(failure) if failure.kind == Kind::TimedOut => {
            let by_hand = guest::by_hand(world);
            let args: [(&str, &dyn crate::text::Say); 3] =
                [("by_hand", &by_hand), ("log", &LOG), ("pid", &pid)];
            Err(failure
                .advise(message("stages.installer.look_by_hand", &args))
                .advise(message("stages.installer.kill_by_hand", &args)))
        }
        Err(failure) => Err(failure),
    }
}
