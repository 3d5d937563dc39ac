//! The way of one request: log, faults before, strict checks, effect, faults after, answer.

use axum::body::Bytes;
use serde_json::json;

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Call, Refused, Scheme},
        hold::Cut,
        pipeline,
        site::{Site, State},
        variants::{BeforeDeployment, Refusal},
    },
    FIXED_TOKEN, Visit,
    routes::{BodyKind, Found, Route, Token, find},
};

/// Answers a request to a node or the VIP.
pub async fn handle(site: &Site, mut call: Call) -> Result<Answer, Cut> {
    let route = match find(&call) {
        Found::Route(route, params) => {
            call.params = params;
            Some(route)
        }
        Found::WrongMethod | Found::Unknown => None,
    };
    let (operation, changing) =
        route.map_or(("fisheye.unknown", false), |route| (route.operation, route.changing));
    let entry = site.with(|state, _| state.arrived(operation, changing, &call));
    let outcome = match route {
        Some(route) => carry_out(site, route, &call, entry).await,
        None => Ok(site.with(|state, now| state.unknown(now, &call))),
    };
    site.with(|state, _| state.departed(entry, operation, outcome.as_ref().ok()));
    outcome
}

async fn carry_out(site: &Site, route: &Route, call: &Call, entry: usize) -> Result<Answer, Cut> {
    let chunk = call.query("chunk_num").parse().ok();
    let course = site.before(route.operation, call.address, chunk).await?;
    let delay = site.with(|state, _| durations::seconds((route.delay)(&state.durations)));
    site.clock.sleep(delay).await;
    let answer = match pipeline::instead(&course, call) {
        Some(answer) => answer,
        None => site.with(|state, now| {
            let judge = |state: &mut State| judge(Visit { state, now, call, course: &course }, route, entry);
            pipeline::honestly_or_not(&course, state, judge)
        })?,
    };
    site.after(&course, route.operation, call.address).await?;
    let skew = site.with(|state, _| state.quirks.date_skew_seconds);
    Ok(pipeline::dress(answer, &course, skew))
}

/// Checks and effect in one look at the state; the ledger knows the effect before the answer leaves.
fn judge(mut visit: Visit<'_>, route: &Route, entry: usize) -> Result<Answer, Cut> {
    if let Some(disturbed) = visit.disturbance(route.operation) {
        return disturbed;
    }
    let outcome = admit(&mut visit, route).and_then(|()| (route.run)(&mut visit));
    match outcome {
        Ok(answer) => {
            if route.changing {
                visit.state.changed(visit.now, route.operation, entry);
            }
            Ok(answer)
        }
        Err(refused) => Ok(visit.state.refuse(visit.now, visit.call, refused)),
    }
}

/// Whether the request is let in: phase, scheme, token, shape.
fn admit(visit: &mut Visit<'_>, route: &Route) -> Result<(), Refused> {
    let (call, now) = (visit.call, visit.now);
    let lenient = visit.state.quirks.lenient;
    let token = call.header("x-smartx-token");
    let given = visit.state.token_state(now, token);
    visit.state.note_secrets(now, route.operation, call);
    let member = visit.state.serves(call.address);
    if route.token != Token::Fixed && !member {
        if route.operation == "fisheye.setup_root" {
            visit.state.breach(now, call.address, route.operation, "setupRoot before is_deployed");
        }
        return Err(Refused::With(match visit.state.variants.before_deployment {
            BeforeDeployment::NotFound => Answer::html(404, "Not Found"),
            BeforeDeployment::Unauthorized => visit.state.unauthorized(),
        }));
    }
    let admitted = match route.token {
        Token::None => true,
        Token::Fixed => token == Some(FIXED_TOKEN),
        Token::Session => given == TokenState::Session,
    };
    if !admitted {
        // An expired session is everyday life; no token, or that of another phase, breaks the contract.
        if given != TokenState::Stale {
            visit.state.breach(now, call.address, route.operation, "missing token, or of the wrong phase");
        }
        return Err(Refused::With(visit.state.unauthorized()));
    }
    if lenient { Ok(()) } else { shape(call, route) }
}

fn shape(call: &Call, route: &Route) -> Result<(), Refused> {
    let wrong = |what: String| Err(Refused::Shape(what));
    if route.token != Token::Fixed && call.scheme == Scheme::Http {
        return wrong("https is required here".into());
    }
    let host = call.header("host").unwrap_or_default();
    let port = if call.scheme == Scheme::Http { 80 } else { 443 };
    if host != call.address.to_string() && host != format!("{}:{port}", call.address) {
        return wrong(format!("host header {host:?} is not the address asked"));
    }
    if call.header("authorization").is_some() {
        return wrong("authorization header".into());
    }
    let mut given: Vec<&str> = call.query.iter().map(|(name, _)| name.as_str()).collect();
    let mut wanted = route.query.to_vec();
    given.sort_unstable();
    wanted.sort_unstable();
    if given != wanted {
        return wrong(format!("query has {given:?} instead of {wanted:?}"));
    }
    let content_type = call.header("content-type").unwrap_or_default();
    let empty = call.body.is_empty() || (route.method == "GET" && call.body == Bytes::from_static(b"{}"));
    match route.body {
        BodyKind::Empty if !empty => wrong("a body where none belongs".into()),
        BodyKind::Json if !content_type.starts_with("application/json") => {
            wrong(format!("content-type {content_type:?} on a JSON body"))
        }
        _ => Ok(()),
    }
}

/// What a token header is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TokenState {
    Missing,
    Fixed,
    Session,
    /// Once a session, or never one.
    Stale,
}

impl State {
    fn token_state(&self, now: Moment, token: Option<&str>) -> TokenState {
        match token {
            None => TokenState::Missing,
            Some(FIXED_TOKEN) => TokenState::Fixed,
            Some(token) if self.cluster.session_is_valid(now, token) => TokenState::Session,
            Some(_) => TokenState::Stale,
        }
    }

    /// The 401 of this site (site-behaviour §4, M).
    pub(super) fn unauthorized(&self) -> Answer {
        match self.variants.unauthorized {
            Refusal::Json => Answer::json(401, &json!({"message": "SIM_UNAUTHORIZED"})),
            Refusal::Empty => Answer::empty(401),
            Refusal::Html => Answer::html(401, "Authorization Required"),
        }
    }

    /// Renders a refusal; one about the shape is a breach.
    fn refuse(&mut self, now: Moment, call: &Call, refused: Refused) -> Answer {
        match refused {
            Refused::With(answer) => answer,
            Refused::Form { field, reason } => {
                Answer::failure(400, "REST_FORM_ERROR", "invalid form", &json!({field: [reason]}))
            }
            Refused::Shape(what) => {
                self.breach(now, call.address, &format!("{} {}", call.method, call.path), &what);
                if call.path.starts_with("/api/v3/") {
                    return Answer::json(400, &json!({"code": "SIM_INVALID_REQUEST", "message": what}));
                }
                Answer::failure(400, "REST_FORM_ERROR", "invalid request", &json!({"request": [what]}))
            }
        }
    }

    fn unknown(&mut self, now: Moment, call: &Call) -> Answer {
        let (status, what) = match find(call) {
            Found::WrongMethod => (405, "wrong method"),
            _ => (404, "unknown path"),
        };
        self.breach(now, call.address, &format!("{} {}", call.method, call.path), what);
        Answer::html(status, what)
    }
}
