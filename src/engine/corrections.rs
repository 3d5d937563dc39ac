//! A corrected plan: which fields changed since the steps that use them ended, and whether the run may go on.

use std::collections::BTreeSet;

use super::{
    context::Context,
    event::{EventKind, Level, Outcome},
    inputs::Inputs,
    stage::Runbook,
    step::StepKind,
    world::World,
};
use crate::{
    failure::{Failure, Kind, Result},
    messages::message,
    text::Say,
};

/// Compares the recorded inputs of every step taking part with the present ones. Goes on when no finished step
/// uses a changed field or all that do are in `redo`; else a `Kind::Decision` failure names them, and says which of
/// them cannot undo what they made with the old value.
pub(super) fn admit<W: World>(
    world: &W,
    book: &Runbook<'_, W>,
    part: &[bool],
    inputs: &[Inputs],
    redo: &[String],
    context: &Context,
) -> Result<()> {
    let mut changed = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    let mut affected = Vec::new();
    let (mut stuck, mut staying, mut password) = (Vec::new(), BTreeSet::new(), false);
    for (at, node) in book.nodes.iter().enumerate().filter(|(at, _)| part[*at]) {
        let journal = context.journal.borrow();
        let Some(record) = journal.state().step(&node.step.id) else { continue };
        let Some(recorded) = record.inputs() else { continue };
        let comparison = recorded.compare(&inputs[at]);
        let once = matches!(node.step.kind, StepKind::Once { .. });
        let stays = |field: &&String| once || node.step.manifest.stays.contains(field);
        let stays: Vec<&String> = comparison.changed.iter().filter(stays).collect();
        let done = match record.finished {
            _ if record.open_intent => true,
            // It is looked at anew in any case; only what it made before it came to be skipped stays as it is.
            Some(Outcome::Skipped { .. }) => record.acted && !stays.is_empty(),
            Some(_) => true,
            None => false,
        };
        if !comparison.changed.is_empty() && node.step.kind.acts() && done {
            affected.push(node.step.id.clone());
            if !stays.is_empty() {
                stuck.push(node.step.id.clone());
                password |= stays.iter().any(|field| inputs[at].is_secret(field));
                staying.extend(stays.into_iter().cloned());
            }
        }
        changed.extend(comparison.changed);
        unknown.extend(comparison.unknown);
    }
    if !unknown.is_empty() {
        let fields = unknown.into_iter().collect::<Vec<_>>().join(", ");
        let text = message("engine.plan.incomparable", &[("fields", &fields)]);
        context.report(EventKind::Note { step: String::new(), level: Level::Warning, text });
    }
    if changed.is_empty() {
        return Ok(());
    }
    let fields: Vec<String> = changed.into_iter().collect();
    context.record(EventKind::PlanChanged { fields: fields.clone(), steps: affected.clone() })?;
    if affected.iter().all(|step| redo.contains(step)) {
        return Ok(());
    }
    let staying = staying.into_iter().collect::<Vec<_>>().join(", ");
    let flags = affected.iter().map(|step| format!("--redo {step}")).collect::<Vec<_>>().join(" ");
    let mut failure = Failure::new(Kind::Decision, message("engine.plan.comparing", &[]))
        .at(fields.iter().map(|field| with_cells(world, field)).collect::<Vec<_>>().join(", "))
        .meaning(message("engine.plan.changed", &[("steps", &affected.join(", "))]));
    if !stuck.is_empty() {
        let args: [(&str, &dyn Say); 2] = [("steps", &stuck.join(", ")), ("fields", &staying)];
        failure = failure.advise(message("engine.plan.stays", &args));
    }
    if password {
        failure = failure.advise(message("engine.plan.old-password", &[]));
    }
    Err(failure
        .advise(message("engine.plan.redo", &[("flags", &flags)]))
        .advise(message("engine.plan.undo", &[])))
}

/// `dns.servers[] (集群管理信息!E20, 集群管理信息!E21)`.
fn with_cells<W: World>(world: &W, field: &str) -> String {
    match world.field(field).map(|value| value.cells) {
        Some(cells) if !cells.is_empty() => format!("{field} ({})", cells.join(", ")),
        _ => field.to_owned(),
    }
}
