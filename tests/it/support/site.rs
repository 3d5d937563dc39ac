//! A simulated site inside the test process, with the folder a field engineer would work in.

use std::{
    fs,
    path::{Path, PathBuf},
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
    tool::{Ran, Voyager, project},
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
const PATIENCE: Duration = Duration::from_secs(120);

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
        fs::write(folder.path().join("plan.xlsx"), &self.plan).expect("the plan is written");
        link_media(folder.path());
        fs::write(folder.path().join("voyager.toml"), CONFIGURATION).expect("the configuration is written");
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
        let plan = fs::read(path).expect("the workbook is read");
        SiteBuilder { plan, scenario: String::new() }
    }

    /// The site of `examples/plan.xlsx`.
    pub fn example() -> SiteBuilder {
        Self::of_file(&project("examples/plan.xlsx"))
    }

    /// The example site after an undisturbed run, with the folder that the run left.
    pub fn finished() -> Self {
        Self::restored(&undisturbed().after)
    }

    /// A site and a folder as they were when `snapshot` was taken.
    pub fn restored(snapshot: &Snapshot) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, content) in &snapshot.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
            fs::write(path, content).expect("a file is written");
        }
        link_media(folder.path());
        let start = Start::Snapshot(snapshot.site.clone());
        Self { running: Some(run(start, "", SPEED)), folder }
    }

    /// Saves site and folder, without the logs of earlier runs: nothing reads them again.
    pub fn snapshot(&self) -> Snapshot {
        let kept = tempfile::tempdir().expect("a temporary folder");
        let site = kept.path().join("site.json");
        self.running().save(&site).expect("the site is saved");
        let mut files = files_below(self.folder.path());
        files.retain(|path| path.extension().is_none_or(|kind| kind != "log"));
        let relative = |path: &Path| path.strip_prefix(self.folder.path()).expect("below").to_owned();
        let files = files
            .into_iter()
            .map(|path| (relative(&path), fs::read(path).expect("a file is read")))
            .collect();
        Snapshot { site: fs::read_to_string(site).expect("the snapshot is read"), files }
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

/// A site and its folder at one moment; in memory, so that what outlives a test leaves nothing behind.
pub struct Snapshot {
    site: String,
    files: Vec<(PathBuf, Vec<u8>)>,
}

/// What one undisturbed run did to the example site.
pub struct Undisturbed {
    pub ran: Ran,
    pub after: Snapshot,
    pub ledger: Ledger,
    pub requests: Vec<Request>,
    pub state: Value,
}

/// Made once for all tests of the process that only look at its results, or go on from them.
pub fn undisturbed() -> &'static Undisturbed {
    static UNDISTURBED: OnceLock<Undisturbed> = OnceLock::new();
    UNDISTURBED.get_or_init(|| {
        let site = SimulatedSite::example().start();
        let ran = site.run().run().exits_with(0);
        Undisturbed {
            ran,
            after: site.snapshot(),
            ledger: site.ledger(),
            requests: site.requests(),
            state: site.state(),
        }
    })
}

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

/// Media of a rehearsal: two images of a little over three and two chunks. Made once, shared by all sites.
fn link_media(folder: &Path) {
    static MEDIA: OnceLock<PathBuf> = OnceLock::new();
    let media = MEDIA.get_or_init(|| {
        let media = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media");
        fs::create_dir_all(&media).expect("the media folder is made");
        image(&media.join("SMTX_VMTOOLS-4.1.0-2601010000.iso"), 3 * (8 << 20) + 12_345, 2_654_435_761);
        image(&media.join("cloudtower-v4.6.2.oe2003.x86_64.iso"), 2 * (8 << 20) + 54_321, 2_246_822_519);
        media
    });
    std::os::unix::fs::symlink(media, folder.join("media")).expect("the media are linked");
}

/// A file of `size` bytes without a pattern that a misplaced chunk could hide in.
fn image(path: &Path, size: u32, factor: u32) {
    let bytes: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(factor) >> 24) as u8).collect();
    // Another test process may be reading it.
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return;
    }
    let folder = path.parent().and_then(Path::parent).expect("a folder");
    let part = tempfile::NamedTempFile::new_in(folder).expect("a file");
    fs::write(part.path(), bytes).expect("the image is written");
    part.persist(path).expect("the image is in place");
}

/// Every file below `folder`; links are not followed.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder is read") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("a file type");
        if kind.is_dir() {
            files.extend(files_below(&entry.path()));
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files
}
