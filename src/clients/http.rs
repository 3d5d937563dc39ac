//! One HTTP exchange: sending a call once, and telling apart what may have reached the site.

use std::{
    collections::HashMap,
    error::Error,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use reqwest::{RequestBuilder, Response, header};
use tokio::time::{timeout, timeout_at};

pub use super::call::{Call, Payload, Scheme, Target};
use super::{
    dial::{Dialler, Endpoint},
    places::Places,
    problem::Problem,
    trust::{Refusal, TrustStore},
    wire::{Body, Exchange, Outcome, Wire},
};
use crate::{failure::Result, messages::message, secret::Secret, text::Text};

/// An answer longer than this is not read to its end; the longest real one is a VM or image list.
const LONGEST_ANSWER: usize = 32 << 20;

/// Waiting between attempts. The engine's clock implements it, so that rehearsals scale.
pub trait Pause: Send + Sync {
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub from: Endpoint,
    pub status: u16,
    pub body: Bytes,
    /// The server's clock, from the `Date` header.
    pub date: Option<Timestamp>,
    /// How long the server asks us to stay away.
    pub retry_after: Option<Duration>,
    /// Where a redirect points; it is never followed.
    pub location: Option<String>,
    /// `Set-Cookie` lines, as they came.
    pub cookies: Vec<Secret<String>>,
    /// CloudTower's own name for the request, for its support (api-cloudtower §1.1).
    pub request_id: Option<String>,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// HTTP for one site: dialling, trust, transcript and waiting in one handle. Cheap to clone.
#[derive(Clone)]
pub struct Http {
    dialler: Dialler,
    trust: TrustStore,
    wire: Wire,
    pause: Arc<dyn Pause>,
    clients: Arc<Mutex<HashMap<Endpoint, reqwest::Client>>>,
    places: Places,
}

impl Http {
    pub fn new(dialler: Dialler, trust: TrustStore, wire: Wire, pause: Arc<dyn Pause>) -> Self {
        Self { dialler, trust, wire, pause, clients: Arc::default(), places: Places::default() }
    }

    /// The same connections, with the transcript labelled for another step.
    pub fn for_step(&self, step: &str) -> Self {
        Self { wire: self.wire.for_step(step), ..self.clone() }
    }

    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    pub fn dialler(&self) -> &Dialler {
        &self.dialler
    }

    pub fn trust(&self) -> &TrustStore {
        &self.trust
    }

    pub async fn pause(&self, time: Duration) {
        self.pause.pause(time).await;
    }

    /// Sends `call` to `target` exactly once and records the exchange.
    pub(super) async fn send(
        &self,
        call: &Call,
        target: Target,
        token: Option<(&'static str, &Secret<String>)>,
        attempt: u32,
    ) -> Result<Answer, Problem> {
        // What travels as a form is a piece of a file: those have limits of their own.
        let _place = match &call.payload {
            Payload::Empty | Payload::Json(_) => self.places.take(target.endpoint.address).await,
            Payload::Form(_) => None,
        };
        if let Some(why) = self.dialler.shut().filter(|_| call.changes) {
            return Err(Problem::HeldBack(why));
        }
        let (started, clock) = (Timestamp::now(), Instant::now());
        let answer = self.exchange(call, target, token).await;
        let described;
        let failed;
        let exchange = Exchange {
            operation: call.operation,
            endpoint: target.endpoint,
            method: call.method.as_str(),
            path: &call.path_and_query(),
            request: match &call.payload {
                Payload::Empty => Body::None,
                Payload::Json(bytes) => Body::Bytes(bytes),
                Payload::Form(form) => {
                    described = form.described();
                    Body::Bytes(described.as_bytes())
                }
            },
            outcome: match &answer {
                Ok(answer) => Outcome::Answered { status: answer.status.into(), body: &answer.body },
                Err(problem) => {
                    failed = problem.to_string();
                    Outcome::Failed(&failed)
                }
            },
            started,
            took: clock.elapsed(),
            request_id: answer.as_ref().ok().and_then(|answer| answer.request_id.as_deref()),
            attempt,
            class: call.class,
            changes: call.changes,
        };
        match self.wire.record(&exchange) {
            Ok(()) => answer,
            Err(error) => Err(Problem::Unrecorded(error)),
        }
    }

    async fn exchange(
        &self,
        call: &Call,
        target: Target,
        token: Option<(&'static str, &Secret<String>)>,
    ) -> Result<Answer, Problem> {
        let at = target.endpoint;
        let limits = self.dialler.limits();
        let mut request = self.request(call, target, token)?;
        let (first_byte, whole) = match &call.payload {
            Payload::Empty => (limits.first_byte, limits.call),
            Payload::Json(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json").body(body.clone());
                (limits.first_byte, limits.call)
            }
            Payload::Form(form) => {
                request = request.multipart(form.build());
                (form.limit(limits), form.limit(limits))
            }
        };
        let deadline = tokio::time::Instant::now() + whole;
        let response = self.respond(at, request, first_byte).await?;
        match timeout_at(deadline, read(at, response)).await {
            Err(_) => Err(Problem::lost(at, "the answer stopped half-way", Some(whole))),
            Ok(answer) => answer,
        }
    }

    /// A request without a body, to its address.
    pub(super) fn request(
        &self,
        call: &Call,
        target: Target,
        token: Option<(&'static str, &Secret<String>)>,
    ) -> Result<RequestBuilder, Problem> {
        let at = target.endpoint;
        let client = self.client(at)?;
        let scheme = match target.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        // A default port is left out when this is parsed, and so of the Host header.
        let url = format!("{scheme}://{at}{}", call.path_and_query());
        let mut request = client.request(call.method.clone(), url);
        let more = call.headers.iter().map(|(name, value)| (*name, value));
        for (name, value) in token.into_iter().chain(more) {
            request = request.header(name, value.expose());
        }
        Ok(request)
    }

    /// Sends a request and waits for the status line.
    pub(super) async fn respond(
        &self,
        at: Endpoint,
        request: RequestBuilder,
        first_byte: Duration,
    ) -> Result<Response, Problem> {
        let connect = self.dialler.limits().connect;
        // Connecting has a limit of its own, so that it is told apart from waiting for the answer.
        match timeout(first_byte + connect, request.send()).await {
            Err(_) => Err(Problem::lost(at, "no answer", Some(first_byte))),
            Ok(Err(error)) => Err(classify(at, connect, &error)),
            Ok(Ok(response)) => Ok(response),
        }
    }

    /// One client per target: the certificate verifier is not told the port.
    fn client(&self, at: Endpoint) -> Result<reqwest::Client, Problem> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&at) {
            return Ok(client.clone());
        }
        let unusable = |why: &dyn Error| Problem::not_sent(at, chain(why), None);
        let tls = self.trust.tls(at).map_err(|error| unusable(&error))?;
        let client = self.dialler.http(tls).map_err(|error| unusable(&error))?;
        clients.insert(at, client.clone());
        Ok(client)
    }
}

/// The whole answer, within reason.
pub(super) async fn read(at: Endpoint, mut response: Response) -> Result<Answer, Problem> {
    let text = |name: header::HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let date = text(header::DATE).and_then(|date| http_date(&date));
    let retry_after = text(header::RETRY_AFTER).and_then(|after| {
        let seconds = after.trim().parse().ok();
        let until = || http_date(&after).and_then(|at| Duration::try_from(at - Timestamp::now()).ok());
        seconds.map(Duration::from_secs).or_else(until)
    });
    let location = text(header::LOCATION);
    let request_id = text(header::HeaderName::from_static("x-tower-request-id"));
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|value| value.to_str().ok().map(Secret::from)).collect();
    let status = response.status().as_u16();
    let too_long = || Problem::lost(at, format!("the answer is longer than {LONGEST_ANSWER} bytes"), None);
    if response.content_length().is_some_and(|length| length > LONGEST_ANSWER as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| Problem::lost(at, chain(&error), None))? {
        if body.len() + part.len() > LONGEST_ANSWER {
            return Err(too_long());
        }
        body.extend_from_slice(&part);
    }
    Ok(Answer { from: at, status, body: body.into(), date, retry_after, location, cookies, request_id })
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text.trim()).ok().map(|zoned| zoned.timestamp())
}

/// Connect errors never reached the site, with one exception worth a name of its own: an identity that
/// was refused. Everything else may have.
fn classify(at: Endpoint, connect: Duration, error: &reqwest::Error) -> Problem {
    if let Some(refusal) = refusal(error) {
        return Problem::Untrusted(refusal);
    }
    if error.is_connect() || error.is_builder() {
        let limit = error.is_timeout().then_some(connect);
        return Problem::not_sent(at, chain(error), limit);
    }
    Problem::lost(at, chain(error), None)
}

fn refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other))) =
            error.downcast_ref::<rustls::Error>()
        {
            return other.0.downcast_ref::<Refusal>().cloned();
        }
        // `source()` of an I/O error skips the error that it carries.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The whole chain: `Display` of the outermost error hides the cause. Its URL is left out, because the
/// address stands beside it.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.split(" for url (").next().unwrap_or_default().to_owned();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

/// What a failure says about an answer nobody could make sense of.
pub(super) fn redirected(location: &str) -> Text {
    message("clients.http.redirected", &[("location", &location)])
}
