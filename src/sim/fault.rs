//! Faults: what goes wrong, where and how often (site-behaviour §10), and the knobs of a scenario file.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use serde::{Deserialize, Serialize, de};

use super::{
    durations::Durations,
    fisheye::{self, UploadQuirks},
    guest::{GuestQuirks, InstallerFate},
    random,
    ssh::{self, SshQuirks},
    tower::{
        self, ApplicationFate, ConnectFate, InspectionFate, ObservabilityFate, TaskFate, TowerQuirks,
        UploadFate,
    },
    variants::Variants,
};

/// A scenario file: TOML with `seed`, `[site]`, `[durations]`, `[variants]` and any number of `[[fault]]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultFile {
    /// Drives probabilities, restart answers and drawn variants.
    pub seed: Option<u64>,
    pub site: Quirks,
    pub durations: Durations,
    /// Absent: the typical answers, or drawn from `seed` when `site.draw_variants` is set.
    pub variants: Option<Variants>,
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
}

impl FaultFile {
    /// A hostile site (scenario 8 of §11): unknown answers drawn, 5 % resets, sessions of three minutes.
    pub fn hostile(seed: u64) -> Self {
        let reset = |operation: &str, action| Fault {
            operation: operation.to_owned(),
            address: None,
            chunk: None,
            nth: 1,
            probability: Some(0.025),
            from_seconds: None,
            until_seconds: None,
            count: 0,
            action,
            met: 0,
            acted: 0,
        };
        let guest = GuestQuirks { dropped_connections: 2, banner_seconds: 25.0, ..GuestQuirks::default() };
        Self {
            seed: Some(seed),
            site: Quirks { draw_variants: true, guest, ..Quirks::default() },
            durations: Durations { session_lifetime: 180.0, vlans_count_lag: 5.0, ..Durations::default() },
            variants: None,
            faults: ["fisheye.*", "tower.*"]
                .into_iter()
                .flat_map(|all| [reset(all, Action::ResetBefore), reset(all, Action::ResetAfter)])
                .collect(),
        }
    }

    /// Reads a scenario. Errors: not TOML, an unknown key (with line and column), an unknown operation.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let file: Self = toml::from_str(text)?;
        match file.faults.iter().find(|fault| !fault.can_strike()) {
            // A fault that can never strike would make a test pass for nothing.
            Some(fault) => {
                Err(de::Error::custom(format!("fault: no operation is called {:?}", fault.operation)))
            }
            None => Ok(file),
        }
    }
}

/// Traits of the simulated site that hold from its start.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// Accept what real servers ignore: unknown fields and the like (§8).
    pub lenient: bool,
    pub draw_variants: bool,
    /// Port 443 of the hosts answers before deployment too (§1, M).
    pub https_before_deployment: bool,
    /// HTTP `Date` runs ahead of the wall by so many seconds (negative: behind).
    pub date_skew_seconds: i64,
    /// Addresses that answer although they should be free.
    pub occupied: Vec<Ipv4Addr>,
    /// Addresses that never answer: a host without power, an absent BMC.
    pub silent: Vec<Ipv4Addr>,
    /// BMC addresses whose account is stored but not valid (IPMI-ALL lists them all).
    pub invalid_bmc: Vec<Ipv4Addr>,
    /// The bond mode that `network/vds` refuses (BOND-NAME).
    pub refused_bond_mode: Option<String>,
    /// Hosts whose hardware does not fit (SCAN-SPEC).
    pub hosts: BTreeMap<Ipv4Addr, HostQuirk>,
    /// CPU models that the cluster recommends; absent means `EPYC`.
    pub cpu_models: Option<Vec<String>>,
    /// Row (from 0) of the node that holds the VIP and so shows its own certificate there.
    pub vip_holder: usize,
    /// The VIP never comes up (VIP-LATE).
    pub vip_never: bool,
    /// The deployment ends in failure instead of a cluster (DEP-FAIL).
    pub deployment_fails: bool,
    /// Images that the cluster has from its start (IMG-DUP).
    pub images: Vec<OldImage>,
    /// How it takes uploads.
    pub uploads: UploadQuirks,
    /// How the SSH servers differ from the usual, those of the hosts and the CloudTower guest's.
    pub ssh: SshQuirks,
    pub guest: GuestQuirks,
    /// How CloudTower is found.
    pub tower: TowerQuirks,
}

/// An image that somebody else has uploaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldImage {
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// In hexadecimal.
    pub md5: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostQuirk {
    NicMissing,
    SecondBoot,
    HddOnly,
    TwinSerials,
}

/// One fault: which requests it meets, when, and what it does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Operation name such as `fisheye.deploy`; a trailing `*` matches any rest; `connect.443`
    /// is a TCP connect to that port.
    pub operation: String,
    pub address: Option<Ipv4Addr>,
    /// Only this chunk of an upload.
    pub chunk: Option<u64>,
    /// From the n-th matching request on, counted from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// With this probability per request, under the seed.
    pub probability: Option<f64>,
    /// Only from this second of site time on, counted from the start of the site.
    pub from_seconds: Option<f64>,
    /// Only before this second of site time.
    pub until_seconds: Option<f64>,
    /// How many times it acts; 0 means for ever.
    #[serde(default = "one")]
    pub count: u64,
    pub action: Action,
    /// Matching requests met and times acted so far.
    #[serde(default)]
    pub met: u64,
    #[serde(default)]
    pub acted: u64,
}

fn one() -> u64 {
    1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// This answer instead of the effect.
    Status {
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: String,
    },
    /// A v2 failure instead of the effect (api-fisheye §2); SSH: the login or command is refused.
    V2 { ec: String, msg: String, detail: serde_json::Value },
    /// A page with everything that the request told, in many forms, instead of the effect.
    Echo { status: u16 },
    /// RST without effect.
    ResetBefore,
    /// The effect happens, then RST.
    ResetAfter,
    /// The effect happens, then the connection is closed without an answer.
    DropAnswer,
    /// Only this many bytes of the answer are sent.
    CutBody { bytes: usize },
    /// Only this many bytes of the answer, with a `content-length` that agrees.
    Shorten { bytes: usize },
    /// So many blanks behind the answer; `stated`: its `content-length` says so.
    Pad {
        bytes: u64,
        #[serde(default)]
        stated: bool,
    },
    /// The answer never ends: a blank every now and then.
    Trickle,
    /// The answer of a success, jobs and tasks that end well, and no effect at all.
    Lie,
    /// JSON merged into the answer (RFC 7396), for odd fields and types.
    MergeBody(serde_json::Value),
    /// The answer comes spoilt, body or a header: other values and types, lost and doubled bytes. Each time another way.
    Garble { seed: u64 },
    /// Waits so many site seconds before the effect.
    Delay { seconds: f64 },
    /// Read, but never answered, without effect.
    Hang,
    /// The effect happens, and no answer ever comes.
    HangAfter,
    /// On `connect.*`: no answer at all.
    Silent,
    /// On `connect.*`: refused.
    Refuse,
    /// Every session token becomes invalid before the request is judged.
    ExpireTokens,
    /// The certificate and host key of the address change (TLS-SELF).
    ChangeIdentity,
    /// The job that this request creates ends this way.
    Job(JobFate),
    /// The installer that this command starts ends this way.
    Installer(InstallerFate),
    /// The CloudTower task that this request creates goes this way.
    Task(TaskFate),
    /// Connecting a cluster ends this way.
    Connect(ConnectFate),
    /// CloudTower loses its attached clusters for so long (a network cut after attaching, §7.3).
    CutOff { seconds: f64 },
    /// The inspection or report that this request makes goes wrong so (INSP-*).
    Inspection(InspectionFate),
    /// The package upload that this chunk belongs to ends this way.
    Upload(UploadFate),
    /// The application that this request deploys ends this way.
    Application(ApplicationFate),
    /// The package or instance of Observability that this request begins goes wrong so.
    Observability(ObservabilityFate),
    /// CloudTower refuses with ResourceLocked, and the resource shows as being updated for so long (LOCKED).
    Locked { seconds: f64 },
    /// The `to_upload` list of the answer lies (CHUNK-LIST).
    UploadList(UploadList),
    /// Held until released by the control API.
    Hold(HoldPoint),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobFate {
    Stuck,
    Failed,
    Gone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadList {
    NeverShrinks,
    EmptyTooEarly,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HoldPoint {
    BeforeEffect,
    AfterEffect,
}

/// Every operation that faults and holds can name, connects aside.
pub fn operations() -> impl Iterator<Item = &'static str> {
    fisheye::operations().chain(ssh::OPERATIONS).chain(tower::operations())
}

impl Fault {
    fn can_strike(&self) -> bool {
        self.operation.starts_with("connect") || operations().any(|operation| self.names(operation))
    }

    fn names(&self, operation: &str) -> bool {
        match self.operation.strip_suffix('*') {
            Some(start) => operation.starts_with(start),
            None => self.operation == operation,
        }
    }

    /// Whether this fault acts on the request now; counts it either way.
    fn strike(&mut self, asked: &Asked<'_>, draw: f64) -> bool {
        let age = asked.age.as_secs_f64();
        let met = self.names(asked.operation)
            && self.address.is_none_or(|wanted| wanted == asked.address)
            && (self.chunk.is_none() || self.chunk == asked.chunk)
            && self.from_seconds.is_none_or(|from| age >= from)
            && self.until_seconds.is_none_or(|until| age < until);
        if !met {
            return false;
        }
        self.met += 1;
        let due = self.met >= self.nth && (self.count == 0 || self.acted < self.count);
        let strikes = due && self.probability.is_none_or(|p| draw < p);
        self.acted += u64::from(strikes);
        strikes
    }
}

/// What a fault is held against.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub operation: &'a str,
    pub address: Ipv4Addr,
    pub chunk: Option<u64>,
    /// Site time since the start of the site.
    pub age: Duration,
}

/// The actions of every fault that strikes this request, in the order of the scenario.
pub fn strike(faults: &mut [Fault], seed: u64, asked: &Asked<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    for (index, fault) in faults.iter_mut().enumerate() {
        let draw = random::fraction(seed, &["fault", &index.to_string(), &fault.met.to_string()]);
        if fault.strike(asked, draw) {
            actions.push(match &fault.action {
                Action::Garble { seed } => Action::Garble { seed: seed.wrapping_add(fault.acted) },
                action => action.clone(),
            });
        }
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(age: u64) -> Asked<'static> {
        let address = Ipv4Addr::new(10, 0, 0, 1);
        Asked { operation: "fisheye.deploy", address, chunk: None, age: Duration::from_secs(age) }
    }

    #[test]
    fn a_scenario_file_reads_into_faults_and_refuses_unknown_keys() {
        let file = FaultFile::parse(
            "seed = 7\n[site]\ninvalid_bmc = ['10.0.0.9']\n[[fault]]\noperation = 'fisheye.*'\nnth = 2\n\
             action = 'reset-after'\n[[fault]]\noperation = 'fisheye.deploy'\n\
             action = { delay = { seconds = 5.0 } }\n[[fault]]\noperation = 'ssh.login'\n\
             action = { hold = 'before-effect' }\n",
        )
        .unwrap();
        assert_eq!(file.faults.len(), 3);
        assert_eq!(file.faults[2].action, Action::Hold(HoldPoint::BeforeEffect));
        assert!(FaultFile::parse("sede = 7").is_err());
        let unknown = FaultFile::parse("[[fault]]\noperation = 'fisheye.deplov'\naction = 'hang'\n");
        assert!(unknown.unwrap_err().to_string().contains("fisheye.deplov"));
    }

    #[test]
    fn a_fault_strikes_from_its_nth_request_and_only_count_times() {
        let file = "[[fault]]\noperation = 'fisheye.*'\nnth = 2\ncount = 2\naction = 'hang'\n";
        let mut faults = FaultFile::parse(file).unwrap().faults;
        let hits: Vec<bool> = (0..5).map(|_| !strike(&mut faults, 1, &asked(0)).is_empty()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
    }

    #[test]
    fn a_fault_can_be_bound_to_a_span_of_site_time() {
        let file = "[[fault]]\noperation = 'fisheye.deploy'\nfrom_seconds = 10\nuntil_seconds = 20\ncount = 0\n\
                    action = 'reset-before'\n";
        let mut faults = FaultFile::parse(file).unwrap().faults;
        let hits = [5, 10, 19, 20].map(|age| !strike(&mut faults, 1, &asked(age)).is_empty());
        assert_eq!(hits, [false, true, true, false]);
    }
}
