//! `cargo bench --bench fleet [-- --speed N] [-- --clusters 1,10,100] [-- --to STAGE] [-- --transfers N]`: what several clusters at once
//! cost (docs/performance.md).
//!
//! All simulated sites are one process, the tool is another, whose peak memory and CPU time are then its own.

mod client;
mod plans;
#[path = "../support/process.rs"]
mod process;
mod sites;

use std::{env, error::Error, path::Path};

use sites::Sites;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Site seconds a second: slow enough for two cores to carry a hundred sites beside the tool.
const SPEED: f64 = 20.0;

/// What the tool is told beside its plans.
struct Options {
    to: Option<String>,
    /// In place of what the configuration ships with.
    transfers: Option<String>,
}

fn main() {
    if let Err(error) = start() {
        complain(&error.to_string());
        std::process::exit(1);
    }
}

#[expect(clippy::print_stderr, reason = "the operator of the bench reads it")]
fn complain(error: &str) {
    eprintln!("{error}");
}

fn start() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.first().map(String::as_str) == Some("sites") {
        return sites::main(&arguments[1..]);
    }
    let value = |option: &str| {
        let at = arguments.iter().position(|argument| argument == option)?;
        arguments.get(at + 1)
    };
    let speed = value("--speed").map_or(Ok(SPEED), |speed| speed.parse())?;
    let counts = value("--clusters").map_or("1,10,100", String::as_str);
    let counts: Vec<usize> = counts.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?;
    let more = Options { to: value("--to").cloned(), transfers: value("--transfers").cloned() };
    measure_all(speed, &counts, &more)
}

#[expect(clippy::print_stdout, reason = "the table is what the command is for")]
fn measure_all(speed: f64, counts: &[usize], options: &Options) -> Result<()> {
    let shared = Path::new("/dev/shm");
    println!(
        "| clusters | speed | makespan s | × one | CPU s | CPU s a cluster | peak MiB | \
         MiB a further cluster | most files | most threads | sites' CPU s |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let mut first = None;
    let mut before: Option<(usize, f64)> = None;
    for &count in counts {
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared)? } else { tempfile::tempdir()? };
        let plans = plans::write(folder.path(), count)?;
        let sites = Sites::start(speed, &plans)?;
        plans::configure(&plans, &sites.proxies)?;
        let measured = client::run(folder.path(), &plans, options)?;
        let counted = sites.stop()?;
        if counted.deployed != count || counted.breaches != 0 {
            return Err(format!("{count} clusters, and the sites counted {counted:?}").into());
        }
        let first = *first.get_or_insert(measured.seconds);
        let further = before.map_or_else(
            || "–".to_owned(),
            |(fewer, peak)| format!("{:.2}", (measured.peak_mib - peak) / (count - fewer) as f64),
        );
        println!(
            "| {count} | {speed} | {:.1} | {:.2} | {:.1} | {:.2} | {:.0} | {further} | {} | {} | {:.1} |",
            measured.seconds,
            measured.seconds / first,
            measured.cpu_seconds,
            measured.cpu_seconds / count as f64,
            measured.peak_mib,
            measured.files,
            measured.threads,
            counted.cpu_seconds,
        );
        before = Some((count, measured.peak_mib));
    }
    Ok(())
}
