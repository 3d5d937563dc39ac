//! One command on one channel: the faults around it, what it answers, the entry in the list of requests.

use std::{net::Ipv4Addr, sync::Arc};

use russh::{ChannelId, server::Handle};
use serde_json::{Value, json};

use super::{Line, shell};
use crate::sim::{
    fault::Action,
    hold::{Course, Cut},
    host::Ran,
    site::{Request, Site},
};

/// No command of the contract reads more.
pub(super) const INPUT: usize = 1 << 20;

/// The size of one piece of output.
const PIECE: usize = 16 * 1024;

/// Standard error, as channel data counts it (RFC 4254 §5.2).
const STDERR: u32 = 1;

/// A command with the input that has come for it so far.
#[derive(Debug)]
pub(super) struct Exec {
    user: String,
    pub line: String,
    pub stdin: Vec<u8>,
}

/// How the answer is spoilt.
enum Spoilt {
    No,
    /// The channel closes without a status after so many bytes of output.
    After(usize),
}

impl Exec {
    pub fn new(user: &str, line: &str) -> Self {
        Self { user: user.to_owned(), line: line.to_owned(), stdin: Vec::new() }
    }

    pub async fn run(
        self,
        site: Arc<Site>,
        address: Ipv4Addr,
        line: Line,
        handle: Handle,
        channel: ChannelId,
    ) {
        let operation = shell::operation(&self.line);
        let course = match site.before(operation, address, None).await {
            Ok(course) => course,
            Err(cut) => {
                self.note(&site, address, operation, None);
                // A closed channel without a status, on a connection that stands, is its own kind of loss.
                return if cut == Cut::Close { close(&handle, channel).await } else { line.cut(cut).await };
            }
        };
        let ran = refusal(&course)
            .unwrap_or_else(|| shell::run(&site, address, &self.user, &self.line, &self.stdin));
        self.note(&site, address, operation, Some(&ran));
        let spoilt = match site.after(&course, operation, address).await {
            Ok(()) => course.actions.iter().find_map(cut_body).map_or(Spoilt::No, Spoilt::After),
            Err(Cut::Close) => Spoilt::After(0),
            Err(cut) => return line.cut(cut).await,
        };
        let flood = site.with(|state, _| state.quirks.ssh.flood);
        // The peer may have left; then nobody is told, as in life.
        let _ = answer(&handle, channel, ran, flood, spoilt).await;
        close(&handle, channel).await;
    }

    fn note(&self, site: &Site, address: Ipv4Addr, operation: &str, ran: Option<&Ran>) {
        let effective = ran.is_some_and(|ran| ran.status == 0);
        let changing = operation == shell::CHPASSWD;
        let request = Request {
            operation: operation.to_owned(),
            method: "EXEC".to_owned(),
            scheme: "ssh".to_owned(),
            address,
            target: self.line.clone(),
            changing,
            effective,
            status: ran.map_or(0, |ran| u16::try_from(ran.status).unwrap_or(u16::MAX)),
            body: if changing && effective { accounts(&self.stdin) } else { Value::Null },
        };
        site.with(|state, _| state.requests.push(request));
    }
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
            Some(Ran { status: u32::from(*status), stderr: body.clone().into_bytes(), stdout: Vec::new() })
        }
        Action::V2 { ec, msg, .. } => {
            Some(Ran { status: 1, stderr: format!("{ec}: {msg}\n").into_bytes(), stdout: Vec::new() })
        }
        _ => None,
    })
}

fn cut_body(action: &Action) -> Option<usize> {
    if let Action::CutBody { bytes } = action { Some(*bytes) } else { None }
}

async fn answer(handle: &Handle, channel: ChannelId, ran: Ran, flood: u64, spoilt: Spoilt) -> Result<(), ()> {
    let mut left = flood;
    while left > 0 {
        let size = left.min(PIECE as u64);
        handle.data(channel, vec![b'.'; usize::try_from(size).unwrap_or(PIECE)]).await.map_err(drop)?;
        left -= size;
    }
    let mut stdout = ran.stdout;
    if let Spoilt::After(bytes) = spoilt {
        stdout.truncate(bytes);
        return handle.data(channel, stdout).await.map_err(drop);
    }
    for piece in stdout.chunks(PIECE) {
        handle.data(channel, piece.to_vec()).await.map_err(drop)?;
    }
    for piece in ran.stderr.chunks(PIECE) {
        handle.extended_data(channel, STDERR, piece.to_vec()).await.map_err(drop)?;
    }
    handle.exit_status_request(channel, ran.status).await?;
    handle.eof(channel).await
}

async fn close(handle: &Handle, channel: ChannelId) {
    // A connection that is gone needs no closing.
    let _ = handle.close(channel).await;
}
