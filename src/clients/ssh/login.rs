//! Logging in with passwords, each tried once: accounts may lock (DESIGN §6).

use jiff::Timestamp;
use russh::{
    MethodKind, MethodSet,
    client::{AuthResult, KeyboardInteractiveAuthResponse as Interactive},
};
use tokio::time::{Instant, timeout};

use super::{
    connection::{Connection, Service},
    record::{Noted, brief},
    session::Session,
};
use crate::{
    clients::{
        dial::{Dialler, Endpoint},
        trust::TrustStore,
        wire::{Body, Class, Receipt, Wire},
    },
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
    text::Text,
    units,
};

/// What a probe may do over SSH: find out which password logs in, and look around (see `look`). It cannot run a
/// command of its own.
#[derive(Clone)]
pub struct SshReader(Service);

/// What an act may do over SSH: open a [`Session`].
#[derive(Clone)]
pub struct Ssh(SshReader);

impl SshReader {
    /// Connections use the dialler's limits: greeting and each login answer have `first_byte`.
    pub fn new(dialler: Dialler, endpoint: Endpoint, trust: TrustStore, wire: Wire) -> Self {
        Self(Service { dialler, endpoint, trust, wire })
    }

    /// The last login or reading command through this handle.
    pub fn last_read(&self) -> Option<Receipt> {
        self.0.wire.last_read()
    }

    /// The index of the first of `candidates` that logs `user` in, or `None` when the host refuses them all.
    ///
    /// Each is tried once, in the given order; an equal one is not tried again.
    pub async fn accepted(&self, user: &str, candidates: &[&Secret<String>]) -> Result<Option<usize>> {
        Ok(self.0.log_in(user, candidates).await?.map(|(candidate, _)| candidate))
    }

    /// A session, and the candidate that opened it; `None` when the host refuses them all.
    pub(super) async fn session(
        &self,
        user: &str,
        candidates: &[&Secret<String>],
    ) -> Result<Option<(Session, usize)>> {
        let opened = self.0.log_in(user, candidates).await?;
        Ok(opened.map(|(candidate, connection)| {
            let password = candidates[candidate].clone();
            (Session::new(connection, self.0.clone(), user, password), candidate)
        }))
    }
}

impl Ssh {
    pub fn new(reader: SshReader) -> Self {
        Self(reader)
    }

    /// The probing half of this service.
    pub fn reader(&self) -> &SshReader {
        &self.0
    }

    /// Logs in as [`SshReader::accepted`] does and keeps the session; tells which candidate worked.
    ///
    /// # Errors
    /// Also when the host refuses every candidate.
    pub async fn open(&self, user: &str, candidates: &[&Secret<String>]) -> Result<(Session, usize)> {
        let service = &self.0.0;
        match self.0.session(user, candidates).await? {
            Some(opened) => Ok(opened),
            None => Err(service
                .login_failure(Kind::Site, user)
                .answer(message("clients.ssh.refused", &[("count", &candidates.len())]))
                .meaning(message("clients.ssh.refused_meaning", &[("user", &user)]))
                .advise(message(
                    "clients.ssh.check_password",
                    &[("user", &user), ("address", &service.endpoint.address)],
                ))),
        }
    }
}

/// The host's answer to one password.
enum Answer {
    Accepted,
    Refused,
    /// The connection ended instead of an answer; many hosts end it after a number of refusals.
    Gone(Box<Failure>),
}

/// How passwords are handed over at this host.
#[derive(Clone, Copy)]
enum Method {
    Password,
    Interactive,
}

impl Service {
    async fn log_in(
        &self,
        user: &str,
        candidates: &[&Secret<String>],
    ) -> Result<Option<(usize, Connection)>> {
        let mut open: Option<(Connection, Method)> = None;
        let mut unanswered = None;
        for (index, candidate) in candidates.iter().enumerate() {
            if candidates[..index].contains(candidate) {
                continue;
            }
            self.wire.redactor().learn(candidate.expose());
            let (mut connection, method) = match open.take() {
                Some(open) => open,
                None => self.greet(user).await?,
            };
            let start = (Timestamp::now(), Instant::now());
            let offering = self.offer(&mut connection, method, user, candidate);
            let answer = self.within_login_limit(user, offering).await;
            let outcome = match &answer {
                Ok(Answer::Accepted) => Ok((0, "accepted".to_owned())),
                Ok(Answer::Refused) => Ok((1, "refused".to_owned())),
                Ok(Answer::Gone(failure)) | Err(failure) => Err(brief(failure)),
            };
            let which = format!("password {} of {}", index + 1, candidates.len());
            self.record_login(user, &which, start, outcome)?;
            match answer? {
                Answer::Accepted => return Ok(Some((index, connection))),
                Answer::Refused if connection.handle.is_closed() => {}
                Answer::Refused => open = Some((connection, method)),
                Answer::Gone(failure) => unanswered = Some(failure),
            }
        }
        // "All refused" would be a lie when one of them got no answer.
        unanswered.map_or(Ok(None), Err)
    }

    fn record_login(
        &self,
        user: &str,
        with: &str,
        (started, clock): (Timestamp, Instant),
        outcome: Result<(u32, String), String>,
    ) -> Result<()> {
        self.record(&Noted {
            operation: "ssh.login",
            path: user,
            request: Body::Described(with),
            outcome,
            started,
            took: clock.elapsed(),
            attempt: 1,
            class: Class::Read,
        })
    }

    /// Connects and asks which methods there are, with a login attempt that carries no password: so each
    /// password is tried by one method only.
    async fn greet(&self, user: &str) -> Result<(Connection, Method)> {
        let connection = self.connect().await?;
        let start = (Timestamp::now(), Instant::now());
        let greeted = self.methods(connection, user).await;
        if let Err(failure) = &greeted {
            self.record_login(user, "no password", start, Err(brief(failure)))?;
        }
        greeted
    }

    async fn methods(&self, mut connection: Connection, user: &str) -> Result<(Connection, Method)> {
        let asked = async { Ok(connection.handle.authenticate_none(user).await) };
        let offered = match self.within_login_limit(user, asked).await? {
            Ok(AuthResult::Failure { remaining_methods, .. }) if !connection.handle.is_closed() => {
                remaining_methods
            }
            Ok(AuthResult::Success) => {
                let open = message("clients.ssh.no_password_needed", &[("user", &user)]);
                return Err(self.login_failure(Kind::Site, user).meaning(open));
            }
            Ok(AuthResult::Failure { .. }) => return Err(self.gone(&connection, user)),
            Err(error) => return Err(self.gone(&connection, user).because(&error)),
        };
        let method = if offered.contains(&MethodKind::Password) {
            Method::Password
        } else if offered.contains(&MethodKind::KeyboardInteractive) {
            Method::Interactive
        } else {
            return Err(self.no_password_method(user, &offered));
        };
        Ok((connection, method))
    }

    async fn offer(
        &self,
        connection: &mut Connection,
        method: Method,
        user: &str,
        password: &Secret<String>,
    ) -> Result<Answer> {
        match method {
            Method::Password => {
                let answer = connection.handle.authenticate_password(user, password.expose().as_str()).await;
                Ok(match answer {
                    Ok(AuthResult::Success) => Answer::Accepted,
                    Ok(AuthResult::Failure { partial_success: true, .. }) => {
                        return Err(self.wants_more(user, ""));
                    }
                    // The library says the same, with no method left, when the connection ended.
                    Ok(AuthResult::Failure { remaining_methods, .. })
                        if remaining_methods.is_empty() && connection.handle.is_closed() =>
                    {
                        Answer::Gone(self.gone(connection, user))
                    }
                    Ok(AuthResult::Failure { .. }) => Answer::Refused,
                    Err(error) => Answer::Gone(self.gone(connection, user).because(&error)),
                })
            }
            Method::Interactive => self.converse(connection, user, password).await,
        }
    }

    /// Keyboard-interactive: the password answers the first hidden prompt and nothing else. A further prompt
    /// asks for something we do not have (a code, a new password for an expired one).
    async fn converse(
        &self,
        connection: &mut Connection,
        user: &str,
        password: &Secret<String>,
    ) -> Result<Answer> {
        let mut given = false;
        let mut answer = connection.handle.authenticate_keyboard_interactive_start(user, None).await;
        loop {
            let responses = match answer {
                Ok(Interactive::Success) => return Ok(Answer::Accepted),
                Ok(Interactive::Failure { partial_success: true, .. }) => {
                    return Err(self.wants_more(user, ""));
                }
                Ok(Interactive::Failure { .. }) => return Ok(Answer::Refused),
                Ok(Interactive::InfoRequest { prompts, .. }) => match prompts.as_slice() {
                    [] => Vec::new(),
                    [prompt] if !given && !prompt.echo => {
                        given = true;
                        vec![password.expose().clone()]
                    }
                    [prompt, ..] => return Err(self.wants_more(user, &prompt.prompt)),
                },
                Err(error) => return Ok(Answer::Gone(self.gone(connection, user).because(&error))),
            };
            answer = connection.handle.authenticate_keyboard_interactive_respond(responses).await;
        }
    }

    async fn within_login_limit<T>(&self, user: &str, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.dialler.limits().first_byte;
        timeout(limit, answer).await.unwrap_or_else(|_| {
            let answer = message("clients.ssh.login_limit", &[("limit", &units::duration(limit))]);
            Err(self.login_failure(Kind::TimedOut, user).answer(answer))
        })
    }

    fn login_failure(&self, kind: Kind, user: &str) -> Box<Failure> {
        self.failing(kind, message("clients.ssh.doing_login", &[("user", &user)]))
    }

    fn gone(&self, connection: &Connection, user: &str) -> Box<Failure> {
        connection
            .farewell_of(self.login_failure(Kind::Site, user))
            .meaning(message("clients.ssh.gone", &[]))
            .advise(message("clients.ssh.wait_and_run_again", &[]))
    }

    fn no_password_method(&self, user: &str, offered: &MethodSet) -> Box<Failure> {
        let offered = offered.iter().map(<&str>::from).collect::<Vec<_>>().join(", ");
        self.login_failure(Kind::Site, user)
            .answer(Text::same(offered))
            .meaning(message("clients.ssh.no_password_method", &[]))
            .advise(message("clients.ssh.allow_passwords", &[("address", &self.endpoint.address)]))
    }

    fn wants_more(&self, user: &str, prompt: &str) -> Box<Failure> {
        self.login_failure(Kind::Site, user)
            .answer(Text::same(prompt.trim()))
            .meaning(message("clients.ssh.wants_more", &[]))
            .advise(message(
                "clients.ssh.log_in_by_hand",
                &[("user", &user), ("address", &self.endpoint.address)],
            ))
    }
}
