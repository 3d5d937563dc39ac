//! The session of CloudTower's web page: a token and the cookie that came with it (api-applications §1). What its own
//! page calls (the applications) is called with both.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::{Engine, engine::general_purpose};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Tower, TowerReader, graphql, rest, sessions::USER};
use crate::{
    clients::{
        http::{Answer, Call},
        problem::Problem,
        retry::{Auth, Session},
        wire::Class,
    },
    failure::{Failure, Kind, Result},
    messages::message,
    secret::Secret,
};

/// How CloudTower's web page and the service that takes packages in are talked to.
#[derive(Clone, Debug)]
pub struct WebAccess {
    /// Sends the malformed cookie too, for servers that might insist on it.
    pub legacy_path_cookie: bool,
    /// The account of the operator service (api-applications §2.4).
    pub operator_user: String,
    pub operator_password: Secret<String>,
}

impl Default for WebAccess {
    fn default() -> Self {
        Self {
            legacy_path_cookie: false,
            operator_user: "o11y".to_owned(),
            operator_password: Secret::from("HC!r0cks"),
        }
    }
}

/// What a login of the web page gave.
#[derive(Clone)]
struct Key {
    token: Secret<String>,
    /// `connect.sid=…`, its value as it came; `None`: this CloudTower gave none.
    cookie: Option<Secret<String>>,
}

/// The key in force, and whether its lack of a cookie was told.
#[derive(Default)]
pub(super) struct WebSession {
    access: WebAccess,
    key: Mutex<Option<Key>>,
    cookieless: AtomicBool,
}

impl WebSession {
    pub(super) fn new(access: WebAccess) -> Self {
        Self { access, ..Self::default() }
    }
}

/// As whom a call is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// The token of `root`.
    Root,
    /// The account of the operator service.
    Operator,
}

impl TowerReader {
    /// Whether the web page's login gave no cookie: calls go on without it.
    pub fn is_cookieless(&self) -> bool {
        self.site.web.cookieless.load(Ordering::Relaxed)
    }

    /// A GraphQL call with token and cookie.
    pub(super) async fn web<T>(&self, call: Call, read: impl Fn(&Answer) -> Result<T, Problem>) -> Result<T> {
        let result = self.web_raw(&call, read).await;
        self.told(&call, result)
    }

    /// The same for callers that have to tell refusals apart.
    pub(super) async fn web_raw<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.with_key(call, Identity::Root, read).await
    }

    /// A call of the operator service: its own account, and the cookie.
    pub(super) async fn operator<T>(
        &self,
        call: &Call,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.with_key(call, Identity::Operator, read).await
    }

    /// The failure of such a call; a refused account is told with where it is configured.
    pub(super) fn operator_told<T>(&self, call: &Call, result: Result<T, Problem>) -> Result<T> {
        let refused =
            matches!(&result, Err(Problem::Refused(refused)) if matches!(refused.status, 401 | 403));
        self.told(call, result).map_err(|failure| match refused {
            true => failure
                .meaning(message(
                    "clients.tower.operator_refused",
                    &[("user", &self.site.web.access.operator_user)],
                ))
                .advise(message("clients.tower.operator_advice", &[])),
            false => failure,
        })
    }

    /// A request that was refused for its session had no effect: it is sent once more after a new login.
    async fn with_key<T>(
        &self,
        call: &Call,
        identity: Identity,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let mut refused: Option<Secret<String>> = None;
        loop {
            let key = self.key(refused.as_ref()).await?;
            let mut dressed = call.clone();
            if let Some(cookie) = &key.cookie {
                let prefix = if self.site.web.access.legacy_path_cookie { "path=/; " } else { "" };
                dressed = dressed.header("cookie", Secret::new(format!("{prefix}{}", cookie.expose())));
            }
            let basic;
            let value = match identity {
                Identity::Root => &key.token,
                Identity::Operator => {
                    basic = self.site.web.access.basic();
                    &basic
                }
            };
            let auth = Auth::Fixed("authorization", value);
            let result = self.http.call(&dressed, &self.site.route, auth, &read).await;
            match &result {
                Err(Problem::Refused(problem))
                    if matches!(problem.status, 401 | 403) && refused.is_none() =>
                {
                    refused = Some(key.token);
                }
                _ => return result,
            }
        }
    }

    /// A key; never one with the token that was just `refused`.
    async fn key(&self, refused: Option<&Secret<String>>) -> Result<Key, Problem> {
        let mut held = self.site.web.key.lock().await;
        if let Some(key) = held.as_ref().filter(|key| refused != Some(&key.token)) {
            return Ok(key.clone());
        }
        let key = self.open_web(refused).await?;
        self.site.web.cookieless.store(key.cookie.is_none(), Ordering::Relaxed);
        *held = Some(key.clone());
        Ok(key)
    }

    /// Logs in by GraphQL with the password that REST has proved, one try in each form: accounts may lock. A
    /// CloudTower that takes neither leaves the token of REST, without a cookie.
    async fn open_web(&self, refused: Option<&Secret<String>>) -> Result<Key, Problem> {
        let session = &self.site.session;
        let token = session.token(&self.http, &self.site.route, refused).await?;
        let password = session.password().await;
        for form in [Form::Plain, Form::Encoded] {
            let call = form.call(password.expose());
            match self.http.call(&call, &self.site.route, Auth::None, entry).await {
                Ok(Entry { mfa: true, .. }) => return Err(Problem::NoSession(no_mfa())),
                Ok(Entry { token, cookie, .. }) => {
                    let redactor = self.http.wire().redactor();
                    redactor.learn(token.expose());
                    if let Some(cookie) = &cookie {
                        redactor.learn(cookie.expose().trim_start_matches(COOKIE));
                    }
                    return Ok(Key { token, cookie });
                }
                // Its own schema may know no such argument, or the password only encoded.
                Err(Problem::Refused(refused)) if refused.status < 500 => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(Key { token, cookie: None })
    }

    /// The id of the account `root`: it is in its token, or CloudTower is asked (api-applications §1).
    pub(super) async fn user_id(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct User {
            id: String,
        }
        let key = self.key(None).await;
        let doing = message("clients.tower.user", &[]);
        let body = json!({"where": {"username": USER, "source": "LOCAL"}});
        let call = rest::read("tower.get-users", doing, &body);
        let key = self.told(&call, key)?;
        if let Some(id) = user_in(key.token.expose()) {
            return Ok(id);
        }
        let users: Vec<User> = self.call(call, rest::list).await?;
        let none = || Failure::new(Kind::Site, message("clients.tower.user", &[]));
        Ok(users.into_iter().next().ok_or_else(none)?.id)
    }
}

impl Tower {
    /// A GraphQL mutation with token and cookie.
    pub(super) async fn web_mutation<T>(
        &self,
        call: Call,
        read: impl Fn(&Answer) -> Result<T, Problem>,
    ) -> Result<T> {
        self.web(call, read).await
    }
}

impl WebAccess {
    fn basic(&self) -> Secret<String> {
        let account = format!("{}:{}", self.operator_user, self.operator_password.expose());
        Secret::new(format!("Basic {}", general_purpose::STANDARD.encode(account)))
    }
}

/// How the password travels in the mutation.
#[derive(Clone, Copy)]
enum Form {
    /// As it is, without the `effect` argument.
    Plain,
    /// As it is, and called encoded, as the web page sends its own cipher text.
    Encoded,
}

impl Form {
    fn call(self, password: &str) -> Call {
        #[derive(Serialize)]
        struct Variables<'a> {
            data: Data<'a>,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            username: &'static str,
            password: &'a str,
            source: &'static str,
            auth_config_id: Option<&'static str>,
        }
        let data = Data { username: USER, password, source: "LOCAL", auth_config_id: None };
        const OPERATION: &str = "tower.login";
        let (doing, variables) = (message("clients.tower.log_in", &[]), Variables { data });
        let call = match self {
            Self::Plain => graphql::mutation(OPERATION, doing, &variables),
            Self::Encoded => graphql::mutation_with(ENCODED, OPERATION, doing, &variables),
        };
        // A second token does no harm.
        call.class(Class::Read).harmless()
    }
}

/// The argument that the web page's own login has, beside those of the document.
const ENCODED: (&str, &str) = ("login(data: $data)", "login(data: $data, effect: { encoded: true })");

struct Entry {
    token: Secret<String>,
    cookie: Option<Secret<String>>,
    mfa: bool,
}

/// The one cookie that means something; the malformed line beside it has no value of its own.
const COOKIE: &str = "connect.sid=";

fn entry(answer: &Answer) -> Result<Entry, Problem> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(default)]
        token: String,
        #[serde(default)]
        need_mfa: Value,
    }
    let Reply { token, need_mfa } = graphql::root(answer, "login")?;
    let line = answer.cookies.iter().find(|line| line.expose().starts_with(COOKIE));
    // Its percent-encoding stays as it is.
    let cookie = line.map(|line| Secret::from(line.expose().split(';').next().unwrap_or_default()));
    let mfa = !matches!(need_mfa, Value::Null | Value::Bool(false));
    if token.is_empty() && !mfa {
        return Err(Problem::unreadable(answer, "no token"));
    }
    Ok(Entry { token: Secret::new(token), cookie, mfa })
}

fn no_mfa() -> Box<Failure> {
    Failure::new(Kind::Site, message("clients.tower.log_in", &[]))
        .meaning(message("clients.tower.mfa", &[]))
        .advise(message("clients.tower.mfa_advice", &[]))
}

/// The middle of the token looks like that of a JWT and is the bare user id.
fn user_in(token: &str) -> Option<String> {
    let middle = token.split('.').nth(1)?;
    let id = String::from_utf8(general_purpose::URL_SAFE_NO_PAD.decode(middle).ok()?).ok()?;
    (id.len() >= 8 && id.chars().all(|c| c.is_ascii_alphanumeric())).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_is_in_the_token_unless_that_is_a_real_jwt() {
        assert_eq!(user_in("eyJh.Y2thYmNkZWZnaGlq.sig").as_deref(), Some("ckabcdefghij"));
        assert_eq!(user_in("eyJh.eyJpZCI6MX0.sig"), None);
        assert_eq!(user_in("plain"), None);
    }
}
