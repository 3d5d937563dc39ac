//! A simulated site inside the test process, with the folder a field engineer would work in.

use std::{
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use voyager::{
    cli::twin::twin_plan,
    plan,
    sim::{
        self, FaultFile, Ledger, Request, Running, SimOptions, Start, TwinPlan, fault::Fault, hold::Release,
    },
};

use super::{
    tool::{Voyager, project},
    workbook::Workbook,
};

/// Fast enough that a whole deployment takes a moment, slow enough that every phase is seen.
pub const SPEED: f64 = 2000.0;

/// Transport limits never scale with the speed of a rehearsal, so tests set them short; not so short that a live host
/// on a busy machine counts as silent.
const CONFIGURATION: &str = r#"
[limits]
connect = "1500ms"
first_byte = "5s"
silent_probe = "1s"
"#;

/// A condition that takes longer than this never comes true.
const PATIENCE: Duration = Duration::from_secs(60);

/// A site in operation and the operator's folder beside it.
pub struct SimulatedSite {
    running: Option<Running>,
    pub folder: TempDir,
}

/// What a site starts from, put together by the test.
pub struct SiteBuilder {
    plan: Vec<u8>,
    scenario: String,
}

impl SiteBuilder {
    /// Faults, durations and quirks, as a scenario file would hold them.
    pub fn scenario(mut self, toml: &str) -> Self {
        self.scenario.push_str(toml);
        self.scenario.push('\n');
        self
    }

    /// Starts it; the plan lies in the operator's folder as `plan.xlsx`, the tools image in `media/`.
    pub fn start(self) -> SimulatedSite {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("plan.xlsx"), &self.plan).expect("the plan is written");
        write_media(folder.path());
        std::fs::write(folder.path().join("voyager.toml"), CONFIGURATION)
            .expect("the configuration is written");
        let start = Start::Fresh(Box::new(twin_of(&self.plan)));
        SimulatedSite { running: Some(run(start, &self.scenario, SPEED)), folder }
    }
}

impl SimulatedSite {
    /// The site that this workbook describes.
    pub fn of(plan: &Workbook) -> SiteBuilder {
        SiteBuilder { plan: plan.bytes(), scenario: String::new() }
    }

    /// The site that the workbook file at `path` describes.
    pub fn of_file(path: &Path) -> SiteBuilder {
        let plan = std::fs::read(path).expect("the workbook is read");
        SiteBuilder { plan, scenario: String::new() }
    }

    /// The site of `examples/plan.xlsx`.
    pub fn example() -> SiteBuilder {
        Self::of_file(&project("examples/plan.xlsx"))
    }

    /// A site and a folder as they were when `snapshot` was taken.
    pub fn restored(snapshot: &Snapshot) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_tree(snapshot.0.path().join("folder").as_path(), folder.path());
        let text =
            std::fs::read_to_string(snapshot.0.path().join("site.json")).expect("the snapshot is read");
        Self { running: Some(run(Start::Snapshot(text), "", SPEED)), folder }
    }

    /// Saves site and folder.
    pub fn snapshot(&self) -> Snapshot {
        let kept = tempfile::tempdir().expect("a temporary folder");
        self.running().save(&kept.path().join("site.json")).expect("the site is saved");
        copy_tree(self.folder.path(), &kept.path().join("folder"));
        Snapshot(kept)
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the site runs")
    }

    /// `voyager run` on this site, without questions.
    pub fn run(&self) -> Voyager {
        self.voyager("run").args(["--media", "media", "--yes"])
    }

    /// `voyager COMMAND --plan plan.xlsx --proxy …` in the operator's folder.
    pub fn voyager(&self, command: &str) -> Voyager {
        let proxy = self.running().proxy_url();
        Voyager::within(self.folder.path()).args([command, "--plan", "plan.xlsx", "--proxy", &proxy])
    }

    pub fn ledger(&self) -> Ledger {
        self.running().ledger()
    }

    pub fn requests(&self) -> Vec<Request> {
        self.running().requests()
    }

    /// The site's end state, comparable between runs.
    pub fn state(&self) -> Value {
        self.running().site_state()
    }

    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.running().set_faults(faults);
    }

    /// Waits until the site holds a request.
    pub fn until_held(&self) {
        until("a request is held", || !self.running().site().holds.list().is_empty());
    }

    /// Lets every held request go on.
    pub fn release(&self) {
        self.running().site().holds.release(None, Release::Continue);
    }
}

impl Drop for SimulatedSite {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            runtime().block_on(running.shutdown());
        }
    }
}

/// A site and its folder at one moment.
pub struct Snapshot(TempDir);

/// Waits until `condition` holds.
#[track_caller]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "never came true: {what}");
        std::thread::yield_now();
    }
}

fn run(start: Start, scenario: &str, speed: f64) -> Running {
    let scenario = FaultFile::parse(scenario).expect("the scenario is well formed");
    let options = SimOptions { speed, scenario, ..SimOptions::default() };
    runtime().block_on(sim::start(start, options)).expect("the site starts")
}

/// One runtime for all sites of the test process.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

fn twin_of(workbook: &[u8]) -> TwinPlan {
    let checked = plan::check_bytes(workbook, "plan.xlsx", &plan::CheckOptions::default());
    twin_plan(&checked.plan.expect("the workbook is a valid plan"))
}

/// Media of a rehearsal: a tools image of a little over three chunks.
fn write_media(folder: &Path) {
    let media = folder.join("media");
    std::fs::create_dir(&media).expect("the media folder is made");
    let bytes: Vec<u8> =
        (0..3 * (8 << 20) + 12_345u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(media.join("SMTX_VMTOOLS-4.1.0-2601010000.iso"), bytes)
        .expect("the tools image is written");
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder is made");
    for entry in std::fs::read_dir(from).expect("the folder is read") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a file type").is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("a file is copied")),
        }
    }
}
