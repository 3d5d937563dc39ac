//! The tool, watched from outside while it runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Options, Result, process::cpu_seconds};

/// What one run of the tool took.
#[derive(Debug, Default)]
pub struct Measured {
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_mib: f64,
    /// The most files and threads that it had at a time, as far as they were seen.
    pub files: usize,
    pub threads: usize,
}

/// Deploys all of them from one process.
pub fn run(folder: &Path, plans: &[PathBuf], options: &Options) -> Result<Measured> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_voyager"));
    command.current_dir(folder).args(["run", "--yes", "--lang", "en"]);
    for plan in plans {
        command.arg("--plan").arg(plan);
    }
    if let Some(to) = &options.to {
        command.args(["--to", to]);
    }
    if let Some(transfers) = &options.transfers {
        command.env("VOYAGER_FLEET_TRANSFERS", transfers);
    }
    let said = folder.join("said.txt");
    let file = fs::File::create(&said)?;
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
    let process = child.id().to_string();
    let mut measured = Measured::default();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // Between its last look and its end a process uses next to nothing.
        measured.look(&process);
        thread::sleep(Duration::from_millis(20));
    };
    measured.seconds = started.elapsed().as_secs_f64();
    if !status.success() {
        let said = fs::read_to_string(said)?;
        // What failed is told before the list of all clusters.
        let failed: Vec<&str> =
            said.lines().skip_while(|line| !line.contains("] failed: ")).take(40).collect();
        return Err(format!("{status}\n{}", failed.join("\n")).into());
    }
    Ok(measured)
}

impl Measured {
    /// A process that has ended has nothing to show.
    fn look(&mut self, process: &str) {
        if let Ok(seconds) = cpu_seconds(process, 14) {
            self.cpu_seconds = seconds;
        }
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        if let Some(kib) = figure("VmHWM:") {
            self.peak_mib = kib / 1024.0;
        }
        self.threads = self.threads.max(figure("Threads:").unwrap_or(0.0) as usize);
        let files = fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
        self.files = self.files.max(files);
    }
}
