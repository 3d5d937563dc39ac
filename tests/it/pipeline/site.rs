//! A simulated site inside the test process, and the folder of the engineer who works on it.

use std::{
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::runtime::Runtime;
use voyager::{
    cli::twin::twin_plan,
    plan::{self, CheckOptions},
    sim::{self, Ledger, Running, SimOptions, Start, fault::Fault},
};

use crate::support::{tool::Voyager, workbook::Workbook};

/// Fast enough that a deployment takes a moment, slow enough that every phase is seen.
const SPEED: f64 = 2000.0;

/// A condition that takes longer than this never comes true.
const PATIENCE: Duration = Duration::from_secs(120);

/// A site in operation, and the operator's folder with `plan.xlsx` and `media/`.
pub struct Site {
    running: Option<Running>,
    pub folder: TempDir,
}

impl Site {
    /// The fresh site that this workbook describes.
    pub fn of(workbook: &Workbook) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        workbook.write(folder.path(), "plan.xlsx");
        write_media(&folder.path().join("media"));
        // Limits never scale with the speed of a rehearsal, so a test sets the one that matters.
        let configuration = "[limits]\nsilent_probe = \"1s\"\n";
        std::fs::write(folder.path().join("voyager.toml"), configuration).expect("it is written");
        let checked = plan::check_bytes(&workbook.bytes(), "plan.xlsx", &CheckOptions::default());
        let plan = checked.plan.expect("the workbook is a valid plan");
        let start = Start::Fresh(Box::new(twin_plan(&plan)));
        let options = SimOptions { speed: SPEED, ..SimOptions::default() };
        let running = runtime().block_on(sim::start(start, options)).expect("the site starts");
        Self { running: Some(running), folder }
    }

    /// The site of `examples/plan.xlsx`.
    pub fn example() -> Self {
        Self::of(&Workbook::good())
    }

    /// `voyager run` on this site, without questions.
    pub fn run(&self) -> Voyager {
        let proxy = self.running().proxy_url();
        let args = ["run", "--plan", "plan.xlsx", "--proxy", &proxy, "--media", "media", "--yes"];
        Voyager::within(self.folder.path()).args(args)
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the site runs")
    }

    pub fn ledger(&self) -> Ledger {
        self.running().ledger()
    }

    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.running().set_faults(faults);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            runtime().block_on(running.shutdown());
        }
    }
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

/// One runtime for all sites of the test process.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

/// A tools image of a little over three chunks.
fn write_media(media: &Path) {
    std::fs::create_dir(media).expect("the media folder is made");
    let size = 3 * (8 << 20) + 12_345_u32;
    let bytes: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(media.join("SMTX_VMTOOLS-4.1.0-2601010000.iso"), bytes).expect("it is written");
}
