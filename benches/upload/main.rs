//! `cargo bench --bench upload [-- --gib N]`: how fast an upload is and what it costs (docs/performance.md).
//!
//! Everything stays on the loopback: the simulated site is a process of its own, and so is each sender, whose peak
//! memory and CPU time are then its own.

mod sender;
mod site;

use std::{env, error::Error, path::Path, process::Command};

use serde::{Deserialize, Serialize};

use site::{Moment, Server};

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
    file: std::path::PathBuf,
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

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("send") => sender::main(&arguments[1]),
        _ => {
            let size = arguments.iter().position(|argument| argument == "--gib");
            let gib = size.and_then(|at| arguments.get(at + 1)).map_or(Ok(4.0), |gib| gib.parse())?;
            measure_all(gib)
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is what the command is for")]
fn measure_all(gib: f64) -> Result<()> {
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared)? } else { tempfile::tempdir()? };
    let moment = Moment::after_deployment(folder.path())?;
    // Holes read as zeros; digests and the wire do not care.
    let file = folder.path().join("image.iso");
    std::fs::File::create(&file)?.set_len((gib * f64::from(1 << 30)) as u64)?;
    println!("| scheme | digests | ms a chunk | way | MiB/s | × one | × plain | peak MiB | CPU s/GiB |");
    println!("|---|---|--:|---|--:|--:|--:|--:|--:|");
    for https in [false, true] {
        for digests in [false, true] {
            let row = |server: &Server, way| {
                let task = Task {
                    proxy: server.proxy.clone(),
                    address: moment.vip,
                    password: moment.password.clone(),
                    https,
                    way,
                    digests,
                    file: file.clone(),
                };
                send(&task)
            };
            let show = |ms: u32, way: &str, measured: &Measured, one: f64, plain: f64| {
                let scheme = if https { "https" } else { "http" };
                let digests = if digests { "on" } else { "off" };
                let Measured { seconds, cpu_seconds, peak_mib, .. } = measured;
                println!(
                    "| {scheme} | {digests} | {ms} | {way} | {:.0} | {:.2} | {:.2} | {peak_mib:.0} | {:.2} |",
                    gib * 1024.0 / seconds,
                    one / seconds,
                    plain / seconds,
                    cpu_seconds / gib,
                );
            };
            let server = moment.start(0, digests)?;
            let plain = row(&server, Way::Plain)?;
            server.stop()?;
            for ms in [0, 10, 30] {
                let server = moment.start(ms, digests)?;
                let (one, window) = (row(&server, Way::One)?, row(&server, Way::Window)?);
                if ms == 0 {
                    show(0, "plain stream", &plain, one.seconds, plain.seconds);
                }
                show(ms, "one in flight", &one, one.seconds, plain.seconds);
                show(ms, "window", &window, one.seconds, plain.seconds);
                server.stop()?.check(&[one, window], digests)?;
            }
        }
    }
    Ok(())
}

/// Measures in a process of its own.
fn send(task: &Task) -> Result<Measured> {
    let output = Command::new(env::current_exe()?).args(["send", &serde_json::to_string(task)?]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
