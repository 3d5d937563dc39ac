//! `--settle`: the operator's word about a `once` step whose effect the site cannot prove.

use std::str::FromStr;

use serde_json::Value;

use super::{attempt::Ended, event::Outcome, facts::Facts, manifest::StepManifest};
use crate::{
    failure::{Failure, Kind},
    messages::message,
    text::Text,
};

/// `STEP=done[:fact]` or `STEP=absent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settle {
    /// `stage.step`.
    pub step: String,
    pub decision: Decision,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It happened; the text is the step's fact (plain, or a JSON object of several), when it provides one.
    Done(Option<String>),
    Absent,
}

impl FromStr for Settle {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (step, word) = text.split_once('=').ok_or(())?;
        let decision = match word.split_once(':') {
            _ if word == "absent" => Decision::Absent,
            _ if word == "done" => Decision::Done(None),
            Some(("done", fact)) if !fact.is_empty() => Decision::Done(Some(fact.to_owned())),
            _ => return Err(()),
        };
        if step.is_empty() { Err(()) } else { Ok(Self { step: step.to_owned(), decision }) }
    }
}

/// The two literal flags for a step: it happened; it did not.
pub(super) fn flags(step: &str, manifest: &StepManifest) -> (String, String) {
    let done = match manifest.gives.first() {
        Some(fact) => format!("--settle {step}=done:<{fact}>"),
        None => format!("--settle {step}=done"),
    };
    (done, format!("--settle {step}=absent"))
}

/// The end that the operator's word gives to a step with this manifest.
pub(super) fn end(settle: &Settle, manifest: &StepManifest) -> Ended {
    let refuse = |meaning: Text| {
        Err(Failure::new(Kind::Usage, message("engine.settle.settling", &[("step", &settle.step)]))
            .meaning(meaning))
    };
    let Decision::Done(given) = &settle.decision else {
        return Ok((Outcome::Settled { done: false }, Facts::none()));
    };
    let mut facts = Facts::none();
    match (given, manifest.gives.first()) {
        (None, None) => {}
        (None, Some(fact)) => {
            return refuse(message("engine.settle.fact-missing", &[("step", &settle.step), ("fact", fact)]));
        }
        (Some(text), first) => match (serde_json::from_str::<Value>(text), first) {
            (Ok(Value::Object(map)), _) => map.into_iter().for_each(|(name, value)| facts.set(&name, value)),
            (Ok(Value::String(text)), Some(fact)) => facts.set(fact, Value::String(text)),
            (_, None) => return refuse(message("engine.settle.fact-unwanted", &[("step", &settle.step)])),
            // A UUID or a name is not JSON, and a string of digits is still the text the operator saw.
            (_, Some(fact)) => facts.set(fact, Value::String(text.clone())),
        },
    }
    Ok((Outcome::Settled { done: true }, facts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_takes_done_with_and_without_a_fact_and_absent() {
        let decision = |text: &str| text.parse::<Settle>().map(|settle| settle.decision);
        assert_eq!(decision("init.deploy=done"), Ok(Decision::Done(None)));
        assert_eq!(decision("init.deploy=done:a=b:c"), Ok(Decision::Done(Some("a=b:c".into()))));
        assert_eq!(decision("init.deploy=absent"), Ok(Decision::Absent));
        for wrong in ["init.deploy", "init.deploy=", "=done", "x=done:", "x=gone", "x=absent:1"] {
            assert_eq!(decision(wrong), Err(()), "{wrong}");
        }
    }
}
