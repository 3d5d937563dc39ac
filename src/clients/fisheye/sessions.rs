//! The first administrator and sessions (api-fisheye §4).

use std::{
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{Fisheye, Reader, envelope};
use crate::{
    clients::{
        http::{Answer, Call, Http, Target},
        problem::{Problem, Refused, clip},
        redact::Redactor,
        retry::{Auth, Route, Session},
        wire::Class,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
    text::Text,
};

/// The account is always `root`.
const USER: &str = "root";
pub(super) const HEADER: &str = "x-smartx-token";

/// What a login attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    In,
    /// The service answers and does not let us in: wrong password, or no account yet. Its words.
    Refused(Text),
}

impl Reader {
    /// Tries the planned password at one address, once. A session that comes of it is kept.
    ///
    /// # Errors
    /// The service does not answer, or fails (5xx).
    pub async fn log_in_at(&self, address: Ipv4Addr) -> Result<Login> {
        let call = login_call(&self.cluster.session.password).polled();
        let route = Route::to(Target::https(address));
        let result = self.http.call(&call, &route, Auth::None, entry).await;
        match self.told(&call, result)? {
            Entry::In(held) => {
                self.http.wire().redactor().learn(held.token.expose());
                *self.cluster.session.state.lock().await = State::In(held);
                Ok(Login::In)
            }
            Entry::Refused(refused) => Ok(Login::Refused(words(&refused, self.http.wire().redactor()))),
        }
    }
}

impl Fisheye {
    /// Creates the account `root` with the planned password, on host row 1. Refused where it exists.
    pub async fn set_up_root(&self) -> Result<()> {
        #[derive(Serialize)]
        struct Body<'a> {
            password: &'a str,
            repeat: &'a str,
            encrypted: bool,
        }
        let password = self.cluster.session.password.expose();
        let doing = message("clients.doing.set_up_root", &[]);
        // The `:` stays literal.
        let call = Call::write("fisheye.setup_root", doing, Method::POST, "/api/v3/users:setupRoot")
            .json(&Body { password, repeat: password, encrypted: false });
        let result = self.http.call(&call, &self.cluster.first, Auth::None, accepted).await;
        self.told(&call, result)?;
        // Whatever was refused before: now the account has the planned password.
        *self.cluster.session.state.lock().await = State::Out;
        Ok(())
    }
}

/// The planned account and the session it holds, one for all nodes and the VIP.
pub(super) struct FisheyeSession {
    password: Secret<String>,
    /// Held while logging in, so that many refused calls lead to one login.
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Out,
    In(Held),
    /// The planned password was refused. It is not tried again by itself: the account may lock.
    ShutOut(Box<Failure>),
}

struct Held {
    token: Secret<String>,
    /// When to log in again by ourselves; a session without stated end lives until it is refused.
    until: Option<Instant>,
}

impl FisheyeSession {
    pub(super) fn new(password: Secret<String>) -> Self {
        Self { password, state: Mutex::default() }
    }

    async fn renew(
        &self,
        http: &Http,
        route: &Route,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, Problem> {
        let mut state = self.state.lock().await;
        match &*state {
            State::In(Held { token, until })
                if refused != Some(token) && until.is_none_or(|until| Instant::now() < until) =>
            {
                return Ok(token.clone());
            }
            State::ShutOut(failure) => return Err(Problem::NoSession(failure.clone())),
            State::In(_) | State::Out => *state = State::Out,
        }
        let call = login_call(&self.password);
        let redactor = http.wire().redactor();
        match http.call(&call, route, Auth::None, entry).await? {
            Entry::In(held) => {
                redactor.learn(held.token.expose());
                let token = held.token.clone();
                *state = State::In(held);
                Ok(token)
            }
            Entry::Refused(refused) => {
                // A service that is not there yet knows no password.
                let final_word = refused.status != 404;
                let failure = Failure::new(Kind::Site, call.doing.clone())
                    .at(refused.at)
                    .answer(words(&refused, redactor))
                    .meaning(message("clients.fisheye.password_refused", &[("user", &USER)]))
                    .advise(message("clients.fisheye.password_advice", &[]));
                if final_word {
                    *state = State::ShutOut(failure.clone());
                }
                Err(Problem::NoSession(failure))
            }
        }
    }
}

impl Session for FisheyeSession {
    fn header(&self) -> &'static str {
        HEADER
    }

    fn token<'a>(
        &'a self,
        http: &'a Http,
        route: &'a Route,
        refused: Option<&'a Secret<String>>,
    ) -> BoxFuture<'a, Result<Secret<String>, Problem>> {
        Box::pin(self.renew(http, route, refused))
    }
}

fn login_call(password: &Secret<String>) -> Call {
    #[derive(Serialize)]
    struct Body<'a> {
        username: &'static str,
        password: &'a str,
        encrypted: bool,
    }
    Call::write("fisheye.sessions", message("clients.doing.log_in", &[]), Method::POST, "/api/v3/sessions")
        .json(&Body { username: USER, password: password.expose(), encrypted: false })
        // A second session does no harm: nothing is lost by asking again.
        .class(Class::Read)
        .harmless()
}

fn words(refused: &Refused, redactor: &Redactor) -> Text {
    Text::same(clip(&redactor.text(&refused.to_string())))
}

enum Entry {
    In(Held),
    Refused(Refused),
}

fn entry(answer: &Answer) -> Result<Entry, Problem> {
    #[derive(Deserialize)]
    struct Reply {
        token: String,
        #[serde(default)]
        create_time: Option<Timestamp>,
        #[serde(default)]
        expire_time: Option<Timestamp>,
    }
    /// Bare as documented, or under `data` as the peer accepts too.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Bare(Reply),
        Wrapped { data: Reply },
    }
    match envelope::v3::<Either>(answer) {
        Ok(Either::Bare(reply) | Either::Wrapped { data: reply }) => {
            // The site's clock need not be ours: only the length of the session counts.
            let length = reply.create_time.zip(reply.expire_time).map(|(from, to)| to.duration_since(from));
            let length = length.and_then(|length| Duration::try_from(length).ok());
            let until = length.and_then(|length| Instant::now().checked_add(length / 10 * 9));
            Ok(Entry::In(Held { token: Secret::new(reply.token), until }))
        }
        // Wrong password and missing account come as 400, 401, 403 or 404 (site-behaviour §4).
        Err(Problem::Refused(refused)) if matches!(refused.status, 400 | 401 | 403 | 404) => {
            Ok(Entry::Refused(*refused))
        }
        Err(problem) => Err(problem),
    }
}

/// The reply repeats the account; nothing in it is needed.
fn accepted(answer: &Answer) -> Result<(), Problem> {
    envelope::v3::<serde_json::Value>(answer).map(drop)
}
