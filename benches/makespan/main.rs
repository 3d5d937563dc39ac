//! `cargo bench --bench makespan [-- --speed N]`: how much longer a run takes than its longest chain, what a wait costs,
//! and how soon its end is noticed (docs/performance.md). Everything happens on the simulated site, with the durations
//! of site-behaviour §2.

mod graph;
mod rehearsal;
mod spans;

use std::{env, error::Error};

use graph::Graph;
use rehearsal::{Rehearsal, Requests, of};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// CloudTower runs once this step has ended.
const TOWER: &str = "deploy-cloudtower.web";

/// A deployment that takes an hour.
const HOUR: f64 = 3600.0;

/// Steps whose end is waited for, worth a row.
const WAITS: [&str; 7] = [
    "init-cluster.deploy",
    "deploy-cloudtower.guest-agent",
    "deploy-cloudtower.installer",
    "deploy-observability.package",
    "deploy-observability.running",
    "deploy-backup.running",
    "inspect.job",
];

#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let speed = arguments.iter().position(|argument| argument == "--speed");
    let speed: f64 = speed.and_then(|at| arguments.get(at + 1)).map_or(Ok(20.0), |speed| speed.parse())?;
    let graph = Graph::of_the_runbook()?;
    let spans = spans::configured();
    let run = of(speed, &[], "")?;
    let in_order = of(speed, &["--in-order"], "")?;

    println!("| from | critical path | makespan | ÷ critical path | step after step | ÷ makespan |");
    println!("|---|--:|--:|--:|--:|--:|");
    let whole = graph.longest(&spans, None);
    row("the start", whole, run.seconds(), in_order.seconds());
    let rest = graph.longest(&spans, Some(TOWER));
    row("a running CloudTower", rest, run.since(TOWER)?, in_order.since(TOWER)?);
    println!();
    println!("Sum of all steps: {:.0} s.", run.steps_seconds);
    println!();

    println!(
        "| a wait for | took at the site | noticed after | share | requests | a minute, late | at most |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|");
    for step in WAITS {
        wait(step, spans.get(step).copied().unwrap_or_default(), &run)?;
    }
    let slow = of(speed, &["--to", "init-cluster"], &format!("[durations]\ndeployment = {HOUR}\n"))?;
    wait("init-cluster.deploy", spans::deployment(HOUR), &slow)
}

#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
fn row(from: &str, critical: f64, took: f64, in_order: f64) {
    let (ratio, gain) = (took / critical, in_order / took);
    println!("| {from} | {critical:.0} s | {took:.0} s | {ratio:.3} | {in_order:.0} s | {gain:.2} |");
}

#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
fn wait(step: &str, configured: f64, run: &Rehearsal) -> Result<()> {
    let late = run.took(step)? - configured;
    let Requests { all, late_a_minute, late_at_most } = run.requests(step);
    let average = late_a_minute.map_or("–".to_owned(), |count| format!("{count:.1}"));
    let most = late_at_most.map_or("–".to_owned(), |count| count.to_string());
    let share = 100.0 * late / configured;
    println!("| `{step}` | {configured:.0} s | {late:.1} s | {share:.1} % | {all} | {average} | {most} |");
    Ok(())
}
