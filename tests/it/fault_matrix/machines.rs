//! SSH: what can go wrong with a connection, a login and a command, for a command that looks and one that changes.

use std::{
    io::Write,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use voyager::{
    clients::{
        dial::{Dialler, Endpoint},
        limits::Limits,
        proxy::Proxy,
        redact::Redactor,
        ssh::{Command, Ssh, SshReader},
        trust::{InMemory, Mode, TrustStore},
        wire::{Class, Memory, Wire},
    },
    failure::{Effect, Failure, Kind, Result},
    secret::Secret,
    sim::{self, FaultFile, PlannedHost, Running, SimOptions, Start, TwinPlan},
};

use super::told_well;
use crate::simulated_site::run;

/// Those of the guest differ from `ssh.run` and `ssh.chpasswd` by their command alone; whole runs disturb them.
pub fn operations() -> [&'static str; 8] {
    [
        "ssh.connect",
        "ssh.login",
        "ssh.run",
        "ssh.chpasswd",
        "ssh.resolv_conf",
        "ssh.preinstall",
        "ssh.installer",
        "ssh.restart",
    ]
}

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);
const PLANNED: &str = "Planned-canary-1";
const DEFAULT: &str = "Default-canary-1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Look,
    /// Sets a password, with `sudo`.
    Change,
}

/// What the job must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Works,
    /// Stops, and nothing happened.
    StopsBefore(Kind),
    /// Stops, and so often it happened: nobody can tell.
    StopsOpen(Kind, u64),
    /// Says that it worked, and nothing happened: only the second look, a login, tells.
    Lies,
}

struct Trouble {
    name: &'static str,
    scenario: &'static str,
    /// For the look and for the change.
    due: [Due; 2],
    short: bool,
    /// The host shows another key than it did before.
    rekeyed: bool,
    /// It is away for a while, and comes back.
    reboots: bool,
}

fn fault(name: &'static str, scenario: &'static str, due: [Due; 2]) -> Trouble {
    Trouble { name, scenario, due, short: false, rekeyed: false, reboots: false }
}

fn troubles() -> Vec<Trouble> {
    use Due::{Lies, StopsBefore, StopsOpen, Works};
    use Kind::{Site, TimedOut};
    let short = |trouble: Trouble| Trouble { short: true, ..trouble };
    vec![
        fault("nothing", "", [Works; 2]),
        Trouble { rekeyed: true, ..fault("another key", "", [StopsBefore(Site); 2]) },
        fault(
            "refused",
            "[[fault]]\noperation = 'connect.22'\naction = 'refuse'\ncount = 0\n",
            [StopsBefore(Site); 2],
        ),
        fault("reset once", "[[fault]]\noperation = 'ssh.connect'\naction = 'reset-before'\n", [Works; 2]),
        fault(
            "reset for ever",
            "[[fault]]\noperation = 'ssh.connect'\naction = 'reset-before'\ncount = 0\n",
            [StopsBefore(Site); 2],
        ),
        fault(
            "a late banner",
            "[[fault]]\noperation = 'ssh.connect'\naction = { delay = { seconds = 25.0 } }\n",
            [Works; 2],
        ),
        short(fault(
            "no banner",
            "[[fault]]\noperation = 'ssh.connect'\naction = 'hang'\ncount = 0\n",
            [StopsBefore(TimedOut); 2],
        )),
        fault("another method", "[site.ssh]\nlogin = 'keyboard-interactive'\n", [Works; 2]),
        fault("keys only", "[site.ssh]\nlogin = 'public-key'\n", [StopsBefore(Site); 2]),
        fault(
            "a refused login",
            "[[fault]]\noperation = 'ssh.login'\ncount = 0\naction = { v2 = { ec = 'X', msg = 'no', detail = {} } }\n",
            [StopsBefore(Site); 2],
        ),
        fault(
            "a lost login",
            "[[fault]]\noperation = 'ssh.login'\naction = 'reset-before'\n",
            [StopsBefore(Site); 2],
        ),
        short(fault(
            "a silent login",
            "[[fault]]\noperation = 'ssh.login'\naction = 'hang'\n",
            [StopsBefore(TimedOut); 2],
        )),
        fault("sudo asks", "[site.ssh]\nsudo_asks = true\n", [Works; 2]),
        fault("a flood", "[site.ssh]\nflood = 5000000\n", [Works; 2]),
        fault("closed before", COMMAND_REFUSE, [StopsOpen(Site, 0); 2]),
        fault("closed after", COMMAND_DROP, [StopsOpen(Site, 0), StopsOpen(Site, 1)]),
        fault("cut in its output", COMMAND_CUT, [StopsOpen(Site, 0), StopsOpen(Site, 1)]),
        fault("reset before", COMMAND_RESET, [StopsOpen(Site, 0); 2]),
        fault("reset after", COMMAND_RESET_AFTER, [StopsOpen(Site, 0), StopsOpen(Site, 1)]),
        short(fault("silence before", COMMAND_HANG, [StopsOpen(TimedOut, 0); 2])),
        short(fault("silence after", COMMAND_HANG_AFTER, [StopsOpen(TimedOut, 0), StopsOpen(TimedOut, 1)])),
        fault("a lie", COMMAND_LIE, [Works, Lies]),
        // The host goes down under the command, and for a while nobody is there.
        Trouble { reboots: true, ..fault("a reboot", REBOOT, [StopsOpen(Site, 0), StopsOpen(Site, 1)]) },
    ]
}

const COMMAND_REFUSE: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'refuse'\n\
                              [[fault]]\noperation = 'ssh.chpasswd'\naction = 'refuse'\n";
const COMMAND_DROP: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'drop-answer'\n\
                            [[fault]]\noperation = 'ssh.chpasswd'\naction = 'drop-answer'\n";
const COMMAND_CUT: &str = "[[fault]]\noperation = 'ssh.run'\naction = { cut-body = { bytes = 2 } }\n\
                           [[fault]]\noperation = 'ssh.chpasswd'\naction = { cut-body = { bytes = 2 } }\n";
const COMMAND_RESET: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'reset-before'\n\
                             [[fault]]\noperation = 'ssh.chpasswd'\naction = 'reset-before'\n";
const COMMAND_RESET_AFTER: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'reset-after'\n\
                                   [[fault]]\noperation = 'ssh.chpasswd'\naction = 'reset-after'\n";
const COMMAND_HANG: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'hang'\n\
                            [[fault]]\noperation = 'ssh.chpasswd'\naction = 'hang'\n";
const COMMAND_HANG_AFTER: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'hang-after'\n\
                                  [[fault]]\noperation = 'ssh.chpasswd'\naction = 'hang-after'\n";
const COMMAND_LIE: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'lie'\n\
                           [[fault]]\noperation = 'ssh.chpasswd'\naction = 'lie'\n";
const REBOOT: &str = "[[fault]]\noperation = 'ssh.run'\naction = 'reset-after'\n\
                      [[fault]]\noperation = 'ssh.chpasswd'\naction = 'reset-after'\n\
                      [[fault]]\noperation = 'connect.22'\nnth = 2\ncount = 2\naction = 'refuse'\n";

#[test]
fn a_connection_a_login_and_a_command_bear_what_can_go_wrong_with_them() {
    let mut wrong = Vec::new();
    let (mut cells, mut works) = (0, 0);
    let started = Instant::now();
    for trouble in troubles() {
        for (job, due) in [Job::Look, Job::Change].into_iter().zip(trouble.due) {
            cells += 1;
            run(async {
                let bench = Bench::new(&trouble).await;
                if trouble.rekeyed {
                    bench.work(Job::Look).await.expect("the host is known from now on");
                    bench
                        .site
                        .site()
                        .with(|state, _| *state.changed_identities.entry(HOST).or_default() += 1);
                }
                let result = bench.work(job).await;
                let failure = result.as_ref().err().map(|failure| &**failure);
                works += usize::from(failure.is_none());
                if let Err(what) = bench.judge(&trouble, job, due, failure) {
                    wrong.push(format!("{} × {job:?}: {what}\n    {failure:?}", trouble.name));
                }
                if trouble.reboots {
                    bench.comes_back(job).await;
                }
                bench.site.shutdown().await;
            });
        }
    }
    let (stopped, took) = (cells - works, started.elapsed().as_secs_f64());
    let counts = format!("{cells} cells, {works} recovered, {stopped} stopped");
    writeln!(std::io::stderr(), "fault matrix of SSH: {counts}, in {took:.1} s").expect("stderr");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Bench {
    site: Running,
    ssh: Ssh,
    transcript: Memory,
    limit: Duration,
}

impl Bench {
    async fn new(trouble: &Trouble) -> Self {
        let host = PlannedHost {
            hostname: "node-1".into(),
            mgmt_ip: HOST,
            storage_ip: Ipv4Addr::new(10, 0, 30, 11),
            bmc_ip: None,
        };
        let plan = TwinPlan { hosts: vec![host], ..TwinPlan::default() };
        let scenario = FaultFile::parse(trouble.scenario).expect("a scenario");
        let options = SimOptions { speed: 1000.0, scenario, ..SimOptions::default() };
        let site = sim::start(Start::Fresh(Box::new(plan)), options).await.expect("the site starts");
        site.site().with(|state, _| {
            let accounts = ["root", "smartx"].map(|user| (user.to_owned(), DEFAULT.to_owned()));
            state.accounts.insert(HOST, accounts.into());
        });
        let limit = Duration::from_millis(if trouble.short { 800 } else { 20_000 });
        let limits = Limits { first_byte: limit, call: limit, ..Limits::default() };
        let transcript = Memory::default();
        let wire = Wire::new(transcript.clone(), Redactor::new());
        let dialler = Dialler::through(Proxy::parse(&site.proxy_url()).expect("a proxy"), limits);
        let trust = TrustStore::open(Mode::Tofu, [], InMemory).expect("a trust store");
        let ssh = Ssh::new(SshReader::new(dialler, Endpoint::new(HOST, 22), trust, wire));
        Self { site, ssh, transcript, limit }
    }

    async fn work(&self, job: Job) -> Result<()> {
        let default = Secret::from(DEFAULT);
        let (session, _) = self.ssh.open("smartx", &[&default]).await?;
        match job {
            Job::Look => {
                session.run(&Command::new("ssh.run", "id -un", Class::Read, self.limit)).await.map(drop)
            }
            Job::Change => session.set_passwords(&[("root", &Secret::from(PLANNED))], self.limit).await,
        }
    }

    /// For a while nobody is there; then the same job works.
    async fn comes_back(&self, job: Job) {
        let mut tries = 0;
        while let Err(failure) = self.work(job).await {
            tries += 1;
            assert!(failure.kind == Kind::Site && tries < 3, "try {tries} after the reboot: {failure:?}");
        }
        let met: u64 = self.site.site().with(|state, _| {
            let refusals = state.faults.iter().filter(|fault| fault.operation == "connect.22");
            refusals.map(|fault| fault.acted).sum()
        });
        assert_eq!(met, 2, "connections were refused while the host was down");
    }

    fn judge(&self, trouble: &Trouble, job: Job, due: Due, failure: Option<&Failure>) -> Result<(), String> {
        let key = format!("{HOST} root");
        let done = self.site.ledger().password_changes.get(&key).map_or(0, |tally| tally.count);
        let wanted = u64::from(job == Job::Change);
        failure.map_or(Ok(()), told_well)?;
        let records = serde_json::to_string(&self.transcript.records()).expect("records are JSON");
        let told = format!("{records}{failure:?}");
        if told.contains("canary") {
            return Err("a secret is told".to_owned());
        }
        if records.len() > 300_000 {
            return Err(format!("{} bytes of transcript", records.len()));
        }
        let ledger = self.site.ledger();
        if !ledger.breaches.is_empty() {
            return Err(format!("outside the contract: {:?}", ledger.breaches));
        }
        let refused = ledger.refused_logins.values().map(|tally| tally.count).sum::<u64>();
        if refused > 1 {
            return Err(format!("{refused} refused logins may lock the account: {}", trouble.name));
        }
        let met = match (due, failure) {
            (Due::Works, None) => done == wanted,
            (Due::Lies, None) => done == 0,
            (Due::StopsBefore(kind), Some(failure)) => {
                failure.kind == kind && failure.effect == Effect::None && done == 0
            }
            (Due::StopsOpen(kind, times), Some(failure)) => {
                failure.kind == kind && failure.effect == Effect::Unknown && done == times
            }
            _ => false,
        };
        if met { Ok(()) } else { Err(format!("{due:?} was due; it happened {done} times")) }
    }
}
