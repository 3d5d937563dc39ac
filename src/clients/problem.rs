//! What can come of a call besides its result, before it is told to the operator.

use std::{fmt, io, time::Duration};

use bytes::Bytes;

use super::{
    dial::Endpoint, gate, http::Answer, redact::Redactor, trust::Refusal, upload::Setback, wire::Class,
};
use crate::{
    failure::{Effect, Failure, Kind},
    messages::message,
    text::Text,
    units,
};

/// Longest part of a site's own words in a failure.
const LONGEST_WORDS: usize = 400;

const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a call has no result. Holds unredacted words: only `failure` may show them.
#[derive(Debug)]
pub enum Problem {
    /// Nothing reached the site. `limit` is set when one passed.
    NotSent { at: Endpoint, why: String, limit: Option<Duration> },
    /// The peer is not who it was.
    Untrusted(Refusal),
    /// Sent, and no usable answer came back.
    /// `said` is the answer that nobody can read, whole.
    Lost { at: Endpoint, why: String, limit: Option<Duration>, said: Bytes },
    /// The site answered that it will not, or could not.
    Refused(Box<Refused>),
    /// The exchange happened but could not be written to the transcript.
    Unrecorded(io::Error),
    /// Not sent: the maintenance window is not open, and why.
    HeldBack(Text),
    /// No session: the login failed for a reason of its own.
    NoSession(Box<Failure>),
}

/// A refusal in the site's own words.
#[derive(Debug)]
pub struct Refused {
    pub at: Endpoint,
    pub status: u16,
    /// `REST_FORM_ERROR` and the like (api-fisheye §2).
    pub code: Option<String>,
    pub words: String,
    /// Form errors by field.
    pub fields: Vec<(String, String)>,
    pub retry_after: Option<Duration>,
    pub redirect: Option<String>,
}

impl Refused {
    /// Whether the refusal of a read of one object means that there is no such object (site-behaviour §5.2): refused
    /// sessions and overload mean what they say.
    pub fn means_absent(&self) -> bool {
        self.status < 500 && !matches!(self.status, 300..=399 | 401 | 403 | 408 | 429)
    }

    /// A refusal told by status and raw body alone.
    pub fn raw(answer: &Answer) -> Self {
        Self {
            at: answer.from,
            status: answer.status,
            code: None,
            words: String::from_utf8_lossy(&answer.body).trim().to_owned(),
            fields: Vec::new(),
            retry_after: answer.retry_after,
            redirect: answer.location.clone().filter(|_| (300..400).contains(&answer.status)),
        }
    }

    /// Whether it is a form error about `field`.
    pub fn names(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }
}

/// Status, code, words and fields in one line, unredacted.
impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        for part in self.code.iter().chain(Some(&self.words)).filter(|part| !part.is_empty()) {
            write!(f, " {part}")?;
        }
        self.fields.iter().try_for_each(|(field, reason)| write!(f, "; {field}: {reason}"))
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}

impl Problem {
    pub(super) fn not_sent(at: Endpoint, why: impl Into<String>, limit: Option<Duration>) -> Self {
        Self::NotSent { at, why: why.into(), limit }
    }

    pub(super) fn lost(at: Endpoint, why: impl Into<String>, limit: Option<Duration>) -> Self {
        Self::Lost { at, why: why.into(), limit, said: Bytes::new() }
    }

    /// A success status with a body that nobody can read: cut, or not what the contract says.
    pub fn unreadable(answer: &Answer, why: impl fmt::Display) -> Self {
        let why = format!("HTTP {}, {}", answer.status, unquoted(&why.to_string()));
        Self::Lost { at: answer.from, why, limit: None, said: answer.body.clone() }
    }

    /// Whether the site may have acted. A 5xx may come from a proxy in front of a service that did act.
    pub fn effect(&self) -> Effect {
        match self {
            Self::NotSent { .. } | Self::Untrusted(_) | Self::HeldBack(_) | Self::NoSession(_) => {
                Effect::None
            }
            Self::Refused(refused) if refused.status < 500 && refused.status != 408 => Effect::None,
            Self::Refused(_) | Self::Lost { .. } | Self::Unrecorded(_) => Effect::Unknown,
        }
    }

    /// What it says about sending the same chunk of an upload again.
    pub(super) fn setback(&self) -> Setback {
        match self {
            Self::NotSent { .. } | Self::Lost { .. } => Setback::Lost,
            Self::Refused(refused) if refused.status == 429 => Setback::Throttled,
            Self::Refused(refused) if refused.status >= 500 => Setback::Lost,
            Self::Refused(_) => Setback::Refused,
            Self::Untrusted(_) | Self::Unrecorded(_) | Self::HeldBack(_) | Self::NoSession(_) => {
                Setback::Final
            }
        }
    }

    /// Whether another attempt of the same read can help (DESIGN §6): connect errors, resets, time-outs,
    /// 5xx and 429. A refused identity never.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::NotSent { .. } | Self::Lost { .. } => true,
            Self::Refused(refused) => refused.status >= 500 || refused.status == 429,
            Self::Untrusted(_) | Self::Unrecorded(_) | Self::HeldBack(_) | Self::NoSession(_) => false,
        }
    }

    /// The pause before another try: ours, or a longer one that the server asks for, within reason.
    pub(super) fn pause(&self, ours: Duration) -> Duration {
        self.retry_after().map_or(ours, |asked| asked.clamp(ours, LONGEST_PAUSE.max(ours)))
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refused) => refused.retry_after,
            _ => None,
        }
    }

    /// What it says on one line, without secrets.
    pub fn words(&self, redactor: &Redactor) -> String {
        match self {
            Self::Lost { why, said, .. } => {
                clip(&format!("answer lost: {}", lost_words(why, said, redactor)))
            }
            other => clip(&redactor.text(&other.to_string())),
        }
    }

    /// The failure to show, with every known secret taken out of the site's words.
    pub fn failure(self, doing: Text, class: Class, redactor: &Redactor) -> Box<Failure> {
        let effect = self.effect();
        let kind = match &self {
            Self::NotSent { limit: Some(_), .. } | Self::Lost { limit: Some(_), .. } => Kind::TimedOut,
            Self::Unrecorded(_) => Kind::Local,
            _ => Kind::Site,
        };
        let mut failure = Failure::new(kind, doing);
        match self {
            Self::NoSession(failure) => return failure,
            Self::HeldBack(why) => return gate::held_back(failure.doing, why),
            Self::Untrusted(refusal) => {
                return refusal.failure(failure.doing);
            }
            Self::NotSent { at, why, limit } => {
                failure = failure
                    .at(at)
                    .answer(within(message("clients.http.not_sent", &[]), limit))
                    .advise(message("clients.dial.check_route", &[("address", &at.address)]));
                failure.causes.push(redactor.text(&why));
            }
            Self::Lost { at, why, limit, said } => {
                failure = failure.at(at).answer(within(message("clients.http.lost", &[]), limit));
                failure.causes.push(lost_words(&why, &said, redactor));
            }
            Self::Refused(refused) => {
                let words = clip(&redactor.text(&refused.to_string()));
                failure = failure.at(refused.at).answer(Text::same(words));
                if let Some(location) = &refused.redirect {
                    failure = failure.meaning(super::http::redirected(&redactor.text(location)));
                }
            }
            Self::Unrecorded(error) => {
                failure = failure.answer(message("clients.http.unrecorded", &[("why", &error)])).make_room();
            }
        }
        if effect == Effect::Unknown && class != Class::Read {
            failure.effect = Effect::Unknown;
            if failure.meaning.is_none() {
                failure = failure.meaning(message("clients.http.unknown_effect", &[]));
            }
            if failure.advice.is_empty() {
                failure = failure.advise(message("clients.http.look_again", &[]));
            }
        }
        failure
    }
}

/// What a reader of JSON dislikes, without the value that it quotes: a secret that the site alone knows may be it.
fn unquoted(why: &str) -> String {
    const QUOTED: &str = "string \"";
    match (why.find(QUOTED), why.rfind('"')) {
        (Some(start), Some(end)) if end >= start + QUOTED.len() => {
            format!("{}…{}", &why[..start + QUOTED.len()], &why[end..])
        }
        _ => why.to_owned(),
    }
}

/// Why an answer is of no use, and how it begins.
fn lost_words(why: &str, said: &[u8], redactor: &Redactor) -> String {
    let why = redactor.text(why);
    if said.is_empty() { why } else { format!("{why}: {}", redactor.body(said, LONGEST_WORDS / 2)) }
}

fn within(text: Text, limit: Option<Duration>) -> Text {
    match limit {
        Some(limit) => message("clients.http.within", &[("what", &text), ("limit", &units::duration(limit))]),
        None => text,
    }
}

pub(super) fn clip(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match one_line.char_indices().nth(LONGEST_WORDS) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent { why, .. } => write!(f, "not sent: {why}"),
            Self::Lost { why, .. } => write!(f, "answer lost: {why}"),
            Self::Untrusted(refusal) => refusal.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
            Self::Unrecorded(error) => error.fmt(f),
            Self::HeldBack(why) => f.write_str(&why.en),
            Self::NoSession(failure) => write!(f, "no session: {}", failure.doing.en),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn what_a_reader_dislikes_is_told_without_the_value() {
        let why = "invalid type: string \"a \\\"secret\\\"\", expected u32 at line 1 column 9";
        assert_eq!(unquoted(why), "invalid type: string \"…\", expected u32 at line 1 column 9");
        for plain in ["no `data.login`", "expected `,` or `}` at line 1", "missing field \"id\""] {
            assert_eq!(unquoted(plain), plain);
        }
    }
}
