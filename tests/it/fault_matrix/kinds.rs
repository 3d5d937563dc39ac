//! What can go wrong with one request, and what each sort of call must come to.

use std::collections::BTreeMap;

use serde_json::json;
use voyager::{
    failure::Kind,
    sim::fault::{Action, Fault},
};

use crate::support::fault::always;

/// One column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    Refused,
    ResetBefore,
    ResetAfter,
    SilenceBefore,
    SilenceAfter,
    Unauthorized,
    Forbidden,
    NotFound,
    TooMany,
    ServerError,
    BadGateway,
    /// 200, and the v2 envelope says that it failed.
    NotOk,
    /// 200, and `errors`.
    GraphqlErrors,
    Malformed,
    Truncated,
    Empty,
    Huge,
    WrongType,
    Trickle,
    Redirect,
    ChangedCertificate,
    /// 500 with everything that the request told, tokens and passwords in many forms.
    Echo,
    /// The same with 200.
    Babble,
    /// The answer spoilt in one of very many ways, by this seed; no column of its own (`spoilt`).
    Garbled(u32),
}

use Trouble::*;

pub const ALL: [Trouble; 23] = [
    Refused,
    ResetBefore,
    ResetAfter,
    SilenceBefore,
    SilenceAfter,
    Unauthorized,
    Forbidden,
    NotFound,
    TooMany,
    ServerError,
    BadGateway,
    NotOk,
    GraphqlErrors,
    Malformed,
    Truncated,
    Empty,
    Huge,
    WrongType,
    Trickle,
    Redirect,
    ChangedCertificate,
    Echo,
    Babble,
];

/// Those that are an answer, if not the right one.
pub const ANSWERS: [Trouble; 15] = [
    Unauthorized,
    Forbidden,
    NotFound,
    TooMany,
    ServerError,
    BadGateway,
    NotOk,
    GraphqlErrors,
    Malformed,
    Truncated,
    Empty,
    WrongType,
    Redirect,
    Echo,
    Babble,
];

/// How a client may repeat a call; what it says about an answer that it cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Repeated freely.
    Read,
    /// One try; who polls repeats it.
    Poll,
    /// One look that takes any answer, or none, for an answer: whether something is there.
    Look,
    /// Sent once; who acts looks at the site afterwards. `Once` alike, with nothing to be repeated even then.
    Probed,
    Once,
}

impl Sort {
    pub fn changes(self) -> bool {
        matches!(self, Self::Probed | Self::Once)
    }
}

/// What a cell must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// The call succeeds all the same.
    Recovers,
    /// It stops with a failure of this kind.
    Stops(Kind),
    StopsOrTimesOut,
    /// Either: what it met depends on the address that it tried first.
    RecoversOrStops(Kind),
}

/// The answer of a site that asks for time.
pub const ASKED_PAUSE: u64 = 7;

/// Longer than any client reads.
const FAR_TOO_MUCH: u64 = 40 << 20;

impl Trouble {
    /// The fault at the simulated site, for `count` requests (0: for ever). `None`: it is done otherwise.
    pub fn fault(self, operation: &str, count: u64) -> Option<Fault> {
        let at = |operation: &str, action| Some(Fault { count, ..always(operation, action) });
        let action = match self {
            Refused => return at("connect.*", Action::Refuse),
            ChangedCertificate => return None,
            ResetBefore => Action::ResetBefore,
            ResetAfter => Action::ResetAfter,
            SilenceBefore => Action::Hang,
            SilenceAfter => Action::HangAfter,
            Unauthorized => page(401),
            Forbidden => page(403),
            NotFound => page(404),
            TooMany => status(429, &[("retry-after", &ASKED_PAUSE.to_string())], ""),
            ServerError => page(500),
            BadGateway => page(502),
            NotOk => Action::V2 { ec: "SIM_REFUSED".into(), msg: "no".into(), detail: json!({}) },
            GraphqlErrors => {
                let body = json!({"errors": [{"message": "not today"}], "data": null}).to_string();
                status(200, &[("content-type", "application/json")], &body)
            }
            Malformed => status(200, &[("content-type", "application/json")], "{\"ec\": ]"),
            Truncated => Action::Shorten { bytes: 11 },
            Empty => Action::Shorten { bytes: 0 },
            // One operation of each service reads to the limit; the others are told the length beforehand.
            Huge => {
                let stated = !["fisheye.licence", "tower.get-views"].contains(&operation);
                Action::Pad { bytes: FAR_TOO_MUCH, stated }
            }
            WrongType => Action::MergeBody(wrong(operation)),
            Trickle => Action::Trickle,
            Echo => Action::Echo { status: 500 },
            Babble => Action::Echo { status: 200 },
            Garbled(seed) => Action::Garble { seed: seed.into() },
            Redirect => status(302, &[("location", "https://10.9.9.9/elsewhere")], ""),
        };
        at(operation, action)
    }

    /// Whether the site acts, whatever becomes of the answer.
    pub fn acts(self) -> bool {
        matches!(self, ResetAfter | SilenceAfter | Truncated | Empty | Huge | WrongType | Trickle)
    }

    /// Whether a limit ends it.
    pub fn waits(self) -> bool {
        matches!(self, SilenceBefore | SilenceAfter | Trickle)
    }

    /// Whether the answer, or its lack, leaves open what happened: then nobody may call it undone.
    pub fn leaves_open(self) -> bool {
        self.acts()
            || matches!(
                self,
                ResetBefore | SilenceBefore | ServerError | BadGateway | Malformed | Echo | Babble
            )
    }

    fn kind(self) -> Kind {
        if self.waits() { Kind::TimedOut } else { Kind::Site }
    }

    /// What a call of this sort must come to when the trouble lasts for one request, or for ever.
    pub fn due(self, sort: Sort, lasting: bool, session: bool) -> Due {
        let stops = Due::Stops(self.kind());
        match (self, sort) {
            (ChangedCertificate, _) => Due::Stops(Kind::Site),
            (_, Sort::Look) => Due::Recovers,
            // To be sent so much may take longer than a limit.
            (Huge, _) if lasting => Due::StopsOrTimesOut,
            (Huge, Sort::Read) => Due::Recovers,
            (Huge, _) => Due::StopsOrTimesOut,
            _ if lasting => stops,
            (Unauthorized | Forbidden, _) if session => Due::Recovers,
            // To one service it is no answer of its own, and asked for again; to another a refusal.
            (NotOk | GraphqlErrors, Sort::Read) => Due::RecoversOrStops(Kind::Site),
            (Refused, Sort::Read) => Due::Recovers,
            (Unauthorized | Forbidden | NotFound | NotOk | GraphqlErrors | Redirect, _) => stops,
            (Refused, _) => Due::RecoversOrStops(Kind::Site),
            (_, Sort::Read) => Due::Recovers,
            _ => stops,
        }
    }
}

fn page(code: u16) -> Action {
    let body = format!("<html><head><title>{code}</title></head><body>nginx</body></html>");
    status(code, &[("content-type", "text/html")], &body)
}

fn status(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Action::Status { status, headers: headers.collect::<BTreeMap<_, _>>(), body: body.to_owned() }
}

/// JSON of a kind that nobody expects there, in the frame of the service.
fn wrong(operation: &str) -> serde_json::Value {
    let graphql = operation.starts_with("tower.") && !operation.contains('-') && operation != "tower.login";
    if graphql || operation.starts_with("fisheye.") {
        return json!({"data": [["x"]], "token": ["x"]});
    }
    json!([[["x"]]])
}
