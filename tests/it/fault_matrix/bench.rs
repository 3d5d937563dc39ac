//! A site at a moment of its life, the clients of a run, and one fault.

use std::{
    cell::{Cell, RefCell},
    net::Ipv4Addr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use voyager::{
    clients::{
        dial::Dialler,
        fisheye::{Addresses, Fisheye},
        http::{Http, Pause},
        limits::Limits,
        proxy::Proxy,
        redact::Redactor,
        tower::{Find, Tower, WebAccess},
        trust::{InMemory, Mode, TrustStore},
        wire::{Memory, Wire},
    },
    failure::Result,
    plan::{self, Plan},
    secret::Secret,
    sim::{self, FaultFile, Request, Running, SimOptions, Site, Start, fault::Fault},
};

use super::kinds::Trouble;
use crate::{
    client_and_site::{PASSWORD, deploy_request},
    simulated_site,
    support::{
        site::{SimulatedSite, undisturbed},
        tool::project,
    },
};

/// Where in its life the site is when the fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The made-up plan of `simulated_site`: hosts fresh from their installation.
    Bare,
    /// The same, with a cluster and without an account.
    Deployed,
    /// The same, with its account and VIP.
    Configured,
    /// The example: CloudTower answers, and nobody has been there yet.
    NewTower,
    /// The example: everything but the cluster is set up in CloudTower.
    Unattached,
    /// The example after a whole run.
    Finished,
}

impl Phase {
    /// Brings sites to all these moments, side by side: while a cell waits nothing else may take its time.
    pub fn reach(phases: impl IntoIterator<Item = Self>) {
        std::thread::scope(|scope| {
            for phase in phases {
                scope.spawn(move || phase.snapshot());
            }
        });
    }

    fn snapshot(self) -> &'static str {
        static KEPT: [OnceLock<String>; 6] = [const { OnceLock::new() }; 6];
        // The matrix runs on a runtime, and what makes the snapshot needs one of its own.
        let make = || {
            let crashed = |step: &str| {
                let site = SimulatedSite::example().start();
                let ran = site.run().args(["--crash-at", &format!("{step}:before-intent")]).run();
                assert_eq!(ran.status.code(), None, "{ran}");
                quick(site.snapshot().site())
            };
            match self {
                Self::Bare | Self::Deployed | Self::Configured => quick(&made_up(self)),
                Self::NewTower => crashed("deploy-cloudtower.account"),
                Self::Unattached => crashed("attach-cluster.cluster"),
                Self::Finished => quick(undisturbed().after.site()),
            }
        };
        KEPT[self as usize]
            .get_or_init(|| std::thread::scope(|scope| scope.spawn(make).join().expect("no panic")))
    }

    fn example(self) -> bool {
        matches!(self, Self::NewTower | Self::Unattached | Self::Finished)
    }
}

/// Nothing is answered late, no fault is left, and what was asked on the way there is forgotten.
fn quick(snapshot: &str) -> String {
    let mut whole: Value = serde_json::from_str(snapshot).expect("a snapshot is JSON");
    for name in ["host_scan", "deploy_answer", "vlan_create", "cpu_model", "chunk"] {
        whole["state"]["durations"][name] = json!(0.0);
    }
    whole["state"]["faults"] = json!([]);
    whole["state"]["requests"] = json!([]);
    whole.to_string()
}

fn made_up(phase: Phase) -> String {
    let work = async {
        let plan = Start::Fresh(Box::new(simulated_site::plan()));
        let scenario = FaultFile::parse(simulated_site::QUICK).expect("a scenario");
        let options = SimOptions { scenario, ..SimOptions::default() };
        let site = sim::start(plan, options).await.expect("the site starts");
        let bench = Bench::with(site, phase, None, 0, Limits::default());
        let (fisheye, clock) = (&bench.fisheye, &bench.site.site().clock);
        if phase != Phase::Bare {
            bench.deploy().await.expect("deployed");
            clock.advance(Duration::from_secs(1300));
        }
        if phase == Phase::Configured {
            fisheye.set_up_root().await.expect("an account");
            fisheye.set_vip(fisheye.addresses().vip).await.expect("a VIP");
            clock.advance(Duration::from_secs(60));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("site.json");
        bench.site.save(&path).expect("saved");
        std::fs::read_to_string(path).expect("read")
    };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(work)
}

/// The example's plan.
pub fn planned() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let bytes = std::fs::read(project("examples/plan.xlsx")).expect("the workbook is read");
        plan::check_bytes(&bytes, "plan.xlsx", &plan::CheckOptions::default()).plan.expect("a valid plan")
    })
}

/// Lets the site's time pass instead of ours, and notes the pauses.
struct SiteTime(Arc<Site>, Arc<Mutex<Vec<Duration>>>);

impl Pause for SiteTime {
    fn pause(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.0.clock.advance(time);
        self.1.lock().expect("no panic").push(time);
        Box::pin(async {})
    }
}

fn http(
    site: &Running,
    trust: &TrustStore,
    transcript: &Memory,
    pauses: &Arc<Mutex<Vec<Duration>>>,
    limits: Limits,
) -> Http {
    let wire = Wire::new(transcript.clone(), Redactor::new());
    let dialler = Dialler::through(Proxy::parse(&site.proxy_url()).expect("a proxy"), limits);
    Http::new(dialler, trust.clone(), wire, Arc::new(SiteTime(site.site().clone(), pauses.clone())))
}

/// Addresses and password of the cluster, then of CloudTower.
fn accounts(phase: Phase) -> (Addresses, Secret<String>, Ipv4Addr, Secret<String>) {
    if !phase.example() {
        let node = |number| Ipv4Addr::new(10, 7, 0, number);
        let addresses = Addresses { first: node(11), others: vec![node(12), node(13)], vip: node(20) };
        return (addresses, Secret::from(PASSWORD), node(30), Secret::from("HC!r0cks"));
    }
    let plan = planned();
    let nodes: Vec<Ipv4Addr> = plan.hosts.iter().map(|host| host.mgmt_ip.value).collect();
    let addresses = Addresses { first: nodes[0], others: nodes[1..].to_vec(), vip: plan.cluster.vip.value };
    let web = plan.cloudtower.web_password.value.clone();
    (addresses, plan.cluster.admin_password.value.clone(), plan.cloudtower.ip.value, web)
}

pub struct Bench {
    pub site: Running,
    pub fisheye: Fisheye,
    pub tower: Tower,
    pub transcript: Memory,
    trust: TrustStore,
    limits: Limits,
    phase: Phase,
    pub secrets: Vec<String>,
    pauses: Arc<Mutex<Vec<Duration>>>,
    trouble: Option<Trouble>,
    count: u64,
    /// Requests at the site before the fault was armed, or before anything was asked.
    known: Cell<usize>,
    armed: Cell<bool>,
    operation: RefCell<String>,
}

impl Bench {
    /// `limit`: of whatever waits, where the trouble makes something wait.
    pub async fn new(
        phase: Phase,
        operation: &str,
        (trouble, count): (Trouble, u64),
        limit: Duration,
    ) -> Self {
        let options = SimOptions { seed: 7, ..SimOptions::default() };
        let start = Start::Snapshot(phase.snapshot().to_owned());
        let site = sim::start(start, options).await.expect("the site starts");
        let usual = Limits { silent_probe: Duration::from_secs(1), ..Limits::default() };
        let limits = match trouble.waits() {
            // Real time, because transport limits are.
            true => Limits {
                connect: limit,
                first_byte: limit,
                call: limit,
                chunk: limit,
                last_chunk: limit,
                ..usual
            },
            false => usual,
        };
        let bench = Self::with(site, phase, Some(trouble), count, limits);
        operation.clone_into(&mut bench.operation.borrow_mut());
        bench
    }

    fn with(site: Running, phase: Phase, trouble: Option<Trouble>, count: u64, limits: Limits) -> Self {
        let trust = TrustStore::open(Mode::Tofu, [], InMemory).expect("a trust store");
        let (transcript, pauses) = (Memory::default(), Arc::default());
        let http = http(&site, &trust, &transcript, &pauses, limits);
        let (addresses, root, tower, web) = accounts(phase);
        let secrets = vec![root.expose().clone(), web.expose().clone()];
        let known = Cell::new(site.requests().len());
        Self {
            fisheye: Fisheye::new(http.clone(), addresses, root),
            tower: Tower::new(http, tower, web, WebAccess::default()),
            phase,
            site,
            transcript,
            trust,
            limits,
            secrets,
            pauses,
            trouble,
            count,
            known,
            armed: Cell::default(),
            operation: RefCell::default(),
        }
    }

    /// From here on the fault strikes.
    pub fn arm(&self) -> &Self {
        self.strike();
        self.known.set(self.site.requests().len());
        self.armed.set(true);
        self
    }

    fn strike(&self) {
        let operation = self.operation.borrow();
        let fault: Option<Fault> = self.trouble.and_then(|trouble| trouble.fault(&operation, self.count));
        self.site.set_faults(fault.into_iter().collect());
        if self.trouble == Some(Trouble::ChangedCertificate) {
            self.site.site().with(|state, _| {
                let mut all: Vec<Ipv4Addr> = state.twin.hosts.iter().map(|host| host.mgmt_ip).collect();
                all.extend(state.twin.plan.cloudtower);
                for address in all {
                    *state.changed_identities.entry(address).or_default() += 1;
                }
            });
        }
    }

    /// Before anything is asked: where a new connection is what the trouble is about.
    pub async fn prepare(&mut self) {
        match self.trouble {
            Some(Trouble::Refused) => self.strike(),
            Some(Trouble::ChangedCertificate) => {
                // Whoever was met is known from now on; what was asked does not matter.
                let _ = self.fisheye.log_in_at(self.fisheye.addresses().first).await;
                // Where there is no VIP, or no CloudTower, nobody answers for as long as a connection may take.
                if !matches!(self.phase, Phase::Bare | Phase::Deployed) {
                    let _ = self.fisheye.licence().await;
                }
                if self.phase.example() {
                    let _ = self.tower.readiness().await;
                }
                // Clients of their own, because an open connection stays with the machine that it was opened to.
                let http = http(&self.site, &self.trust, &self.transcript, &self.pauses, self.limits);
                let (addresses, root, tower, web) = accounts(self.phase);
                self.fisheye = Fisheye::new(http.clone(), addresses, root);
                self.tower = Tower::new(http, tower, web, WebAccess::default());
                self.known.set(self.site.requests().len());
                self.strike();
            }
            _ => {}
        }
    }

    /// The requests of the operation since the fault was armed.
    pub fn asked(&self) -> Vec<Request> {
        let operation = self.operation.borrow();
        let all = self.site.requests().into_iter().skip(self.known.get());
        all.filter(|request| request.operation == *operation).collect()
    }

    pub fn effects(&self) -> usize {
        self.asked().iter().filter(|request| request.effective).count()
    }

    pub fn was_armed(&self) -> bool {
        self.armed.get()
    }

    pub fn pauses(&self) -> Vec<Duration> {
        self.pauses.lock().expect("no panic").clone()
    }

    pub fn pass(&self, seconds: u64) {
        self.site.site().clock.advance(Duration::from_secs(seconds));
    }

    pub async fn deploy(&self) -> Result<()> {
        let mut scans = Vec::new();
        for number in 11..=13 {
            scans.push(self.fisheye.scan_host(Ipv4Addr::new(10, 7, 0, number)).await?);
        }
        let request = deploy_request(&scans);
        self.arm().fisheye.deploy(&request).await.map(drop)
    }

    /// The attached cluster's id.
    pub async fn cluster(&self) -> Result<String> {
        let found = self.tower.clusters(Find::Address(planned().cluster.vip.value)).await?;
        Ok(found.into_iter().next().expect("an attached cluster").id)
    }
}
