//! `cargo bench --bench start [-- --plan WORKBOOK --runs N]`: how long the tool takes before it does anything
//! (docs/performance.md).
//!
//! Whole processes, from their start to their end, or to the first connection that they open.

mod door;
#[path = "../support/process.rs"]
mod process;
mod resumed;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use process::cpu_seconds;
use resumed::Resumed;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BINARY: &str = env!("CARGO_BIN_EXE_voyager");

/// What one kind of start took, in the order of its runs.
struct Row {
    what: String,
    took: Vec<Duration>,
    /// CPU time of all runs together, in seconds; none where a run goes on after what is measured.
    cpu: Option<f64>,
    bar_ms: u32,
}

#[expect(clippy::print_stdout, reason = "the table is what the command is for")]
fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let runs = after("--runs").map_or(Ok(20), |runs| runs.parse())?;
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx");
    let given = after("--plan").map(PathBuf::from);

    let mut rows = vec![
        whole("`voyager --version`", &["--version".as_ref()], runs, 10)?,
        whole(
            "`plan check`, `examples/plan.xlsx`",
            &["plan".as_ref(), "check".as_ref(), &example],
            runs,
            60,
        )?,
    ];
    if let Some(plan) = &given {
        rows.push(whole(
            "`plan check`, another workbook",
            &["plan".as_ref(), "check".as_ref(), plan],
            runs,
            60,
        )?);
    }
    let resumed = Resumed::after_a_whole_run(&example)?;
    let took = (0..runs.min(10)).map(|_| resumed.first_call()).collect::<Result<_>>()?;
    let what = "`run` with nothing to do, to its first connection".to_owned();
    rows.push(Row { what, took, cpu: None, bar_ms: 100 });

    println!("| start | runs | least ms | median ms | CPU ms | bar ms |");
    println!("|---|--:|--:|--:|--:|--:|");
    for Row { what, mut took, cpu, bar_ms } in rows {
        took.sort_unstable();
        let ms = |took: Duration| took.as_secs_f64() * 1000.0;
        let cpu =
            cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{:.1}", cpu * 1000.0 / took.len() as f64));
        println!(
            "| {what} | {} | {:.1} | {:.1} | {cpu} | {bar_ms} |",
            took.len(),
            ms(took[0]),
            ms(took[took.len() / 2]),
        );
    }
    Ok(())
}

/// From the start of the process to its end.
fn whole(what: &str, arguments: &[&Path], runs: usize, bar_ms: u32) -> Result<Row> {
    let start = || Command::new(BINARY).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    // The first run reads the program from the disk.
    let first = start()?;
    let (mut took, cpu) = (Vec::new(), cpu_seconds("self", 16)?);
    for _ in 0..runs {
        let begin = Instant::now();
        let ended = start()?;
        took.push(begin.elapsed());
        if ended != first {
            return Err(format!("{what} ended once with {first} and once with {ended}").into());
        }
    }
    Ok(Row { what: what.to_owned(), took, cpu: Some(cpu_seconds("self", 16)? - cpu), bar_ms })
}
