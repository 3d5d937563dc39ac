//! Downloads: an answer that is streamed to its receiver, whole or from where an earlier try ended.

use std::time::Instant;

use jiff::Timestamp;
use reqwest::{Response, header};
use tokio::time::{timeout, timeout_at};

use super::{
    dial::Endpoint,
    http::{Call, Http, Target, chain, read},
    problem::{Problem, Refused},
    retry::{Route, Session},
    wire::{Body, Exchange, Outcome},
};
use crate::{failure::Failure, secret::Secret};

/// Longest part of an answer that is not what was asked for, in bytes. A secret that it cuts is not recognised any
/// more, so it is far longer than what is ever shown.
const LONGEST_WORDS: usize = 64 * 1024;

/// Fewer bytes within `limits.call` are silence: an answer that trickles would last for ever.
const SLOWEST: u64 = 16 * 1024;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The first bytes of the content. An answer that begins otherwise is words of the site's.
    pub signature: &'a [u8],
    pub resume: Option<Resume<'a>>,
}

/// Where an earlier try ended, and what names its content.
#[derive(Clone, Copy, Debug)]
pub struct Resume<'a> {
    pub from: u64,
    pub validator: &'a str,
}

/// What the site says before the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Where the bytes that follow belong; above 0 only where a range was asked for and given.
    pub from: u64,
    /// Bytes of the whole content, where the site tells.
    pub length: Option<u64>,
    /// `ETag`, else `Last-Modified`: it names this content and no other.
    pub validator: Option<String>,
}

/// Takes the content. Errors are those of this machine.
pub trait Receiver {
    /// Before the first byte of an answer.
    fn begin(&mut self, head: &Head) -> Result<(), Box<Failure>>;

    fn take(&mut self, bytes: &[u8]) -> Result<(), Box<Failure>>;
}

/// Why a download ended early.
#[derive(Debug)]
pub enum Broken {
    Site(Problem),
    Local(Box<Failure>),
}

impl From<Problem> for Broken {
    fn from(problem: Problem) -> Self {
        Self::Site(problem)
    }
}

impl Http {
    /// Sends `call` once (twice where the token was refused) and streams its answer into `into`.
    pub(super) async fn download(
        &self,
        call: &Call,
        route: &Route,
        session: &dyn Session,
        wanted: Wanted<'_>,
        into: &mut dyn Receiver,
    ) -> Result<(), Broken> {
        let mut refused: Option<Secret<String>> = None;
        loop {
            let token = session.token(self, route, refused.as_ref()).await?;
            let attempt = if refused.is_some() { 2 } else { 1 };
            let result =
                self.recorded(call, route.target(), (session.header(), &token), attempt, wanted, into).await;
            match result {
                Err(Broken::Site(Problem::Refused(words)))
                    if matches!(words.status, 401 | 403) && refused.is_none() =>
                {
                    refused = Some(token);
                }
                result => return result,
            }
        }
    }

    async fn recorded(
        &self,
        call: &Call,
        target: Target,
        token: (&'static str, &Secret<String>),
        attempt: u32,
        wanted: Wanted<'_>,
        into: &mut dyn Receiver,
    ) -> Result<(), Broken> {
        let (started, clock) = (Timestamp::now(), Instant::now());
        let result = self.stream(call, target, token, wanted, into).await;
        let told = match &result {
            Ok((status, bytes)) => Ok((*status, format!("{bytes} bytes"))),
            Err(Broken::Site(problem)) => Err(problem.to_string()),
            Err(Broken::Local(failure)) => Err(failure.causes.join(": ")),
        };
        let exchange = Exchange {
            operation: call.operation,
            endpoint: target.endpoint,
            method: call.method.as_str(),
            path: &call.path_and_query(),
            request: Body::None,
            outcome: match &told {
                Ok((status, told)) => Outcome::Answered { status: (*status).into(), body: told.as_bytes() },
                Err(why) => Outcome::Failed(why),
            },
            started,
            took: clock.elapsed(),
            request_id: None,
            attempt,
            class: call.class,
            changes: call.changes,
        };
        self.wire().record(&exchange).map_err(Problem::Unrecorded)?;
        result.map(drop)
    }

    /// Status, and how many bytes came.
    async fn stream(
        &self,
        call: &Call,
        target: Target,
        token: (&'static str, &Secret<String>),
        wanted: Wanted<'_>,
        into: &mut dyn Receiver,
    ) -> Result<(u16, u64), Broken> {
        let (at, limits) = (target.endpoint, *self.dialler().limits());
        let mut request = self.request(call, target, Some(token))?;
        if let Some(Resume { from, validator }) = wanted.resume {
            let range = format!("bytes={from}-");
            request = request.header(header::RANGE, range).header(header::IF_RANGE, validator);
        }
        let mut response = self.respond(at, request, limits.first_byte).await?;
        let status = response.status().as_u16();
        if !matches!(status, 200 | 206) || holds_words(&response) {
            let answer = timeout(limits.call, read(at, response)).await;
            let answer = answer.map_err(|_| Problem::lost(at, "no content", Some(limits.call)))??;
            return Err(Problem::from(Refused::raw(&answer)).into());
        }
        let head = head(at, &response, wanted.resume)?;
        // The first bytes are looked at before anything is kept.
        let mut opening = if head.from == 0 { Some(Vec::new()) } else { None };
        if opening.is_none() {
            into.begin(&head).map_err(Broken::Local)?;
        }
        let (mut received, mut counted) = (0, 0);
        let mut deadline = tokio::time::Instant::now() + limits.call;
        loop {
            // No limit for the whole: only silence ends it, and what is as slow as that.
            if received >= counted + SLOWEST {
                (counted, deadline) = (received, tokio::time::Instant::now() + limits.call);
            }
            let part = match timeout_at(deadline, response.chunk()).await {
                Err(_) => {
                    return Err(Problem::lost(at, "the content stopped half-way", Some(limits.call)).into());
                }
                Ok(Err(error)) => return Err(Problem::lost(at, chain(&error), None).into()),
                Ok(Ok(None)) => break,
                Ok(Ok(Some(part))) => part,
            };
            received += part.len() as u64;
            let Some(mut start) = opening.take() else {
                into.take(&part).map_err(Broken::Local)?;
                continue;
            };
            start.extend_from_slice(&part);
            if start.len() < wanted.signature.len() {
                opening = Some(start);
                continue;
            }
            if !start.starts_with(wanted.signature) {
                return Err(words(at, status, &start));
            }
            into.begin(&head).map_err(Broken::Local)?;
            into.take(&start).map_err(Broken::Local)?;
        }
        match opening {
            Some(start) => Err(words(at, status, &start)),
            None => Ok((status, received)),
        }
    }
}

/// What came is no content.
fn words(at: Endpoint, status: u16, start: &[u8]) -> Broken {
    let words = String::from_utf8_lossy(&start[..start.len().min(LONGEST_WORDS)]).into_owned();
    Broken::Site(refused(at, status, words).into())
}

fn refused(at: Endpoint, status: u16, words: String) -> Refused {
    Refused { at, status, code: None, words, fields: Vec::new(), retry_after: None, redirect: None }
}

fn text(response: &Response, name: header::HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// A content type that says an error is told, whatever the status.
fn holds_words(response: &Response) -> bool {
    text(response, header::CONTENT_TYPE)
        .is_some_and(|kind| ["json", "html"].iter().any(|words| kind.to_ascii_lowercase().contains(words)))
}

fn head(at: Endpoint, response: &Response, resume: Option<Resume<'_>>) -> Result<Head, Problem> {
    let validator = text(response, header::ETAG)
        // A weak one does not name the very bytes.
        .filter(|tag| !tag.starts_with("W/"))
        .or_else(|| text(response, header::LAST_MODIFIED));
    let length = text(response, header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if response.status() != 206 {
        return Ok(Head { from: 0, length, validator });
    }
    let told = text(response, header::CONTENT_RANGE).unwrap_or_default();
    let (from, whole) = content_range(&told).unwrap_or((0, None));
    match resume {
        Some(resume) if resume.from == from => Ok(Head { from, length: whole, validator }),
        // Another part than the one that was asked for is as good as a refusal.
        _ => Err(refused(at, 206, format!("the range {told:?}")).into()),
    }
}

/// `bytes 100-199/200` → 100 and 200; `*` in place of the whole is unknown.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, whole.trim().parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_tells_where_it_begins_and_how_long_the_whole_is() {
        assert_eq!(content_range("bytes 100-199/200"), Some((100, Some(200))));
        assert_eq!(content_range("bytes 100-199/*"), Some((100, None)));
        assert_eq!(content_range("items 1-2/3"), None);
    }
}
