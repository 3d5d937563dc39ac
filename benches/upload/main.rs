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
    /// How often each row is measured; the median is shown.
    runs: usize,
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
        runs: after("--runs").map_or(Ok(1), |runs| runs.parse())?,
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
        let mut plain = f64::NAN;
        for ms in [0, 10, 30] {
            let server = self.moment.start(ms, digests)?;
            let ways =
                if ms == 0 { &[Way::Plain, Way::One, Way::Window][..] } else { &[Way::One, Way::Window] };
            let rows = self.rows(&server.proxy, ways, https, digests)?;
            let one = rows[rows.len() - 2].seconds;
            if ms == 0 {
                plain = rows[0].seconds;
            }
            for (way, row) in ways.iter().zip(&rows) {
                let (scheme, digests, way) = (scheme(https), if digests { "on" } else { "off" }, way.name());
                let Measured { seconds, .. } = row;
                println!(
                    "| {scheme} | {digests} | {ms} | {way} | {:.0} | {:.2} | {:.2} | {} |",
                    self.wanted.gib * 1024.0 / seconds,
                    one / seconds,
                    plain / seconds,
                    row.cost(self.wanted.gib),
                );
            }
            server.stop()?.check(&rows[rows.len() - 2..], 2 * self.wanted.runs, digests)?;
        }
        Ok(())
    }

    /// Over a link of a gigabit a second, 30 ms a chunk.
    #[expect(clippy::print_stdout, reason = "the tables are what the command is for")]
    fn gigabit(&self, https: bool) -> Result<()> {
        let server = self.moment.start(30, true)?;
        let shaped = link::to(&server.proxy, GIGABIT)?;
        let ways = [Way::One, Way::Window];
        let rows = self.rows(&shaped, &ways, https, true)?;
        let line = GIGABIT / 8.0 / f64::from(1 << 30);
        for (way, row) in ways.iter().zip(&rows) {
            println!(
                "| {} | on | 1 Gbit/s | 30 | {} | {:.0} | {:.3} | {} |",
                scheme(https),
                way.name(),
                self.wanted.gib * 1024.0 / row.seconds,
                self.wanted.gib / row.seconds / line,
                row.cost(self.wanted.gib),
            );
        }
        server.stop()?.check(&rows, 2 * self.wanted.runs, true)
    }

    /// The medians of the ways, measured in turn.
    fn rows(&self, proxy: &str, ways: &[Way], https: bool, digests: bool) -> Result<Vec<Measured>> {
        let mut measured: Vec<Vec<Measured>> = ways.iter().map(|_| Vec::new()).collect();
        for _ in 0..self.wanted.runs.max(1) {
            for (way, all) in ways.iter().zip(&mut measured) {
                all.push(send(&Task {
                    proxy: proxy.to_owned(),
                    address: self.moment.vip,
                    password: self.moment.password.clone(),
                    https,
                    way: *way,
                    digests,
                    file: self.file.clone(),
                })?);
            }
        }
        let median = |mut all: Vec<Measured>| {
            all.sort_by(|left, right| left.seconds.total_cmp(&right.seconds));
            all.swap_remove(all.len() / 2)
        };
        Ok(measured.into_iter().map(median).collect())
    }
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

impl Measured {
    /// The last two cells of a row.
    fn cost(&self, gib: f64) -> String {
        format!("{:.0} | {:.2}", self.peak_mib, self.cpu_seconds / gib)
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
