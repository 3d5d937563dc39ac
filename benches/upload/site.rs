//! The simulated site of the measurement: deployed once, then started anew from that moment.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use voyager::plan;

use super::{Measured, Result, Row};

const BINARY: &str = env!("CARGO_BIN_EXE_voyager");

/// A site whose VIP is up, as a snapshot.
pub struct Moment {
    folder: PathBuf,
    snapshot: Value,
    pub vip: Ipv4Addr,
    pub password: String,
}

/// `voyager simulate` in operation.
pub struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    pub proxy: String,
}

/// What a server counted.
pub struct Counted(Value);

impl Moment {
    /// Deploys the site of the example plan with the tool itself, up to its VIP.
    pub fn after_deployment(folder: &Path) -> Result<Self> {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/plan.xlsx");
        let (workbook, snapshot) = (folder.join("plan.xlsx"), folder.join("snapshot.json"));
        fs::copy(example, &workbook)?;
        let plan =
            plan::check(&workbook, &plan::CheckOptions::default()).plan.ok_or("the plan is not valid")?;
        let server = Server::start(Command::new(BINARY).current_dir(folder).args([
            "simulate",
            "--plan",
            "plan.xlsx",
            "--speed",
            "2000",
            "--save",
            "snapshot.json",
        ]))?;
        // Killed on purpose once the VIP is there: what comes after it is of no use here.
        Command::new(BINARY)
            .current_dir(folder)
            .args(["run", "--plan", "plan.xlsx", "--proxy", &server.proxy, "--yes"])
            .args(["--in-order", "--crash-at", "config-cluster.dns:before-intent"])
            .output()?;
        server.stop()?;
        let vip = plan.cluster.vip.value;
        let password = plan.cluster.admin_password.value.expose().clone();
        let snapshot: Value = serde_json::from_slice(&fs::read(snapshot)?)?;
        if snapshot["state"]["cluster"]["vip"].is_null() {
            return Err("the rehearsal did not come as far as the VIP".into());
        }
        Ok(Self { folder: folder.to_owned(), snapshot, vip, password })
    }

    /// The site in real time: so many milliseconds a chunk, also over http, with digests or without.
    pub fn start(&self, ms: u32, digests: bool) -> Result<Server> {
        let mut snapshot = self.snapshot.clone();
        let state = &mut snapshot["state"];
        state["durations"]["chunk"] = json!(f64::from(ms) / 1000.0);
        state["quirks"]["lenient"] = json!(true);
        state["quirks"]["uploads"]["digests"] = json!(digests);
        let path = self.folder.join("start.json");
        fs::write(&path, snapshot.to_string())?;
        // What is uploaded lies in memory: a disk would be measured otherwise.
        Server::start(
            Command::new(BINARY).env("TMPDIR", &self.folder).arg("simulate").arg("--load").arg(path),
        )
    }
}

impl Server {
    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.args(["--output", "json"]).stdout(Stdio::piped()).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let hello: Value = serde_json::from_str(&line)?;
        let proxy = hello["proxy"].as_str().ok_or("no proxy in the site's first line")?.to_owned();
        Ok(Self { child, output, proxy })
    }

    /// Stops it as Ctrl-C does.
    pub fn stop(mut self) -> Result<Counted> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        self.child.wait()?;
        let last = rest.lines().last().unwrap_or("{}");
        Ok(Counted(serde_json::from_str(last)?))
    }
}

impl Counted {
    /// Each upload of the same file was stored whole, as it was sent.
    pub fn check(&self, rows: &[Row], digests: bool) -> Result<()> {
        let sent: Vec<&Measured> = rows.iter().flat_map(|row| &row.runs).collect();
        let volumes = self.0["ledger"]["volumes"].as_object().ok_or("no volumes in the ledger")?;
        let whole = |volume: &&Value| {
            let same = |sent: &&Measured| json!(sent.sha256) == volume["sha256"];
            volume["bytes"] == volume["size"]
                && volume["open"] == false
                && (!digests || sent.iter().any(same))
        };
        match volumes.values().filter(whole).count() == sent.len() && volumes.len() == sent.len() {
            true => Ok(()),
            false => Err(format!("not every upload is whole: {volumes:?}").into()),
        }
    }
}
