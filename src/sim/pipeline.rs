//! What every HTTP service does around an effect: the log of requests, and faults in the answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::{
    clock::Moment,
    exchange::{Answer, Call, Ending, PIECE, Scheme},
    fault::Action,
    garble,
    hold::Course,
    multipart::{self, Part},
    random,
    site::{Request, State},
    snapshot,
};

/// The answer that a fault gives in place of the effect.
pub fn instead(course: &Course, call: &Call) -> Option<Answer> {
    course.actions.iter().find_map(|action| match action {
        Action::Status { status, headers, body } => Some(Answer {
            status: *status,
            headers: headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            body: body.clone().into_bytes(),
            ending: Ending::Whole,
        }),
        Action::V2 { ec, msg, detail } => Some(Answer::failure(200, ec, msg, detail)),
        Action::Echo { status } => Some(echo(*status, call)),
        _ => None,
    })
}

/// Longer bodies are chunks of a file.
const LONGEST_ECHO: usize = 64 * 1024;

/// A page that tells whatever the request told, in the forms that pages, logs and dumps have.
fn echo(status: u16, call: &Call) -> Answer {
    let mut told: Vec<String> =
        call.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    if call.body.len() <= LONGEST_ECHO {
        told.push(String::from_utf8_lossy(&call.body).into_owned());
    }
    let mut page = b"<html><body>".to_vec();
    for text in told {
        let url = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
        let forms = [
            STANDARD.encode(&text),
            random::hex(text.as_bytes()),
            url,
            escaped,
            json!(text).to_string(),
            text.clone(),
        ];
        page.extend_from_slice(format!("<p>{}</p>", forms.join("</p><p>")).as_bytes());
        page.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
    let mut answer = Answer::html(status, "echo");
    answer.body = page;
    answer
}

/// Judges a request on the site; for a site that lies, on a copy of it, so that the answer is that of a success and
/// what it began is said to have ended well, and nothing has happened.
pub fn honestly_or_not<T>(course: &Course, state: &mut State, judge: impl FnOnce(&mut State) -> T) -> T {
    let copy = course.actions.contains(&Action::Lie).then(|| snapshot::copy(state));
    // A state that was made here can be copied; one that could not is judged as it is.
    let Some(Ok(mut copy)) = copy else { return judge(state) };
    let answer = judge(&mut copy);
    state.adopt(copy);
    answer
}

/// Changes the answer as faults ask, and dates it by the wall (site-behaviour §2).
pub fn dress(mut answer: Answer, course: &Course, skew: i64) -> Answer {
    for action in &course.actions {
        match action {
            Action::CutBody { bytes } => {
                if !answer.headers.iter().any(|(name, _)| name == "transfer-encoding") {
                    answer.headers.push(("content-length".into(), answer.body.len().to_string()));
                }
                answer.body.truncate(*bytes);
                answer.ending = Ending::BrokenOff;
            }
            Action::Pad { bytes, stated } => {
                // Whole pieces, so that the length is known.
                let blanks = bytes.next_multiple_of(PIECE);
                if *stated {
                    let length = answer.body.len() as u64 + blanks;
                    answer.headers.push(("content-length".into(), length.to_string()));
                }
                answer.ending = Ending::Padded(blanks);
            }
            Action::Trickle => answer.ending = Ending::Trickling,
            Action::Shorten { bytes } => answer.body.truncate(*bytes),
            Action::Garble { seed } => garble::answer(&mut answer, *seed),
            Action::MergeBody(patch) => {
                let mut body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                merge(&mut body, patch);
                answer.body = body.to_string().into_bytes();
            }
            _ => {}
        }
    }
    let date =
        Timestamp::now().saturating_add(SignedDuration::from_secs(skew)).unwrap_or(Timestamp::UNIX_EPOCH);
    answer.headers.push(("date".into(), date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    answer
}

/// JSON merge patch (RFC 7396), except that null is a value: faults want nulls in answers.
fn merge(body: &mut Value, patch: &Value) {
    match (body, patch) {
        (Value::Object(body), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(body.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (body, patch) => *body = patch.clone(),
    }
}

impl State {
    /// Logs a request as it comes in; answers its place in the log.
    pub fn arrived(&mut self, operation: &str, changing: bool, call: &Call) -> usize {
        let running = self.in_flight.entry(operation.to_owned()).or_default();
        *running += 1;
        let highest = self.ledger.parallel.entry(operation.to_owned()).or_default();
        *highest = (*highest).max(*running);
        if changing && !multipart::is_form(call) {
            let service = service(operation);
            self.mutating.insert(self.requests.len(), service);
            let running = self.mutating.values().filter(|known| **known == service).count();
            let highest = self.ledger.mutations.entry(service.to_owned()).or_default();
            *highest = (*highest).max(u32::try_from(running).unwrap_or(u32::MAX));
        }
        self.requests.push(Request {
            operation: operation.to_owned(),
            method: call.method.clone(),
            scheme: if call.scheme == Scheme::Http { "http" } else { "https" }.to_owned(),
            address: call.address,
            target: call.target.clone(),
            changing,
            effective: false,
            status: 0,
            body: logged(call),
        });
        self.requests.len() - 1
    }

    /// Counts an effect at the moment it happens: it is known before the answer leaves.
    pub fn changed(&mut self, now: Moment, operation: &str, entry: usize) {
        self.ledger.changes.entry(operation.to_owned()).or_default().add(now);
        if let Some(request) = self.requests.get_mut(entry) {
            request.effective = true;
        }
    }

    /// Notes the end of a request; without an answer its status stays 0.
    pub fn departed(&mut self, entry: usize, operation: &str, answer: Option<&Answer>) {
        self.mutating.remove(&entry);
        if let Some(running) = self.in_flight.get_mut(operation) {
            *running = running.saturating_sub(1);
        }
        if let (Some(answer), Some(request)) = (answer, self.requests.get_mut(entry)) {
            request.status = answer.status;
        }
    }
}

/// Who answers an operation.
fn service(operation: &str) -> &'static str {
    match operation {
        name if name.starts_with("tower.ovm.") => "ovm",
        name if name.starts_with("tower.") => "tower",
        _ => "fisheye",
    }
}

/// The parts of a form that has more than a file, by their names; any other body as `redacted` has it.
fn logged(call: &Call) -> Value {
    let parts =
        if multipart::is_form(call) { multipart::parts(call).unwrap_or_default() } else { Vec::new() };
    if parts.len() < 2 {
        let landed = call.landed.as_ref().map(|landed| landed.length + call.body.len() as u64);
        return landed.map_or_else(|| redacted(&call.body), |length| json!(format!("{length} bytes")));
    }
    let show = |part: &Part<'_>| match part.text() {
        Ok(text) if text.starts_with('{') => redacted(part.data),
        Ok(text) => json!(text),
        Err(_) => json!(format!("{} bytes", part.data.len())),
    };
    parts.iter().map(|part| (part.name.clone(), show(part))).collect::<Map<_, _>>().into()
}

/// JSON with its secrets masked; anything else as its length.
fn redacted(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    match serde_json::from_slice(body) {
        Ok(mut value) => {
            mask(&mut value);
            value
        }
        Err(_) => json!(format!("{} bytes", body.len())),
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let secret = name.contains("password") || ["repeat", "token"].contains(&name.as_str());
                if secret && value.is_string() { *value = json!("***") } else { mask(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        _ => {}
    }
}
