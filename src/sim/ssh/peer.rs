//! One client of a simulated host: its login and its channels, as the protocol library reports them.

use std::{collections::HashMap, net::Ipv4Addr, sync::Arc};

use russh::{
    Channel, ChannelId, ChannelOpenFailure, Pty,
    server::{Auth, ChannelOpenHandle, Handler, Msg, Response, Session},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{
    Line, Login,
    channel::{Exec, INPUT},
    reply::Reply,
    shell,
};
use crate::sim::site::Site;

/// Stock OpenSSH opens no more sessions per connection.
const SESSIONS: usize = 10;

/// A session that waits for a command, or for the command's input. The slot is its own until it ends.
struct Waiting {
    exec: Option<Exec>,
    slot: OwnedSemaphorePermit,
}

pub(super) struct Peer {
    site: Arc<Site>,
    address: Ipv4Addr,
    line: Line,
    user: String,
    slots: Arc<Semaphore>,
    /// Sessions without a running command.
    sessions: HashMap<ChannelId, Waiting>,
    /// Told when the channel of a running command closes.
    running: HashMap<ChannelId, CancellationToken>,
}

impl Peer {
    pub fn new(site: Arc<Site>, address: Ipv4Addr, line: Line) -> Self {
        let slots = Arc::new(Semaphore::new(SESSIONS));
        Self {
            site,
            address,
            line,
            user: String::new(),
            slots,
            sessions: HashMap::new(),
            running: HashMap::new(),
        }
    }

    fn offered(&self) -> Login {
        self.site.with(|state, _| state.quirks.ssh.login)
    }

    fn reject(&self) -> Auth {
        Auth::Reject { proceed_with_methods: Some(self.offered().methods()), partial_success: false }
    }

    /// Judges one password; every one is met by the faults of `ssh.login`.
    async fn judge(&mut self, user: &str, password: &str) -> Auth {
        let course = match self.site.before("ssh.login", self.address, None).await {
            Ok(course) => course,
            Err(cut) => {
                self.line.cut(cut).await;
                return self.reject();
            }
        };
        let accepted = !course.refused() && self.site.check_password(self.address, user, password);
        if let Err(cut) = self.site.after(&course, "ssh.login", self.address).await {
            self.line.cut(cut).await;
        }
        if accepted {
            self.user = user.to_owned();
            Auth::Accept
        } else {
            self.reject()
        }
    }

    fn breach(&self, what: &str) {
        self.site.with(|state, now| state.breach(now, self.address, "ssh", what));
    }

    /// Starts the command of a session, now that all it reads has come.
    fn start(&mut self, channel: ChannelId, session: &Session) {
        let Some(Waiting { exec: Some(exec), slot }) = self.sessions.remove(&channel) else { return };
        let (site, address, line) = (self.site.clone(), self.address, self.line.clone());
        let reply = Reply { handle: session.handle(), channel };
        let ended = self.line.ended.child_token();
        self.running.insert(channel, ended.clone());
        // The library waits for its callbacks: work of any length has a task of its own.
        tokio::spawn(async move {
            exec.run(site, address, line, reply, ended).await;
            drop(slot);
        });
    }
}

impl Handler for Peer {
    type Error = russh::Error;

    async fn auth_none(&mut self, _user: &str) -> Result<Auth, russh::Error> {
        Ok(self.reject())
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        if self.offered() == Login::Password {
            Ok(self.judge(user, password).await)
        } else {
            Ok(self.reject())
        }
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        if self.offered() != Login::KeyboardInteractive {
            return Ok(self.reject());
        }
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![("Password: ".into(), false)].into(),
            });
        };
        let password = response.next().unwrap_or_default();
        let password = String::from_utf8_lossy(&password).into_owned();
        Ok(self.judge(user, &password).await)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        match self.slots.clone().try_acquire_owned() {
            Ok(slot) => {
                self.sessions.insert(channel.id(), Waiting { exec: None, slot });
                reply.accept().await;
            }
            Err(_) => reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await,
        }
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.sessions.remove(&channel);
        if let Some(ended) = self.running.remove(&channel) {
            ended.cancel();
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        line: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        let Some(waiting) = self.sessions.get_mut(&channel) else { return session.channel_failure(channel) };
        session.channel_success(channel)?;
        let exec = waiting.exec.insert(Exec::new(&self.user, &String::from_utf8_lossy(line)));
        if !shell::reads_input(&exec.line) {
            self.start(channel, session);
        }
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        if let Some(exec) = self.sessions.get_mut(&channel).and_then(|waiting| waiting.exec.as_mut()) {
            if exec.stdin.len() + data.len() > INPUT {
                self.breach("more standard input than a command of this contract reads");
                return Err(russh::Error::Disconnect);
            }
            exec.stdin.extend_from_slice(data);
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        self.start(channel, session);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.breach("a terminal was asked for");
        session.channel_failure(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        self.breach("a login shell was asked for");
        session.channel_failure(channel)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.breach(&format!("the subsystem {name} was asked for"));
        session.channel_failure(channel)
    }
}
