//! The first administrator and sessions (api-fisheye §4, site-behaviour §4).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Call, Outcome, Refused},
        site::State,
        strict,
        variants::{SetupRootAgain, WrongPassword},
    },
    Cluster, FIXED_TOKEN, Visit,
};

#[derive(Serialize, Deserialize)]
struct SetupRoot {
    password: String,
    repeat: String,
    encrypted: bool,
}

#[derive(Serialize, Deserialize)]
struct Login {
    username: String,
    password: String,
    encrypted: bool,
}

/// `POST users:setupRoot`.
pub fn setup_root(visit: &mut Visit<'_>) -> Outcome {
    let body: SetupRoot = strict::body(visit.call, visit.state.quirks.lenient)?;
    if body.encrypted || body.password != body.repeat || body.password.is_empty() {
        return Err(Refused::Shape("password and repeat must be equal, clear and not empty".into()));
    }
    if visit.state.cluster.root_password.is_some() {
        let status = match visit.state.variants.setup_root_again {
            SetupRootAgain::BadRequest => 400,
            SetupRootAgain::Forbidden => 403,
            SetupRootAgain::Conflict => 409,
        };
        let set = json!({"code": "SIM_ROOT_ALREADY_SET", "message": "root has been set up"});
        return Err(Refused::With(Answer::json(status, &set)));
    }
    visit.state.cluster.root_password = Some(body.password);
    visit.state.ledger.setup_root.add(visit.now);
    Ok(Answer::json(
        200,
        &json!({
            "id": "root", "username": "root", "password": "", "email": "root@test.com", "role": "ROOT",
            "annotation": "", "auth_provider_id": "local",
        }),
    ))
}

/// `POST sessions`.
pub fn open(visit: &mut Visit<'_>) -> Outcome {
    let body: Login = strict::body(visit.call, visit.state.quirks.lenient)?;
    if body.encrypted {
        return Err(Refused::Shape("encrypted must be false".into()));
    }
    let right = body.username == "root" && visit.state.cluster.root_password.as_ref() == Some(&body.password);
    if !right {
        visit.state.ledger.refused_logins.entry(visit.call.address).or_default().add(visit.now);
        let status = match visit.state.variants.wrong_password {
            WrongPassword::Unauthorized => return Err(Refused::With(visit.state.unauthorized())),
            WrongPassword::BadRequest => 400,
            WrongPassword::Forbidden => 403,
        };
        let wrong = json!({"code": "SIM_WRONG_PASSWORD", "message": "wrong user name or password"});
        return Err(Refused::With(Answer::json(status, &wrong)));
    }
    let token = visit.state.new_token();
    let end = visit.now.plus(durations::seconds(visit.state.durations.session_lifetime));
    visit.state.cluster.sessions.insert(token.clone(), end);
    visit.state.ledger.logins.entry(visit.call.address).or_default().add(visit.now);
    let (start, end) = (visit.now.rfc3339(), end.rfc3339());
    Ok(Answer::json(
        200,
        &json!({
            "user_id": "root", "token": token, "create_time": start, "expire_time": end, "update_time": start,
        }),
    ))
}

impl Cluster {
    pub(super) fn session_is_valid(&self, now: Moment, token: &str) -> bool {
        self.sessions.get(token).is_some_and(|end| now < *end)
    }
}

impl State {
    /// Counts a request whose URL carries a password or token.
    pub fn note_secrets(&mut self, now: Moment, operation: &str, call: &Call) {
        let secret = |value: &str| {
            value == FIXED_TOKEN
                || self.cluster.sessions.contains_key(value)
                || self.cluster.root_password.as_deref() == Some(value)
                || self.tower.is_secret(value)
                || self.accounts.values().flat_map(|accounts| accounts.values()).any(|known| known == value)
        };
        if call.query.iter().any(|(_, value)| secret(value)) {
            self.ledger.secrets_in_urls.entry(operation.to_owned()).or_default().add(now);
        }
    }
}
