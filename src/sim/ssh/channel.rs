//! One command on one channel: the faults around it, what it answers, the entry in the list of requests.

use std::{net::Ipv4Addr, sync::Arc};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Line,
    reply::{Reply, Spoilt},
    shell,
};
use crate::sim::{
    durations,
    fault::Action,
    garble,
    guest::InstallerFate,
    hold::{Course, Cut},
    host::{Lasting, Ran},
    site::{Request, Site},
};

/// No command of the contract reads more.
pub(super) const INPUT: usize = 1 << 20;

/// A command with the input that has come for it so far.
#[derive(Debug)]
pub(super) struct Exec {
    user: String,
    pub line: String,
    pub stdin: Vec<u8>,
}

impl Exec {
    pub fn new(user: &str, line: &str) -> Self {
        Self { user: user.to_owned(), line: line.to_owned(), stdin: Vec::new() }
    }

    /// Runs the command to its end, or until `ended`: its channel or its connection is gone.
    pub async fn run(
        self,
        site: Arc<Site>,
        address: Ipv4Addr,
        line: Line,
        reply: Reply,
        ended: CancellationToken,
    ) {
        let operation = shell::operation(&self.line);
        let course = match site.before(operation, address, None).await {
            Ok(course) => course,
            Err(cut) => {
                self.note(&site, address, operation, None);
                // A closed channel without a status, on a connection that stands, is its own kind of loss.
                return if cut == Cut::Close { reply.close().await } else { line.cut(cut).await };
            }
        };
        let fate = course.actions.iter().find_map(installer_fate).unwrap_or_default();
        let mut ran = refusal(&course)
            .unwrap_or_else(|| shell::run(&site, address, &self.user, &self.line, &self.stdin, fate));
        self.note(&site, address, operation, Some(&ran));
        if let Some(seed) = course.actions.iter().find_map(garbled) {
            ran.stdout = garble::garbled(&ran.stdout, seed);
        }
        let hangs_up = ran.hangs_up;
        match site.after(&course, operation, address).await {
            Err(cut @ (Cut::Reset | Cut::Hang)) => line.cut(cut).await,
            lost => {
                let cut = lost.is_err().then_some(0);
                let cut = cut.or_else(|| course.actions.iter().find_map(cut_body));
                tokio::select! {
                    () = ended.cancelled() => {}
                    () = conclude(&site, &reply, ran, cut.map_or(Spoilt::No, Spoilt::After)) => {}
                }
            }
        }
        if let Some(pid) = hangs_up {
            site.with(|state, now| state.guest.hang_up(pid, now));
        }
    }

    fn note(&self, site: &Site, address: Ipv4Addr, operation: &str, ran: Option<&Ran>) {
        let effective = ran.is_some_and(|ran| ran.effect == Some(operation));
        let chpasswd = operation == shell::CHPASSWD;
        let request = Request {
            operation: operation.to_owned(),
            method: "EXEC".to_owned(),
            scheme: "ssh".to_owned(),
            address,
            target: self.line.clone(),
            changing: shell::CHANGING.contains(&operation),
            effective,
            status: ran.map_or(0, |ran| u16::try_from(ran.status).unwrap_or(u16::MAX)),
            body: if chpasswd && effective { accounts(&self.stdin) } else { Value::Null },
        };
        site.with(|state, _| state.requests.push(request));
    }
}

/// The time that the command takes, and its answer.
async fn conclude(site: &Site, reply: &Reply, mut ran: Ran, spoilt: Spoilt) {
    match ran.lasting {
        Lasting::No => {}
        Lasting::Seconds(seconds) => site.clock.sleep(durations::seconds(seconds)).await,
        // The peer may have left; then nobody is told, as in life.
        Lasting::Process(pid) => match reply.attached(site, pid).await {
            Ok(status) => ran.status = status,
            Err(()) => return,
        },
    }
    let flood = site.with(|state, _| state.quirks.ssh.flood);
    let _ = reply.answer(ran, flood, spoilt).await;
    reply.close().await;
}

fn installer_fate(action: &Action) -> Option<InstallerFate> {
    if let Action::Installer(fate) = action { Some(*fate) } else { None }
}

/// Which accounts the input names; never their passwords.
fn accounts(stdin: &[u8]) -> Value {
    let text = String::from_utf8_lossy(stdin);
    let names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    json!({ "accounts": names })
}

/// What a fault makes the command say instead of running.
fn refusal(course: &Course) -> Option<Ran> {
    course.actions.iter().find_map(|action| match action {
        Action::Status { status, body, .. } => {
            Some(Ran { status: u32::from(*status), stderr: body.clone().into_bytes(), ..Ran::default() })
        }
        // A success, and nothing happened.
        Action::Lie => Some(Ran::default()),
        Action::V2 { ec, msg, .. } => {
            Some(Ran { status: 1, stderr: format!("{ec}: {msg}\n").into_bytes(), ..Ran::default() })
        }
        _ => None,
    })
}

fn garbled(action: &Action) -> Option<u64> {
    if let Action::Garble { seed } = action { Some(*seed) } else { None }
}

fn cut_body(action: &Action) -> Option<usize> {
    if let Action::CutBody { bytes } = action { Some(*bytes) } else { None }
}
