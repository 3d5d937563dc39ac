//! `voyager stages`: the runbook, with what each step needs and how long it may take.

use clap::Args;
use serde_json::{Value, json};

use super::{Ended, session::Session};
use crate::{
    engine::{
        Stage, StageManifest,
        outline::{self, Listing, StepListing},
    },
    failure::Result,
    messages::message,
    stages::{registry, world::World},
    text::{Say, Text},
    ui::table::Table,
    units,
};

#[derive(Args, Debug)]
pub struct StagesOptions {
    #[arg(long, help = "cli.option.graph")]
    graph: bool,
}

pub fn run(session: &Session, options: &StagesOptions) -> Result<Ended> {
    let stages = registry::stages(&registry::Choices::default())?;
    let listing = outline::listing(&stages)?;
    if options.graph {
        graph(session, &stages, &listing).iter().for_each(|line| session.screen.line(line));
    } else if session.json() {
        let told = json!({
            "schema": "1.0",
            "stages": stages.iter().map(|stage| record(&stage.manifest, &listing)).collect::<Vec<_>>(),
            "critical_path": listing.critical,
            "critical_ms": listing.length.as_millis() as u64,
            "slow_ms": listing.slow.as_millis() as u64,
        });
        session.print_json(&told);
    } else {
        stages.iter().for_each(|stage| show(session, &stage.manifest, &listing));
        session.screen.line(session.screen.say(&critical(&listing)));
    }
    Ok(Ended::Well)
}

/// The longest chain in words.
fn critical(listing: &Listing) -> Text {
    let (chain, length) = (listing.critical.join(" → "), units::duration(listing.length));
    let slow = units::duration(listing.slow);
    message("cli.stages.critical", &[("length", &length), ("slow", &slow), ("chain", &chain)])
}

/// The steps of one stage.
fn of<'a>(
    stage: &'a StageManifest,
    listing: &'a Listing,
) -> impl Iterator<Item = (&'a str, &'a StepListing)> {
    listing.steps.iter().filter_map(|step| {
        let id = step.id.strip_prefix(stage.id.as_str())?.strip_prefix('.')?;
        Some((id, step))
    })
}

fn show(session: &Session, stage: &StageManifest, listing: &Listing) {
    let screen = &session.screen;
    screen.line(&format!("{:02} {}  {}", stage.number, stage.id, screen.say(&stage.title)));
    let headings = [
        message("cli.stages.step", &[]),
        message("cli.stages.kind", &[]),
        message("cli.stages.title", &[]),
        message("cli.stages.needs", &[]),
        message("cli.stages.expected", &[]),
        message("cli.stages.slow", &[]),
        message("cli.stages.limit", &[]),
    ];
    let mut table = Table::new(&headings.each_ref().map(|heading| screen.say(heading)));
    for (id, step) in of(stage, listing) {
        table.row(vec![
            id.to_owned(),
            step.kind.to_owned(),
            screen.say(&step.title).to_owned(),
            [step.after.as_slice(), &step.ends].concat().join(", "),
            step.expected.map(units::duration).unwrap_or_default(),
            units::duration(step.slow),
            units::duration(step.timeout),
        ]);
    }
    let width = screen.width.map(|width| width.saturating_sub(2));
    table.lines(width).iter().for_each(|line| screen.line(&format!("  {line}")));
    for (id, step) in of(stage, listing) {
        let Some(why) = &step.no_return else { continue };
        let args: [(&str, &dyn Say); 3] = [("step", &id), ("why", why), ("boundary", &step.boundary)];
        let said = message("cli.stages.no-return", &args);
        screen.line(&format!("  {}", screen.wrapped(screen.say(&said), 4)));
    }
    screen.line("");
}

fn record(stage: &StageManifest, listing: &Listing) -> Value {
    let step = |(_, step): (&str, &StepListing)| {
        json!({
            "id": step.id,
            "kind": step.kind,
            "title": step.title,
            "after": step.after,
            "ends": step.ends,
            "uses": step.uses,
            "stays": step.stays,
            "expected_ms": step.expected.map(|time| time.as_millis() as u64),
            "slow_ms": step.slow.as_millis() as u64,
            "timeout_ms": step.timeout.as_millis() as u64,
            "service": step.service,
            "boundary": step.boundary,
            "no_return": step.no_return,
        })
    };
    let steps: Vec<Value> = of(stage, listing).map(step).collect();
    json!({"id": stage.id, "number": stage.number, "title": stage.title, "steps": steps})
}

/// The dependencies in the language of Graphviz: the critical path in bold, and dashed what only waits for an end.
fn graph(session: &Session, stages: &[Stage<World>], listing: &Listing) -> Vec<String> {
    let mut lines = vec![
        format!("// {}", session.screen.say(&critical(listing))),
        "digraph runbook {".to_owned(),
        format!("  // {}", session.screen.say(&message("cli.stages.legend", &[]))),
        "  rankdir=LR;".to_owned(),
    ];
    for stage in stages.iter().map(|stage| &stage.manifest) {
        lines.push(format!("  subgraph \"cluster_{0}\" {{ label=\"{1:02} {0}\";", stage.id, stage.number));
        lines.extend(of(stage, listing).map(|(id, step)| {
            let bold = if listing.critical.contains(&step.id) { ", style=bold" } else { "" };
            format!("    \"{}\" [label=\"{id}\"{bold}];", step.id)
        }));
        lines.push("  }".to_owned());
    }
    let follows = |from: &String, to: &String| {
        listing.critical.windows(2).any(|pair| pair[0] == *from && pair[1] == *to)
    };
    for step in &listing.steps {
        for (names, styles) in [(&step.after, ["", "bold"]), (&step.ends, ["dashed", "\"dashed,bold\""])] {
            for tail in names.iter().flat_map(|name| tails(name, listing)) {
                let style = styles[usize::from(follows(&tail.id, &step.id))];
                let style = if style.is_empty() { String::new() } else { format!(" [style={style}]") };
                lines.push(format!("  \"{}\" -> \"{}\"{style};", tail.id, step.id));
            }
        }
    }
    lines.push("}".to_owned());
    lines
}

/// The steps of that name: itself, or the ends of a whole stage, which are those that no other step of it waits for.
fn tails<'a>(name: &'a str, listing: &'a Listing) -> impl Iterator<Item = &'a StepListing> {
    let within = move |step: &StepListing| step.id.split('.').next() == Some(name);
    let awaited = move |id: &String| {
        let waits = |step: &StepListing| step.after.contains(id) || step.ends.contains(id);
        listing.steps.iter().any(|step| within(step) && waits(step))
    };
    listing.steps.iter().filter(move |step| step.id == name || (within(step) && !awaited(&step.id)))
}
