//! SSH exchanges in the transcript: connections, logins and commands, never what they were fed.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    command::{Command, End, Output},
    connection::Service,
};
use crate::{
    clients::wire::{Body, Class, Exchange, Outcome},
    failure::{Failure, Kind, Result},
    messages::message,
};

/// One exchange for the transcript; the outcome is status and words, or why there is none.
pub(super) struct Noted<'a> {
    pub operation: &'static str,
    pub path: &'a str,
    pub request: Body<'a>,
    pub outcome: Result<(u32, String), String>,
    pub started: Timestamp,
    pub took: Duration,
    pub attempt: u32,
    pub class: Class,
}

/// The gist of a failure, for the transcript.
pub(super) fn brief(failure: &Failure) -> String {
    let words = failure.answer.iter().chain(&failure.meaning).map(|text| text.en.as_str());
    words.chain(failure.causes.iter().map(String::as_str)).collect::<Vec<_>>().join("; ")
}

impl Service {
    /// Records a command; its input is never recorded.
    pub fn record_command(
        &self,
        command: &Command<'_>,
        started: Timestamp,
        took: Duration,
        result: Result<&Output, &Failure>,
    ) -> Result<()> {
        let outcome = match result {
            Ok(Output { end: End::Status(status), stdout, stderr }) => {
                Ok((*status, format!("{}{}", stdout.text, stderr.text)))
            }
            Ok(output) => Err(output.said().en),
            Err(failure) => Err(brief(failure)),
        };
        // Not even its length: it may be that of a password.
        let fed = !command.stdin.expose().is_empty();
        self.record(&Noted {
            operation: command.operation,
            path: command.line,
            request: if fed { Body::Described("standard input, not recorded") } else { Body::None },
            outcome,
            started,
            took,
            attempt: 1,
            class: command.class,
        })
    }

    /// Writes one exchange to the transcript. A run that cannot be recorded does not go on.
    pub fn record(&self, noted: &Noted<'_>) -> Result<()> {
        let outcome = match &noted.outcome {
            Ok((status, text)) => Outcome::Answered { status: *status, body: text.as_bytes() },
            Err(why) => Outcome::Failed(why),
        };
        let changes = noted.class != Class::Read;
        let exchange = Exchange {
            operation: noted.operation,
            endpoint: self.endpoint,
            method: "SSH",
            path: noted.path,
            request: noted.request,
            outcome,
            started: noted.started,
            took: noted.took,
            request_id: None,
            attempt: noted.attempt,
            class: noted.class,
            changes,
        };
        self.wire.record(&exchange).map_err(|error| {
            let doing = message("clients.ssh.doing_record", &[]);
            let failure = self.failing(Kind::Local, doing).because(&error).make_room();
            if changes { failure.answer_lost() } else { failure }
        })
    }
}
