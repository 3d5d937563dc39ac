//! How the clusters of a fleet ended, and how to go on with each.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::{
    cli::{
        Ended,
        run::{next, real::Told},
        session::Session,
    },
    failure::Result,
    messages::message,
    ui::{
        columns::{pad, width},
        screen::Tint,
        sentences::time,
    },
};

/// What became of one.
pub struct Ran {
    pub name: String,
    pub plan: PathBuf,
    pub session: Session,
    pub told: Result<Told>,
}

impl Ran {
    pub fn exit_code(&self) -> u8 {
        match &self.told {
            Ok(told) => match (told.end.exit_code, &told.sealed) {
                (0, Err(failure)) => failure.kind.exit_code(),
                (code, _) => code,
            },
            Err(failure) => failure.kind.exit_code(),
        }
    }

    /// How long it ran, in site time; `None` of one that did not start.
    fn elapsed_ms(&self) -> Option<u64> {
        self.told.as_ref().ok().map(|told| told.end.elapsed_ms)
    }

    /// The command to go on with: this cluster's alone.
    fn next(&self) -> String {
        match &self.told {
            Ok(told) => told.next.clone(),
            Err(_) => next::again(&self.session),
        }
    }

    fn log(&self) -> Option<&Path> {
        match &self.told {
            Ok(told) => Some(&told.log),
            Err(failure) => failure.log.as_deref(),
        }
    }

    fn tell_failures(&self) {
        match &self.told {
            Ok(told) => {
                told.tell_failures(&self.session);
                if let Err(failure) = &told.sealed {
                    self.session.tell(failure);
                }
            }
            Err(failure) => self.session.tell(failure),
        }
    }

    fn lines(&self, names: usize) -> Vec<String> {
        let screen = &self.session.screen;
        let head = match &self.told {
            Ok(told) => told.summary.head(screen),
            Err(_) => {
                let said = message("cli.fleet.not-started", &[("code", &self.exit_code())]);
                Some(screen.tint(Tint::Bad, screen.say(&said)))
            }
        };
        let mut lines = vec![format!("  {}  {}", pad(&self.name, names), head.unwrap_or_default())];
        let labels = [message("cli.fleet.log", &[]), message("cli.fleet.next", &[])];
        let [log, next] = labels.each_ref().map(|label| screen.say(label));
        let columns = width(log).max(width(next));
        if let Some(path) = self.log() {
            lines.push(format!("    {}  {}", pad(log, columns), path.display()));
        }
        lines.push(format!("    {}  {}", pad(next, columns), self.next()));
        lines
    }

    fn record(&self) -> Value {
        json!({
            "cluster": self.name,
            "plan": self.plan,
            "exit_code": self.exit_code(),
            "elapsed_ms": self.elapsed_ms(),
            "log": self.log(),
            "next": self.next(),
        })
    }
}

/// Lists all clusters, each with how to go on; the exit code is that of the first that did not end well.
pub fn conclude(session: &Session, ran: &[Ran]) -> Ended {
    let open: Vec<&Ran> = ran.iter().filter(|ran| ran.exit_code() != 0).collect();
    open.iter().for_each(|ran| ran.tell_failures());
    let code = open.first().map_or(0, |ran| ran.exit_code());
    // All of them begin together, so that the longest is the whole: in site time, as each is told.
    let elapsed_ms = ran.iter().filter_map(Ran::elapsed_ms).max();
    if session.json() {
        let clusters: Vec<Value> = ran.iter().map(Ran::record).collect();
        session.print_json(&json!({
            "event": "fleet-finished",
            "schema": "1.0",
            "exit_code": code,
            "elapsed_ms": elapsed_ms,
            "clusters": clusters,
        }));
        return Ended::Run(code);
    }
    let screen = &session.screen;
    let (head, tint) = if open.is_empty() {
        (message("cli.fleet.end-well", &[("all", &ran.len())]), Tint::Good)
    } else {
        let done = ran.len() - open.len();
        let args: [(&str, &dyn crate::text::Say); 4] =
            [("all", &ran.len()), ("done", &done), ("open", &open.len()), ("code", &code)];
        (message("cli.fleet.end", &args), Tint::Bad)
    };
    let head = match elapsed_ms {
        Some(ms) => message("cli.fleet.took", &[("head", &head), ("time", &time(ms))]),
        None => head,
    };
    screen.line(&screen.tint(tint, screen.say(&head)));
    let names = ran.iter().map(|ran| width(&ran.name)).max().unwrap_or(0);
    ran.iter().flat_map(|ran| ran.lines(names)).for_each(|line| screen.line(&line));
    Ended::Run(code)
}
