//! The simulated sites: a process of their own with a twin for every plan.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use voyager::{
    cli::twin::twin_plan,
    plan::{CheckOptions, check},
    sim::{self, SimOptions, Start},
};

use super::{Result, process::cpu_seconds};

/// The process, seen from the bench.
pub struct Sites {
    child: Child,
    output: BufReader<ChildStdout>,
    /// One for each plan, in their order.
    pub proxies: Vec<String>,
}

/// What all sites counted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Sites whose cluster was deployed exactly once.
    pub deployed: usize,
    pub breaches: usize,
    pub cpu_seconds: f64,
}

impl Sites {
    pub fn start(speed: f64, plans: &[PathBuf]) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("sites").arg(speed.to_string()).args(plans);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        Ok(Self { child, output, proxies: serde_json::from_str(&line)? })
    }

    /// Ends when its input does.
    pub fn stop(mut self) -> Result<Counted> {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        self.child.wait()?;
        Ok(serde_json::from_str(&rest)?)
    }
}

/// The process itself.
pub fn main(arguments: &[String]) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    let (speed, plans) = arguments.split_first().ok_or("no speed")?;
    let speed: f64 = speed.parse()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut sites = Vec::new();
        for plan in plans {
            let plan = check(plan.as_ref(), &CheckOptions::default()).plan.ok_or("a plan is not valid")?;
            let options = SimOptions { speed, ..SimOptions::default() };
            sites.push(sim::start(Start::Fresh(Box::new(twin_plan(&plan))), options).await?);
        }
        let proxies: Vec<String> = sites.iter().map(sim::Running::proxy_url).collect();
        tell(&proxies)?;
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
        let mut counted = Counted::default();
        for site in sites {
            let ledger = site.ledger();
            counted.deployed += usize::from(ledger.deployments.count == 1);
            counted.breaches += ledger.breaches.len();
            site.shutdown().await;
        }
        counted.cpu_seconds = cpu_seconds("self", 14)?;
        tell(&counted)
    })
}

fn tell(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(value)?)?;
    Ok(out.flush()?)
}
