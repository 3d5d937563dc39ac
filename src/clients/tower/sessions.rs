//! The account `root` and its token (api-cloudtower §§1.1, 1.3).

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::{Begun, Tower, TowerReader, rest};
use crate::{
    clients::{
        http::{Answer, Call, Http},
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

pub(super) const USER: &str = "root";

/// The password of a CloudTower that was set up by the captured route.
pub(super) const DEFAULT_PASSWORD: &str = "HC!r0cks";

/// Which password the account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InForce {
    Planned,
    /// `HC!r0cks`, and another one is planned.
    Default,
}

/// What logging in came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    In(InForce),
    /// Neither the planned password nor the default: the site's words.
    Refused(Text),
}

impl TowerReader {
    /// Logs in, unless there is a session already: the planned password, then the default, one try each.
    ///
    /// # Errors
    /// CloudTower does not answer, or fails (5xx).
    pub async fn enter(&self) -> Result<Entry> {
        let mut state = self.site.session.state.lock().await;
        if let State::In { password, .. } = &*state {
            return Ok(Entry::In(*password));
        }
        let result = self.site.session.log_in(&self.http, &self.site.route).await;
        match self.told(&login_call(&self.site.session.planned), result)? {
            Opened::In { token, password } => {
                *state = State::In { token, password };
                Ok(Entry::In(password))
            }
            Opened::Refused(refused) => Ok(Entry::Refused(words(&refused, self.http.wire().redactor()))),
        }
    }

    /// The same with a login of its own, whatever session there is: the proof of a password.
    pub async fn enter_anew(&self) -> Result<Entry> {
        *self.site.session.state.lock().await = State::Out;
        self.enter().await
    }

    /// Whether the planned password is the one that CloudTower knows in encoded form.
    pub fn default_is_planned(&self) -> bool {
        self.site.session.planned.expose() == DEFAULT_PASSWORD
    }
}

impl Tower {
    /// Gives the account the planned password, in clear text by REST (api-cloudtower §1.3, step 2).
    pub async fn set_password(&self) -> Result<Begun> {
        #[derive(Serialize)]
        struct Body<'a> {
            r#where: Account,
            data: Data<'a>,
        }
        #[derive(Serialize)]
        struct Account {
            username: &'static str,
            source: &'static str,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            password: &'a str,
        }
        let body = Body {
            r#where: Account { username: USER, source: "LOCAL" },
            data: Data { password: self.site.session.planned.expose() },
        };
        let doing = message("clients.tower.set_password", &[]);
        self.mutate(rest::write("tower.update-user", doing, &body)).await
    }

    /// The account has changed: the next call logs in anew.
    pub async fn leave(&self) {
        *self.site.session.state.lock().await = State::Out;
    }
}

/// The planned account and the token it holds. Tokens do not expire by themselves (api-cloudtower §1.1).
pub(super) struct TowerSession {
    pub(super) planned: Secret<String>,
    /// Held while logging in, so that many refused calls lead to one login.
    state: Mutex<State>,
}

#[derive(Default)]
enum State {
    #[default]
    Out,
    In {
        token: Secret<String>,
        password: InForce,
    },
    /// Both passwords were refused. They are not tried again by themselves: the account may lock.
    ShutOut(Box<Failure>),
}

enum Opened {
    In { token: Secret<String>, password: InForce },
    Refused(Refused),
}

impl TowerSession {
    pub(super) fn new(planned: Secret<String>) -> Self {
        Self { planned, state: Mutex::default() }
    }

    /// The password that the last login was made with.
    pub(super) async fn password(&self) -> Secret<String> {
        match &*self.state.lock().await {
            State::In { password: InForce::Default, .. } => Secret::from(DEFAULT_PASSWORD),
            _ => self.planned.clone(),
        }
    }

    /// The planned password, then the default.
    async fn log_in(&self, http: &Http, route: &Route) -> Result<Opened, Problem> {
        let redactor = http.wire().redactor();
        let default = Secret::from(DEFAULT_PASSWORD);
        let mut passwords = vec![(&self.planned, InForce::Planned)];
        if self.planned.expose() != DEFAULT_PASSWORD {
            redactor.learn(DEFAULT_PASSWORD);
            passwords.push((&default, InForce::Default));
        }
        let mut last = None;
        for (password, which) in passwords {
            match http.call(&login_call(password), route, Auth::None, token).await? {
                Ok(token) => {
                    redactor.learn(token.expose());
                    return Ok(Opened::In { token, password: which });
                }
                // The planned password is the one whose refusal is worth telling.
                Err(refused) => last = last.or(Some(refused)),
            }
        }
        match last {
            Some(refused) => Ok(Opened::Refused(refused)),
            None => Err(Problem::NoSession(Failure::new(Kind::Bug, message("clients.tower.log_in", &[])))),
        }
    }

    async fn renew(
        &self,
        http: &Http,
        route: &Route,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, Problem> {
        let mut state = self.state.lock().await;
        match &*state {
            State::In { token, .. } if refused != Some(token) => return Ok(token.clone()),
            State::ShutOut(failure) => return Err(Problem::NoSession(failure.clone())),
            State::In { .. } | State::Out => *state = State::Out,
        }
        match self.log_in(http, route).await? {
            Opened::In { token, password } => {
                *state = State::In { token: token.clone(), password };
                Ok(token)
            }
            Opened::Refused(refused) => {
                let failure = Failure::new(Kind::Site, message("clients.tower.log_in", &[]))
                    .at(refused.at)
                    .answer(words(&refused, http.wire().redactor()))
                    .meaning(message("clients.tower.password_refused", &[("user", &USER)]))
                    .advise(message("clients.tower.password_advice", &[]));
                *state = State::ShutOut(failure.clone());
                Err(Problem::NoSession(failure))
            }
        }
    }
}

impl Session for TowerSession {
    fn header(&self) -> &'static str {
        // Without a prefix.
        "authorization"
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
        source: &'static str,
    }
    let body = Body { username: USER, password: password.expose(), source: "LOCAL" };
    rest::write("tower.login", message("clients.tower.log_in", &[]), &body)
        // A second token does no harm: nothing is lost by asking again.
        .class(Class::Read)
        .harmless()
}

pub(super) fn words(refused: &Refused, redactor: &Redactor) -> Text {
    Text::same(clip(&redactor.text(&refused.to_string())))
}

/// A token, or a refusal of the password. Statuses are not documented: any refusal that is not the page of a
/// service that is still starting counts.
fn token(answer: &Answer) -> Result<Result<Secret<String>, Refused>, Problem> {
    #[derive(Deserialize)]
    struct Reply {
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        token: String,
    }
    match rest::body::<Reply>(answer) {
        Ok(reply) => Ok(Ok(Secret::new(reply.data.token))),
        Err(problem) if rest::is_starting(&problem) => Err(problem),
        Err(Problem::Refused(refused)) if matches!(refused.status, 400 | 401 | 403 | 404) => {
            Ok(Err(*refused))
        }
        Err(problem) => Err(problem),
    }
}
