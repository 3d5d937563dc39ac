//! `cargo bench --bench upload [-- --gib N --runs N --link]`: how fast an upload is and what it costs (docs/performance.md).
//!
//! Everything stays on the loopback: the simulated site is a process of its own, and so is each sender, whose peak
//! memory and CPU time are then its own.

mod link;
#[path = "../support/process.rs"]
mod process;
mod sender;
mod site;

use std::{
    env,
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

use serde::{Deserialize, Serialize};

use site::Moment;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Way {
    /// One request with all of them.
    Plain,
    /// The upload engine, held to one chunk in flight.
    One,
    /// The upload engine as it is.
    Window,
}

/// One measurement, as the sender's process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Task {
    proxy: String,
    address: std::net::Ipv4Addr,
    password: String,
    https: bool,
    way: Way,
    digests: bool,
    file: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Measured {
    seconds: f64,
    /// CPU time of the sender's process.
    cpu_seconds: f64,
    peak_mib: f64,
    sha256: Option<String>,
}

/// What is asked for on the command line.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    gib: f64,
    /// How often each row is measured; by default five times without digests, which takes seconds and varies most, else once.
    runs: Option<usize>,
    /// Only the shaped link.
    link: bool,
}

/// The line of the second table, in bits a second.
const GIGABIT: f64 = 1e9;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, task] = arguments.as_slice()
        && first == "send"
    {
        return sender::main(task);
    }
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let wanted = Wanted {
        gib: after("--gib").map_or(Ok(4.0), |gib| gib.parse())?,
        runs: after("--runs").map(|runs| runs.parse()).transpose()?,
        link: arguments.iter().any(|argument| argument == "--link"),
    };
    measure_all(wanted)
}

/// The site, and the file that is sent to it.
struct Bench {
    moment: Moment,
    file: PathBuf,
    wanted: Wanted,
}

#[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
fn measure_all(wanted: Wanted) -> Result<()> {
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared)? } else { tempfile::tempdir()? };
    let moment = Moment::after_deployment(folder.path())?;
    // Holes read as zeros; digests and the wire do not care.
    let file = folder.path().join("image.iso");
    std::fs::File::create(&file)?.set_len((wanted.gib * f64::from(1 << 30)) as u64)?;
    let bench = Bench { moment, file, wanted };
    if !wanted.link {
        println!("| scheme | digests | ms a chunk | way | MiB/s | × one | × plain | peak MiB | CPU s/GiB |");
        println!("|---|---|--:|---|--:|--:|--:|--:|--:|");
        for https in [false, true] {
            for digests in [false, true] {
                bench.loopback(https, digests)?;
            }
        }
        println!();
    }
    println!("| scheme | digests | link | ms a chunk | way | MiB/s | × line | peak MiB | CPU s/GiB |");
    println!("|---|---|---|--:|---|--:|--:|--:|--:|");
    for https in [false, true] {
        bench.gigabit(https)?;
    }
    Ok(())
}

impl Bench {
    /// As fast as memory and processors go.
    #[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
    fn loopback(&self, https: bool, digests: bool) -> Result<()> {
        let mut plain = None;
        for ms in [0, 10, 30] {
            let server = self.moment.start(ms, digests)?;
            let ways =
                if ms == 0 { &[Way::Plain, Way::One, Way::Window][..] } else { &[Way::One, Way::Window] };
            let mut rows = self.rows(&server.proxy, ways, https, digests)?;
            let plain = plain.get_or_insert_with(|| rows[0].clone());
            let one = rows[rows.len() - 2].clone();
            for row in &rows {
                let (scheme, digests) = (scheme(https), if digests { "on" } else { "off" });
                println!(
                    "| {scheme} | {digests} | {ms} | {} | {:.0} | {:.2} | {:.2} | {} |",
                    row.way.name(),
                    self.wanted.gib * 1024.0 / row.seconds(),
                    row.faster_than(&one),
                    row.faster_than(plain),
                    row.cost(self.wanted.gib),
                );
            }
            server.stop()?.check(&rows.split_off(rows.len() - 2), digests)?;
        }
        Ok(())
    }

    /// Over a link of a gigabit a second, 30 ms a chunk.
    #[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
    fn gigabit(&self, https: bool) -> Result<()> {
        let server = self.moment.start(30, true)?;
        let shaped = link::to(&server.proxy, GIGABIT)?;
        let rows = self.rows(&shaped, &[Way::One, Way::Window], https, true)?;
        let line = GIGABIT / 8.0 / f64::from(1 << 30);
        for row in &rows {
            println!(
                "| {} | on | 1 Gbit/s | 30 | {} | {:.0} | {:.3} | {} |",
                scheme(https),
                row.way.name(),
                self.wanted.gib * 1024.0 / row.seconds(),
                self.wanted.gib / row.seconds() / line,
                row.cost(self.wanted.gib),
            );
        }
        server.stop()?.check(&rows, true)
    }

    /// The ways, measured in turn.
    fn rows(&self, proxy: &str, ways: &[Way], https: bool, digests: bool) -> Result<Vec<Row>> {
        let mut rows: Vec<Row> = ways.iter().map(|way| Row { way: *way, runs: Vec::new() }).collect();
        for _ in 0..self.wanted.runs.unwrap_or(if digests { 1 } else { 5 }).max(1) {
            for row in &mut rows {
                row.runs.push(send(&Task {
                    proxy: proxy.to_owned(),
                    address: self.moment.vip,
                    password: self.moment.password.clone(),
                    https,
                    way: row.way,
                    digests,
                    file: self.file.clone(),
                })?);
            }
        }
        Ok(rows)
    }
}

/// All measurements of one way under the same circumstances.
#[derive(Clone, Debug)]
struct Row {
    way: Way,
    runs: Vec<Measured>,
}

impl Row {
    fn seconds(&self) -> f64 {
        median(self.runs.iter().map(|run| run.seconds))
    }

    /// Run against run: machines are faster and slower by the minute, and ways were measured in turn.
    fn faster_than(&self, other: &Self) -> f64 {
        median(self.runs.iter().zip(&other.runs).map(|(mine, theirs)| theirs.seconds / mine.seconds))
    }

    /// The last two cells.
    fn cost(&self, gib: f64) -> String {
        let peak = median(self.runs.iter().map(|run| run.peak_mib));
        format!("{peak:.0} | {:.2}", median(self.runs.iter().map(|run| run.cpu_seconds)) / gib)
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain stream",
            Self::One => "one in flight",
            Self::Window => "window",
        }
    }
}

fn scheme(https: bool) -> &'static str {
    if https { "https" } else { "http" }
}

/// Measures in a process of its own.
fn send(task: &Task) -> Result<Measured> {
    let output = Command::new(env::current_exe()?).args(["send", &serde_json::to_string(task)?]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
