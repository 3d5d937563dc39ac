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

    /// Starts it; the plan lies in the operator's folder as `plan.xlsx`, the images in `media/`.
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
        Self::restored_with(snapshot, &[])
    }

    /// The same with changes to the site's state, by JSON pointer: `/quirks/guest/stock_iso`.
    pub fn restored_with(snapshot: &Snapshot, changes: &[(&str, Value)]) -> Self {
        Self::restored_at(snapshot, SPEED, changes)
    }

    /// The same at another speed, where something of the machine's own takes part.
    pub fn restored_at(snapshot: &Snapshot, speed: f64, changes: &[(&str, Value)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        snapshot.write_files(folder.path());
        link_media(folder.path());
        let mut site: Value = serde_json::from_str(&snapshot.site).expect("a snapshot is JSON");
        for (pointer, value) in changes {
            let known = site["state"].pointer_mut(pointer);
            *known.unwrap_or_else(|| panic!("no {pointer} in the snapshot")) = value.clone();
        }
        let start = Start::Snapshot(site.to_string());
        Self { running: Some(run(start, "", speed)), folder }
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

    /// From now on nobody counts as silent who answers within five seconds: for runs that do not wait for free addresses,
    /// and must not fail on a busy machine.
    pub fn be_patient(&self) {
        let patient = CONFIGURATION.replace("silent_probe = \"1s\"", "silent_probe = \"5s\"");
        fs::write(self.folder.path().join("voyager.toml"), patient).expect("the configuration is written");
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the site runs")
    }

    /// `voyager run` on this site, without questions.
    pub fn run(&self) -> Voyager {
        self.run_through(&self.running().proxy_url())
    }

    /// The same through another proxy.
    pub fn run_through(&self, proxy: &str) -> Voyager {
        self.voyager_through("run", proxy).args(["--media", "media", "--yes"])
    }

    /// `voyager COMMAND --plan plan.xlsx --proxy …` in the operator's folder.
    pub fn voyager(&self, command: &str) -> Voyager {
        self.voyager_through(command, &self.running().proxy_url())
    }

    fn voyager_through(&self, command: &str, proxy: &str) -> Voyager {
        Voyager::within(self.folder.path()).args([command, "--plan", "plan.xlsx", "--proxy", proxy])
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

impl Snapshot {
    /// The site alone, as a snapshot file holds it.
    pub fn site(&self) -> &str {
        &self.site
    }

    /// Puts the operator's folder back to that moment, whatever became of the site since.
    pub fn put_back(&self, folder: &Path) {
        fs::remove_dir_all(folder.join("artifacts")).expect("the artifacts are there");
        self.write_files(folder);
    }

    /// The file of that name, wherever it lies in the operator's folder.
    pub fn file(&self, name: &str) -> &[u8] {
        let found = self.files.iter().find(|(path, _)| path.file_name().is_some_and(|file| file == name));
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }

    fn write_files(&self, folder: &Path) {
        for (path, content) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
            fs::write(path, content).expect("a file is written");
        }
    }
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

/// The twin that a workbook describes.
pub fn twin_of(workbook: &[u8]) -> TwinPlan {
    let checked = plan::check_bytes(workbook, "plan.xlsx", &plan::CheckOptions::default());
    twin_plan(&checked.plan.expect("the workbook is a valid plan"))
}

/// Media of a rehearsal: images and packages of some chunks and a little more. Made once, shared by all sites.
fn link_media(folder: &Path) {
    static MEDIA: OnceLock<PathBuf> = OnceLock::new();
    let media = MEDIA.get_or_init(|| {
        let media = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media");
        fs::create_dir_all(&media).expect("the media folder is made");
        keep(&media.join("SMTX_VMTOOLS-4.1.0-2601010000.iso"), || image_bytes(3 * (8 << 20) + 12_345, 1));
        keep(&media.join(TOWER_ISO), || image_bytes(4 * (8 << 20) + 54_321, 3));
        keep(&media.join(OBSERVABILITY), || package_bytes(2 * (4 << 20) + 54_321, 4));
        keep(&media.join(BACKUP_FILE), || package_bytes(2 * (4 << 20) + 23_456, 5));
        keep(&media.join(FILE_STORAGE_FILE), || package_bytes((8 << 20) + 34_567, 7));
        keep(&media.join(KUBERNETES_FILE), || package_bytes(45_678, 9));
        keep(&media.join(EVEROUTE_FILE), || package_bytes(56_789, 11));
        media
    });
    std::os::unix::fs::symlink(media, folder.join("media")).expect("the media are linked");
}

/// The CloudTower image of a rehearsal: a little over four chunks.
pub const TOWER_ISO: &str = "cloudtower-v4.7.1.oe2003.x86_64.iso";

/// The Observability package of a rehearsal: a little over two chunks.
pub const OBSERVABILITY: &str = "Observability-X86_64-v1.4.1-release.20250901-77.tar.gz";
/// The packages of a rehearsal: a little over two chunks, over one, and one alone; the last is never sent.
pub const BACKUP_FILE: &str = "smtx-backup-dr-x86_64-2.2.0.tar.gz";
pub const FILE_STORAGE_FILE: &str = "SFS-X86_64-v1.1.0-release.20250801-12.tar.gz";
pub const KUBERNETES_FILE: &str = "SKS-X86_64-v1.5.0-release.20250715-8.tar.gz";
pub const EVEROUTE_FILE: &str = "ER-X86_64-v3.2.0-release.20250620-21.tar.gz";

/// Writes a file in place at once: another test process may be reading it.
fn keep(path: &Path, bytes: impl FnOnce() -> Vec<u8>) {
    let bytes = bytes();
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return;
    }
    let folder = path.parent().and_then(Path::parent).expect("a folder");
    let part = tempfile::NamedTempFile::new_in(folder).expect("a file");
    fs::write(part.path(), bytes).expect("the image is written");
    part.persist(path).expect("the image is in place");
}

/// Bytes without a pattern that begin as a gzip file does.
pub fn package_bytes(size: u32, seed: u32) -> Vec<u8> {
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_mul(2 * seed + 1) >> 24) as u8;
    let mut bytes: Vec<u8> = (0..size).map(noise).collect();
    bytes[..2].copy_from_slice(b"\x1f\x8b");
    bytes
}

/// Bytes without a pattern under the header of an ISO 9660 image of that length.
pub fn image_bytes(size: u32, seed: u32) -> Vec<u8> {
    let noise = |at: u32| (at.wrapping_mul(2_654_435_761).wrapping_mul(2 * seed + 1) >> 24) as u8;
    let mut bytes: Vec<u8> = (0..size).map(noise).collect();
    let descriptor = &mut bytes[16 * 2048..];
    descriptor[..6].copy_from_slice(b"\x01CD001");
    descriptor[80..84].copy_from_slice(&(size / 2048).to_le_bytes());
    descriptor[128..130].copy_from_slice(&2048u16.to_le_bytes());
    bytes
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
