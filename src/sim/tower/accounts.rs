//! The root user, its password, logins and tokens (api-cloudtower §1; site-behaviour §4).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{clock::Moment, exchange::Answer, random, site::State, variants::WrongPassword},
    Tower,
    denied::{Denied, Outcome, error_body},
    knobs::TowerRefusal,
    tables::Table,
    visit::{Visit, with_task},
};

/// The one password that the two constants stand for.
const DEFAULT_PASSWORD: &str = "HC!r0cks";
/// createRootUser and the GraphQL login carry it encoded (api-cloudtower §1.3).
const ENCODED_FOR_CREATION: &str =
    "NzllNTE3NTgxYWY5NDY3ODM4ZTczMTg1MDc4YmM3YzQ6eVpSSTlodUNxNDBNL3J4ZTViZ1dqZz09";
const ENCODED_FOR_LOGIN: &str =
    "NmQwNTQ2MTI4MDQxMjgzYTk3NDU3OGZmYjk3NmFhNGM6dm40by9nOE0xZ0ZjVmxBSmR2Nmk3QT09";

/// The first user.
#[derive(Debug, Serialize, Deserialize)]
pub struct Root {
    pub id: String,
    /// None: set from a code that nobody can decode, so nobody can log in.
    pub password: Option<String>,
    pub password_updated_at: Moment,
}

impl Tower {
    /// Makes every token invalid (AUTH-EXPIRE).
    pub fn expire_tokens(&mut self) {
        self.tokens.clear();
        self.cookies.clear();
    }

    /// Whether a login has set the session cookie to this.
    pub(super) fn knows_cookie(&self, value: &str) -> bool {
        self.cookies.contains(value)
    }

    /// Every token and cookie that opens something now, so that a test can look for it where it must not be.
    pub fn tokens(&self) -> Vec<String> {
        self.tokens.iter().chain(&self.cookies).cloned().collect()
    }

    pub fn is_secret(&self, value: &str) -> bool {
        self.tokens.contains(value)
            || self.cookies.contains(value)
            || self.root.as_ref().is_some_and(|root| root.password.as_deref() == Some(value))
    }
}

/// Lets a request in that carries a token. Errors: 401.
pub fn admit(visit: &mut Visit<'_>, operation: &str) -> Result<(), Denied> {
    let header = visit.call.header("authorization");
    let token = header.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
    if token.is_some_and(|token| visit.state.tower.tokens.contains(token)) {
        return Ok(());
    }
    // A token that has gone stale is everyday life; none at all breaks the contract.
    if token.is_none() {
        visit.state.breach(visit.now, visit.call.address, operation, "missing token");
    }
    Err(unauthorized(visit, "not login or token expired"))
}

fn unauthorized(visit: &Visit<'_>, message: &str) -> Denied {
    Denied::With(match visit.state.variants.tower.unauthorized {
        TowerRefusal::Empty => Answer::empty(401),
        TowerRefusal::ErrorBody | TowerRefusal::GraphqlErrors => {
            error_body(visit.call, 401, None, message, &Value::Null)
        }
    })
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
    source: Option<String>,
}

/// `POST login`: the password in clear text.
pub fn login(visit: &mut Visit<'_>) -> Outcome {
    let login: Login = visit.read()?;
    let local = login.source.as_deref().is_none_or(|source| source == "LOCAL");
    let token = visit.state.open_session(visit.now, &login.username, &login.password).filter(|_| local);
    let Some(token) = token else {
        let status = match visit.state.variants.wrong_password {
            WrongPassword::Unauthorized => 401,
            WrongPassword::BadRequest => 400,
            WrongPassword::Forbidden => 403,
        };
        let message = "username or password is incorrect".to_owned();
        return Err(Denied::Error { status, code: None, message, props: Value::Null });
    };
    Ok(json!({"data": {"token": token}, "task_id": null}))
}

impl State {
    /// A token for who knows the password; counts the attempt either way.
    fn open_session(&mut self, now: Moment, username: &str, password: &str) -> Option<String> {
        let address = self.twin.plan.cloudtower?;
        let root = self.tower.root.as_ref();
        let known = root.filter(|root| username == "root" && root.password.as_deref() == Some(password));
        let Some(user) = known.map(|root| root.id.clone()) else {
            self.ledger.refused_logins.entry(address).or_default().add(now);
            return None;
        };
        let draw = self.new_cuid(now);
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let signature = [("a", 22), ("b", 21)]
            .map(|(part, len)| random::text(self.seed(), LETTERS, len, &["signature", &draw, part]))
            .concat();
        let (head, body) = (URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#), URL_SAFE_NO_PAD.encode(user));
        let token = format!("{head}.{body}.{signature}");
        self.tower.tokens.insert(token.clone());
        self.ledger.logins.entry(address).or_default().add(now);
        Some(token)
    }

    /// Makes the first user. Errors: there is one.
    fn create_root(&mut self, now: Moment, password: Option<String>) -> Result<String, String> {
        if self.tower.root.is_some() {
            return Err("user already exists".to_owned());
        }
        let id = self.new_cuid(now);
        self.tower.root = Some(Root { id: id.clone(), password, password_updated_at: now });
        self.ledger.root_users.add(now);
        Ok(id)
    }

    pub(super) fn user_rows(&self) -> Vec<Value> {
        let row = |root: &Root| {
            json!({
                "id": root.id, "name": "root", "username": "root", "display_username": "root", "role": "ROOT",
                "source": "LOCAL", "internal": false, "email_address": null, "mobile_phone": null,
                "password_expired": false, "password_updated_at": root.password_updated_at.iso(),
                "password_recover_qa": null, "roles": [], "auth_config_id": null, "ldap_dn": null,
            })
        };
        self.tower.root.iter().map(row).collect()
    }
}

#[derive(Deserialize)]
struct NewRoot {
    password: String,
}

/// `POST create-root-user`: clear text; name and role are fixed.
pub fn create_root_user(visit: &mut Visit<'_>) -> Outcome {
    let new: NewRoot = visit.read()?;
    let id = visit.state.create_root(visit.now, Some(new.password)).map_err(Denied::bad)?;
    Ok(with_task(None, &visit.row(Table::Users, &id)?))
}

#[derive(Deserialize)]
struct UserUpdate {
    #[serde(rename = "where")]
    filter: Value,
    data: UserData,
}

#[derive(Deserialize)]
struct UserData {
    password: Option<String>,
}

/// `POST update-user`: of its data only the password has an effect here.
pub fn update_user(visit: &mut Visit<'_>) -> Outcome {
    let update: UserUpdate = visit.read()?;
    let ids = visit.selected(Table::Users, &update.filter)?;
    let Some(password) = update.data.password else {
        return Err(Denied::bad("only the password can be changed here"));
    };
    if let Some(root) = &mut visit.state.tower.root {
        root.password = Some(password);
        root.password_updated_at = visit.now;
        visit.state.ledger.tower_passwords.add(visit.now);
    }
    ids.iter().map(|id| Ok(with_task(None, &visit.row(Table::Users, id)?))).collect()
}

fn is_encoded(arguments: &serde_json::Map<String, Value>) -> bool {
    arguments.get("effect").is_some_and(|effect| effect["encoded"] == true)
}

/// `createUser` of the captured document. Errors: the message of `errors`.
pub fn graphql_create(
    visit: &mut Visit<'_>,
    arguments: &serde_json::Map<String, Value>,
) -> Result<Value, String> {
    let data = arguments.get("data").unwrap_or(&Value::Null);
    let fixed = json!({
        "name": "root", "source": "LOCAL", "role": "ROOT", "username": "root", "display_username": "root",
    });
    let differs = fixed.as_object().and_then(|all| all.iter().find(|(name, value)| data[*name] != **value));
    if let Some((name, _)) = differs {
        return Err(format!("the first user is root: {name}"));
    }
    let sent = data["password"].as_str().unwrap_or_default();
    let password = match (is_encoded(arguments), sent) {
        (false, clear) => Some(clear.to_owned()),
        (true, ENCODED_FOR_CREATION) => Some(DEFAULT_PASSWORD.to_owned()),
        (true, _) => None,
    };
    visit.state.create_root(visit.now, password).map(|id| json!({"id": id}))
}

/// `login` of GraphQL. Errors: the message of `errors`.
pub fn graphql_login(
    visit: &mut Visit<'_>,
    arguments: &serde_json::Map<String, Value>,
) -> Result<Value, String> {
    let data = arguments.get("data").unwrap_or(&Value::Null);
    let sent = data["password"].as_str().unwrap_or_default();
    let password = match (is_encoded(arguments), sent) {
        (false, clear) => clear,
        (true, ENCODED_FOR_LOGIN) => DEFAULT_PASSWORD,
        // No other code is understood, and the empty password is nobody's.
        (true, _) => "",
    };
    let username = data["username"].as_str().unwrap_or_default();
    let token = visit.state.open_session(visit.now, username, password);
    let token = token.ok_or_else(|| "username or password is incorrect".to_owned())?;
    let uid = visit.state.tower.root.as_ref().map(|root| root.id.clone());
    Ok(json!({"token": token, "uid": uid, "need_mfa": false, "mfa_meta": null}))
}

/// The session cookie and the malformed one that follows it (api-cloudtower §1.2, COOKIE-ODD).
pub fn add_cookies(visit: &mut Visit<'_>, answer: &mut Answer) {
    if visit.state.quirks.tower.cookieless {
        return;
    }
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let draw = visit.state.new_cuid(visit.now);
    let part = |name: &str, len| random::text(visit.state.seed(), LETTERS, len, &["cookie", &draw, name]);
    // The encoded signs must come back as they are.
    let value = format!("s%3A{}.{}%2B{}%2F", part("id", 32), part("a", 20), part("b", 20));
    let attributes = "Path=/; HttpOnly; Secure; SameSite=Strict";
    for cookie in [
        format!("connect.sid={value}; {attributes}; HttpOnly"),
        "path=/; HttpOnly; Secure; SameSite=Strict".to_owned(),
    ] {
        answer.headers.push(("set-cookie".into(), cookie));
    }
    visit.state.tower.cookies.insert(value);
}
