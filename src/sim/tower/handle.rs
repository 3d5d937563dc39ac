//! The way of one request to CloudTower: log, faults before, checks, effect, faults after, answer.

use serde_json::{Value, json};

use super::{
    super::{
        clock::Moment,
        durations,
        exchange::{Answer, Call, Scheme},
        fault::Action,
        hold::{Course, Cut},
        multipart, pipeline, random,
        site::{Site, State},
    },
    accounts,
    contract::Parsed,
    denied::{Denied, error_body},
    filter, graphql, inspector,
    knobs::{FirstTaskList, TowerRefusal},
    observability,
    phase::Phase,
    routes::{Route, Run, find},
    tables::Table,
    visit::Visit,
};

/// What a request is for.
#[derive(Clone, Copy)]
enum Aim {
    Rest(&'static Route),
    Graphql(&'static str, bool),
    Inspector(inspector::Operation),
    /// The operator behind Observability.
    Ovm(observability::Operation),
    /// `GET /v2/api/login`: the pre-flight look at what lives here (api-cloudtower §2).
    Presence,
    Unknown,
}

impl Aim {
    fn of(call: &Call) -> Self {
        if let Some(operation) = inspector::Operation::of(call) {
            return Self::Inspector(operation);
        }
        if let Some(operation) = observability::Operation::of(call) {
            return Self::Ovm(operation);
        }
        match (call.method.as_str(), find(&call.path)) {
            ("GET", Some(route)) if route.operation == "tower.login" => Self::Presence,
            (method, Some(route)) if route.method == method => Self::Rest(route),
            ("POST", None) if call.path == "/api" => {
                let named = graphql::operation(call);
                named.map_or(Self::Unknown, |(operation, changing)| Self::Graphql(operation, changing))
            }
            _ => Self::Unknown,
        }
    }

    /// Whether its body is a form, which is refused everywhere else.
    fn takes_form(self) -> bool {
        matches!(
            self,
            Self::Rest(Route { form: true, .. })
                | Self::Graphql(graphql::UPLOAD, _)
                | Self::Ovm(observability::Operation::Chunk)
        )
    }

    fn name(self) -> (&'static str, bool) {
        match self {
            Self::Rest(route) => (route.operation, route.changing),
            Self::Graphql(operation, changing) => (operation, changing),
            Self::Inspector(operation) => operation.name(),
            Self::Ovm(operation) => operation.name(),
            Self::Presence => ("tower.login", false),
            Self::Unknown => ("tower.unknown", false),
        }
    }
}

/// Answers a request to CloudTower's address.
pub async fn handle(site: &Site, call: Call) -> Result<Answer, Cut> {
    let aim = Aim::of(&call);
    let (operation, changing) = aim.name();
    let entry = site.with(|state, _| state.arrived(operation, changing, &call));
    let outcome = carry_out(site, aim, &call, entry).await;
    site.with(|state, _| state.departed(entry, operation, outcome.as_ref().ok()));
    outcome
}

async fn carry_out(site: &Site, aim: Aim, call: &Call, entry: usize) -> Result<Answer, Cut> {
    let (operation, _) = aim.name();
    let chunk = site.with(|state, _| match aim {
        Aim::Ovm(observability::Operation::Chunk) => observability::chunk_number(state, call),
        _ => state.package_chunk(operation, call),
    });
    let course = site.before(operation, call.address, chunk).await?;
    let mut lasts = 0.0;
    let mut answer = match pipeline::instead(&course, call) {
        Some(answer) => answer,
        None => site.with(|state, now| match site.contract.get() {
            Ok(contract) => pipeline::honestly_or_not(&course, state, |state| {
                judge(state, now, contract, &course, call, (aim, entry, &mut lasts))
            }),
            Err(damaged) => error_body(call, 500, None, &damaged, &Value::Null),
        }),
    };
    if lasts > 0.0 {
        site.clock.sleep(durations::seconds(lasts)).await;
    }
    site.after(&course, operation, call.address).await?;
    let (skew, request_id) = site.with(|state, now| (state.quirks.date_skew_seconds, state.new_cuid(now)));
    answer.headers.push(("x-tower-request-id".into(), request_id));
    Ok(pipeline::dress(answer, &course, skew))
}

/// Phase, checks and effect in one look at the state; the ledger knows the effect before the answer leaves, which may
/// be so many seconds after.
fn judge(
    state: &mut State,
    now: Moment,
    contract: &Parsed,
    course: &Course,
    call: &Call,
    (aim, entry, lasts): (Aim, usize, &mut f64),
) -> Answer {
    if state.tower_phase(now) != Phase::Ready {
        return starting(state);
    }
    if call.scheme == Scheme::Http && !state.quirks.tower.http_answers {
        state.breach(now, call.address, aim.name().0, "https is required here");
        let mut answer = Answer::empty(301);
        answer.headers.push(("location".into(), format!("https://{}{}", call.address, call.target)));
        return answer;
    }
    state.note_secrets(now, aim.name().0, call);
    let wrong = if state.quirks.lenient { None } else { wrong_envelope(call, aim) };
    let mut visit = Visit { state, now, call, course, body: Value::Null, lasts: 0.0 };
    if let Some(what) = wrong {
        return visit.refuse(Denied::Shape(what));
    }
    let outcome = match aim {
        Aim::Rest(route) => rest(&mut visit, contract, route).map(|value| Answer::json(200, &value)),
        Aim::Graphql(..) => graph(&mut visit, contract),
        Aim::Inspector(operation) => inspector::run(&mut visit, operation),
        Aim::Ovm(operation) => observability::run(&mut visit, operation),
        Aim::Presence => {
            return error_body(call, 404, Some("NOT_FOUND"), "no such operation", &Value::Null);
        }
        Aim::Unknown => {
            visit.state.breach(
                now,
                call.address,
                &format!("{} {}", call.method, call.path),
                "unknown operation",
            );
            return error_body(call, 404, None, "no such operation", &Value::Null);
        }
    };
    *lasts = visit.lasts;
    match outcome {
        Ok(mut answer) => {
            // A GraphQL answer with `errors` is a success on the wire only.
            let effective = !answer.body.starts_with(br#"{"errors""#);
            if effective && aim.name().1 {
                visit.state.changed(now, aim.name().0, entry);
            }
            if effective && matches!(aim, Aim::Graphql("tower.login", _)) {
                accounts::add_cookies(&mut visit, &mut answer);
            }
            answer
        }
        Err(denied) => visit.refuse(denied),
    }
}

/// nginx in front of services that are not there yet (site-behaviour §7.1).
fn starting(state: &mut State) -> Answer {
    state.tower.draws += 1;
    let draw = state.tower.draws.to_string();
    match random::pick(state.seed(), &[502, 502, 503, 404], &["tower starting", &draw]) {
        503 => Answer::html(503, "Service Temporarily Unavailable"),
        404 => Answer::html(404, "Not Found"),
        _ => Answer::html(502, "Bad Gateway"),
    }
}

/// What is wrong about a request before its content is looked at (site-behaviour §8).
fn wrong_envelope(call: &Call, aim: Aim) -> Option<String> {
    let host = call.header("host").unwrap_or_default();
    let port = if call.scheme == Scheme::Http { 80 } else { 443 };
    if host != call.address.to_string() && host != format!("{}:{port}", call.address) {
        return Some(format!("host header {host:?} is not the address asked"));
    }
    if call.header("x-smartx-token").is_some() {
        return Some("x-smartx-token header".to_owned());
    }
    // Only the inspection centre takes one, and looks at it itself.
    if !call.query.is_empty() && !call.path.starts_with(inspector::ROOT) {
        return Some("a query where none belongs".to_owned());
    }
    let content_type = call.header("content-type").unwrap_or_default();
    if aim.takes_form() {
        let form = multipart::is_form(call);
        return (!form).then(|| format!("content-type {content_type:?} where a form belongs"));
    }
    let json = content_type.starts_with("application/json");
    (!call.body.is_empty() && !json).then(|| format!("content-type {content_type:?} on a JSON body"))
}

/// Chooses the language of messages and descriptions; any other value is refused (api-applications §0).
const LANGUAGE: &str = "content-language";
const LANGUAGES: [&str; 2] = ["en-US", "zh-CN"];

fn rest(visit: &mut Visit<'_>, contract: &Parsed, route: &Route) -> Result<Value, Denied> {
    if let Some(unknown) = visit.call.header(LANGUAGE).filter(|asked| !LANGUAGES.contains(asked)) {
        return Err(Denied::Shape(format!("{LANGUAGE}: {unknown}")));
    }
    if !route.open {
        accounts::admit(visit, route.operation)?;
    }
    if !route.form {
        visit.body = rest_body(visit, contract, route)?;
    }
    for action in &visit.course.actions {
        match action {
            Action::Locked { seconds } => return Err(lock(visit, *seconds)),
            Action::CutOff { seconds } => {
                let until = visit.now.plus(durations::seconds(*seconds));
                visit.state.tower.clusters.iter_mut().for_each(|cluster| cluster.cut_off = Some(until));
            }
            _ => {}
        }
    }
    match route.run {
        Run::Act(run) => run(visit),
        Run::List(table) => list(visit, table),
    }
}

/// The body, held against the contract; a single object may stand for an array of one (api-cloudtower §1.5).
fn rest_body(visit: &Visit<'_>, contract: &Parsed, route: &Route) -> Result<Value, Denied> {
    let call = visit.call;
    let bodiless = matches!(route.operation, "tower.get-version" | "tower.get-ntp-service-url");
    if bodiless {
        let empty = call.body.is_empty() || &call.body[..] == b"{}";
        return if empty { Ok(Value::Null) } else { Err(Denied::Shape("a body where none belongs".into())) };
    }
    let shape = |error: serde_json::Error| Denied::Shape(format!("body: {error}"));
    let body: Value = serde_json::from_slice(&call.body).map_err(shape)?;
    let single = body.is_object() && contract.wants_array(route.name());
    let checked = if single { json!([body]) } else { body.clone() };
    contract.check(route.name(), &checked, visit.state.quirks.lenient).map_err(Denied::Shape)?;
    Ok(body)
}

/// Marks what the request names as being updated by something else, and refuses.
fn lock(visit: &mut Visit<'_>, seconds: f64) -> Denied {
    let tables = visit.tables();
    let Some((table, id)) = first_known(&visit.body, &|id| tables.located(id).map(|(table, _)| table)) else {
        return Denied::locked("", "unknown");
    };
    visit.state.tower.locks.insert(id.clone(), visit.now.plus(durations::seconds(seconds)));
    Denied::locked(&id, &format!("{table:?}"))
}

fn first_known(body: &Value, known: &impl Fn(&str) -> Option<Table>) -> Option<(Table, String)> {
    match body {
        Value::String(text) => known(text).map(|table| (table, text.clone())),
        Value::Array(items) => items.iter().find_map(|item| first_known(item, known)),
        Value::Object(fields) => fields.values().find_map(|field| first_known(field, known)),
        _ => None,
    }
}

fn list(visit: &mut Visit<'_>, table: Table) -> Result<Value, Denied> {
    visit.state.tower.draws += 1;
    let (seed, number) = (visit.state.seed(), visit.state.tower.draws.to_string());
    let tables = visit.tables();
    let body = visit.body.as_object().cloned().unwrap_or_default();
    // Without orderBy the order differs from list to list (§7.2, M).
    let shuffled = |row: &Value| random::bytes(seed, &["order", &number, &row["id"].to_string()]);
    let mut rows = tables.rows(table).to_vec();
    if table == Table::Tasks
        && visit.state.quirks.tower.chinese
        && visit.call.header(LANGUAGE) != Some("en-US")
    {
        rows.iter_mut().for_each(|row| row["description"] = "任务".into());
    }
    let mut rows = filter::list(&tables, &rows, &body, shuffled).map_err(Denied::Shape)?;
    if table == Table::Tasks {
        let hide = visit.state.variants.tower.first_task_list == FirstTaskList::Empty;
        rows.retain(|row| !visit.state.tower.first_look(row["id"].as_str().unwrap_or_default()) || !hide);
    }
    Ok(Value::Array(rows))
}

fn graph(visit: &mut Visit<'_>, contract: &Parsed) -> Result<Answer, Denied> {
    let refused = |visit: &mut Visit<'_>, what: &str| {
        visit.state.breach(visit.now, visit.call.address, "POST /api", what);
        Ok(Answer::json(200, &graphql::errors(what, None)))
    };
    let asked = graphql::body(visit.call).and_then(|body| graphql::check(&contract.graphql, &body));
    let asked = match asked {
        Ok(asked) => asked,
        Err(what) => return refused(visit, &what),
    };
    if let Some(unknown) = observability::unknown_field(visit.state, &asked) {
        return Ok(Answer::json(200, &graphql::errors(&unknown, None)));
    }
    if !graphql::is_open(&asked)
        && let Err(denied) = accounts::admit(visit, "POST /api")
    {
        return match visit.state.variants.tower.unauthorized {
            TowerRefusal::GraphqlErrors => {
                Ok(Answer::json(200, &graphql::errors("not login or token expired", None)))
            }
            _ => Err(denied),
        };
    }
    Ok(match graphql::run(visit, &asked) {
        Ok(answer) => Answer::json(200, &answer),
        Err((field, message)) => Answer::json(200, &graphql::errors(&message, Some(&field))),
    })
}

impl Visit<'_> {
    /// Renders a refusal; one about the shape is a breach.
    fn refuse(&mut self, denied: Denied) -> Answer {
        match denied {
            Denied::With(answer) => answer,
            Denied::Error { status, code, message, props } => {
                error_body(self.call, status, code, &message, &props)
            }
            Denied::Shape(what) => {
                let request = format!("{} {}", self.call.method, self.call.path);
                self.state.breach(self.now, self.call.address, &request, &what);
                error_body(self.call, 400, None, &what, &Value::Null)
            }
        }
    }
}
