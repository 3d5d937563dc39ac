//! An open login at a host: commands without a terminal, with bounded output and an honest end.

use std::{
    io,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use russh::{Channel, ChannelMsg, Disconnect, client::Msg};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{
    command::{Collector, Command, End, Output},
    connection::{Connection, Service},
};
use crate::{
    clients::{
        gate,
        wire::{Class, Receipt},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
    text::Text,
    units,
};

/// Stock OpenSSH serves ten sessions per connection and refuses the others; eight leaves a margin (libraries §3).
const CHANNELS: usize = 8;

/// How often a refused channel is asked for again: a second, all pauses together.
const OPENINGS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(50);

/// An open login. It acts; probes hold an [`SshReader`](super::SshReader) instead.
pub struct Session {
    connection: Connection,
    service: Service,
    user: String,
    /// The password that opened the session: `sudo` may ask for it again.
    password: Mutex<Secret<String>>,
    slots: Semaphore,
}

impl Session {
    pub(super) fn new(
        connection: Connection,
        service: Service,
        user: &str,
        password: Secret<String>,
    ) -> Self {
        let slots = Semaphore::new(CHANNELS);
        Self { connection, service, user: user.to_owned(), password: Mutex::new(password), slots }
    }

    /// The last reading exchange.
    pub(super) fn last_read(&self) -> Option<Receipt> {
        self.service.wire.last_read()
    }

    /// Who is logged in.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Runs `command` without a terminal and reads it to its end, whatever its status. At most eight run at
    /// once; others wait for their turn.
    ///
    /// # Errors
    /// A connection that ends without a status or signal, and a limit that passes, have an unknown effect: the
    /// command may have run. A refused channel or command has none.
    pub async fn run(&self, command: &Command<'_>) -> Result<Output> {
        self.run_raw(command).await.map(|(output, _)| output)
    }

    /// The same, with the kept bytes of standard output as they came: unmasked, for counting only.
    pub(super) async fn run_raw(&self, command: &Command<'_>) -> Result<(Output, Vec<u8>)> {
        if let Some(why) = self.service.dialler.shut().filter(|_| command.class != Class::Read) {
            let doing = self.failure(Kind::Window, command.line).doing;
            return Err(gate::held_back(doing, why).at(self.service.endpoint));
        }
        let (started, clock) = (Timestamp::now(), Instant::now());
        let result = self.exchange(command, clock + command.limit).await;
        let output = result.as_ref().map(|(output, _)| output).map_err(|failure| &**failure);
        self.service.record_command(command, started, clock.elapsed(), output)?;
        result
    }

    async fn exchange(&self, command: &Command<'_>, deadline: Instant) -> Result<(Output, Vec<u8>)> {
        let opening = async {
            // The semaphore is never closed: there is always a slot in the end.
            let slot = self.slots.acquire().await;
            (slot, self.open_channel().await)
        };
        let (_slot, opened) = timeout_at(deadline, opening).await.map_err(|_| self.too_long(command))?;
        let mut channel = opened.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(_) => {
                let refused = message("clients.ssh.channel_refused", &[]);
                self.failure(Kind::Site, command.line).answer(refused).because(&error)
            }
            error => self.lost(command).meaning(message("clients.ssh.lost_before", &[])).because(&error),
        })?;
        match timeout_at(deadline, self.converse(&mut channel, command)).await {
            Ok(result) => result,
            Err(_) => {
                // Frees the host's side; a dead connection needs no telling.
                let _ = channel.close().await;
                Err(self.too_long(command).meaning(message("clients.ssh.lost_during", &[])).answer_lost())
            }
        }
    }

    /// OpenSSH counts a session until it gets round to cleaning up: a channel opened right after others ended may
    /// be one too many for a moment.
    async fn open_channel(&self) -> Result<Channel<Msg>, russh::Error> {
        let mut refusals = 0;
        loop {
            match self.connection.handle.channel_open_session().await {
                Err(russh::Error::ChannelOpenFailure(_)) if refusals < OPENINGS => refusals += 1,
                opened => return opened,
            }
            sleep(PAUSE * refusals).await;
        }
    }

    async fn converse(&self, channel: &mut Channel<Msg>, command: &Command<'_>) -> Result<(Output, Vec<u8>)> {
        let lost = || self.lost(command).meaning(message("clients.ssh.lost_during", &[])).answer_lost();
        channel.exec(true, command.line).await.map_err(|error| lost().because(&error))?;
        let (mut end, mut stdout, mut stderr) = (None, Collector::default(), Collector::default());
        let mut feeding = pin!(feed(channel.make_writer(), command.stdin.expose()));
        let mut fed = false;
        loop {
            tokio::select! {
                // A command may end without reading its input; its status tells what became of it.
                _ = &mut feeding, if !fed => fed = true,
                next = channel.wait() => match next {
                    Some(ChannelMsg::Data { data }) => stdout.push(&data),
                    Some(ChannelMsg::ExtendedData { data, ext: 1 }) => stderr.push(&data),
                    Some(ChannelMsg::ExitStatus { exit_status }) => end = Some(End::Status(exit_status)),
                    Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                        end = Some(End::Signal(format!("{signal_name:?}")));
                    }
                    Some(ChannelMsg::Failure) => {
                        let refused = message("clients.ssh.command_refused", &[]);
                        return Err(self.failure(Kind::Site, command.line).answer(refused));
                    }
                    Some(ChannelMsg::Close) | None => break,
                    Some(_) => {}
                },
            }
        }
        // No status and no signal: the connection was lost (libraries §1.4). Never a success.
        let end = end.ok_or_else(lost)?;
        let redactor = self.service.wire.redactor();
        let raw = stdout.kept().to_vec();
        Ok((Output { end, stdout: stdout.finish(redactor), stderr: stderr.finish(redactor) }, raw))
    }

    /// Ends the session politely; dropping it also closes the connection.
    pub async fn close(self) {
        // The host may be gone already, which is what was wanted.
        let _ = self.connection.handle.disconnect(Disconnect::ByApplication, "", "en").await;
    }

    /// Makes sure that `secret` is masked in outputs, failures and the transcript.
    pub(super) fn learn(&self, secret: &Secret<String>) {
        self.service.wire.redactor().learn(secret.expose());
    }

    pub(super) fn password(&self) -> Secret<String> {
        self.password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The account's password was changed through this session: `sudo` asks for the new one from now on.
    pub(super) fn password_is_now(&self, password: &Secret<String>) {
        *self.password.lock().unwrap_or_else(PoisonError::into_inner) = password.clone();
    }

    /// Masks what is known to be secret.
    pub(super) fn masked(&self, text: &str) -> String {
        self.service.wire.redactor().text(text)
    }

    pub(super) fn failing(&self, kind: Kind, doing: Text) -> Box<Failure> {
        self.service.failing(kind, doing)
    }

    pub(super) fn failure(&self, kind: Kind, line: &str) -> Box<Failure> {
        let line = self.service.wire.redactor().text(line);
        self.failing(kind, message("clients.ssh.doing_run", &[("command", &line), ("user", &self.user)]))
    }

    fn too_long(&self, command: &Command<'_>) -> Box<Failure> {
        let limit = units::duration(command.limit);
        let answer = message("clients.ssh.command_limit", &[("limit", &limit)]);
        self.failure(Kind::TimedOut, command.line).answer(answer)
    }

    fn lost(&self, command: &Command<'_>) -> Box<Failure> {
        self.connection
            .farewell_of(self.failure(Kind::Site, command.line))
            .advise(message("clients.ssh.run_again", &[]))
    }
}

async fn feed(mut writer: impl AsyncWrite + Unpin, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes).await?;
    writer.shutdown().await
}
