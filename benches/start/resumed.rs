//! A site on which everything is done, and runs that find it so.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{BINARY, Result, door::Door};

/// Site seconds per second: what is waited for is of no interest here.
const SPEED: &str = "2000";

pub struct Resumed {
    folder: tempfile::TempDir,
    site: Child,
    door: Door,
}

impl Resumed {
    /// Runs every stage of the plan at a simulated site of its own.
    pub fn after_a_whole_run(plan: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::copy(plan, folder.path().join("plan.xlsx"))?;
        let mut site = Command::new(BINARY)
            .current_dir(folder.path())
            .args(["simulate", "--plan", "plan.xlsx", "--speed", SPEED, "--output", "json"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(site.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let hello: Value = serde_json::from_str(&line)?;
        let door = Door::before(hello["proxy"].as_str().ok_or("no proxy in the site's first line")?)?;
        let resumed = Self { folder, site, door };
        resumed.run()?;
        Ok(resumed)
    }

    /// From the start of a run to its first connection. The run then goes on to its end, which must be a good one.
    pub fn first_call(&self) -> Result<Duration> {
        let begin = self.run()?;
        let first = self.door.entered.try_iter().find(|entered| *entered > begin);
        Ok(first.ok_or("the run called nobody")? - begin)
    }

    /// A whole run; answers when it was started.
    fn run(&self) -> Result<Instant> {
        let begin = Instant::now();
        let output = Command::new(BINARY)
            .current_dir(self.folder.path())
            .args(["run", "--plan", "plan.xlsx", "--proxy", &self.door.proxy, "--yes"])
            .output()?;
        match output.status.success() {
            true => Ok(begin),
            false => Err(format!(
                "the run ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            )
            .into()),
        }
    }
}

impl Drop for Resumed {
    fn drop(&mut self) {
        // As Ctrl-C does; the table has been made either way.
        let _ = kill_process(Pid::from_child(&self.site), Signal::INT);
        let _ = self.site.wait();
    }
}
