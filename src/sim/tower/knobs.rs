//! What a scenario can change about CloudTower: its traits, its times, and what is unknown (M).

use serde::{Deserialize, Serialize};

use super::{
    super::random,
    applications::{ChunkOrder, PackageQuirks, SecondPackage},
    backup::BackupQuirks,
    inspector::{InspectorQuirks, InspectorVariants},
    observability::{ObservabilityQuirks, ObservabilityVariants},
};

/// `[site.tower]`: how CloudTower is found.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TowerQuirks {
    /// It is there from the start, without a VM of ours (INST-DONE; tests of this service alone).
    pub installed: bool,
    /// Organisations that exist right after the installation (SETUP-HALF, ORG-OTHER).
    pub organizations: Vec<String>,
    /// The root user exists right after the installation, with this password (SETUP-HALF).
    pub root_password: Option<String>,
    /// Row of the capacity rule among the 94 that the captured filter lets through, from 0 (RULE-PAGE).
    pub capacity_rule_row: usize,
    /// Port 80 answers instead of redirecting (§7.1, M).
    pub http_answers: bool,
    /// The GraphQL login sets no cookie (api-applications §7: not known of every release).
    pub cookieless: bool,
    /// Tasks are described in Chinese to whoever does not ask for English (api-applications §0).
    pub chinese: bool,
    pub inspector: InspectorQuirks,
    pub packages: PackageQuirks,
    pub backup: BackupQuirks,
    pub observability: ObservabilityQuirks,
}

impl Default for TowerQuirks {
    fn default() -> Self {
        Self {
            installed: false,
            organizations: Vec::new(),
            root_password: None,
            capacity_rule_row: 70,
            http_answers: false,
            cookieless: false,
            chinese: false,
            inspector: InspectorQuirks::default(),
            packages: PackageQuirks::default(),
            backup: BackupQuirks::default(),
            observability: ObservabilityQuirks::default(),
        }
    }
}

/// `[durations.tower]`, in seconds of site time: the typical column of §2 and the table of §7.3.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TowerDurations {
    /// Views, graphs, racks and moves.
    pub task: f64,
    /// From connect-cluster until each part of the cluster shows.
    pub hosts: f64,
    pub vdses: f64,
    pub alert_rules: f64,
    pub vms: f64,
    pub connected: f64,
    pub settings: f64,
    pub connect_task: f64,
    /// From the start of an inspection to its end, and of its report.
    pub inspection: f64,
    pub inspection_export: f64,
    /// From the last chunk of a package to its answer, and from there until the package is listed: both together
    /// and the chunks took 52 s (api-applications §3.2, S).
    pub package_import: f64,
    pub package_record: f64,
    /// From createBackupService until its VM is there, the service runs, and the task is over: either of the two may
    /// be the earlier (§3.6; the task took 2 min 36 s, S).
    pub backup_vm: f64,
    pub backup_running: f64,
    pub backup_task: f64,
    /// From the association with a cluster until its storage network shows as connected.
    pub backup_network: f64,
    /// From deploy-cloudtower-application until the application runs.
    pub application: f64,
    /// From the commit of a package of Observability to the end of its first task, and to the start of its second.
    pub observability_t1: f64,
    pub observability_t2_start: f64,
    /// From the creation of an instance to its VM, and from there until it is well.
    pub observability_vm: f64,
    pub observability_health: f64,
    /// How long a restart of its launchers is felt.
    pub observability_restart: f64,
    pub observability_association: f64,
    pub observability_service: f64,
}

impl Default for TowerDurations {
    fn default() -> Self {
        Self {
            task: 2.0,
            hosts: 1.8,
            vdses: 4.5,
            alert_rules: 5.0,
            vms: 6.5,
            connected: 10.0,
            settings: 13.0,
            connect_task: 20.0,
            inspection: 300.0,
            inspection_export: 15.0,
            package_import: 20.0,
            package_record: 5.0,
            backup_vm: 40.0,
            backup_running: 145.0,
            backup_task: 156.0,
            backup_network: 20.0,
            application: 180.0,
            observability_t1: 315.0,
            observability_t2_start: 176.0,
            observability_vm: 195.0,
            observability_health: 60.0,
            observability_restart: 90.0,
            observability_association: 60.0,
            observability_service: 20.0,
        }
    }
}

/// `[variants.tower]`: one choice per unknown; the defaults are the likeliest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TowerVariants {
    pub unauthorized: TowerRefusal,
    pub second_organization: Second,
    pub second_connect: Second,
    pub refused_connect: RefusedConnect,
    pub first_task_list: FirstTaskList,
    pub early_local_id: EarlyLocalId,
    pub typename_input: TypenameInput,
    pub chunk_order: ChunkOrder,
    pub second_package: SecondPackage,
    pub inspector: InspectorVariants,
    pub observability: ObservabilityVariants,
}

/// The body of a 401 (§7.2).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TowerRefusal {
    #[default]
    ErrorBody,
    Empty,
    /// `errors` with HTTP 200, on GraphQL; REST answers an error body all the same.
    GraphqlErrors,
}

/// A second organisation of one name, or a second connect of one VIP (§7.2, §7.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Second {
    #[default]
    Refused,
    Twin,
}

/// How a connect with a wrong password or to a silent VIP ends (§7.3).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusedConnect {
    #[default]
    BadRequest,
    TaskFailed,
    Disconnected,
}

/// get-tasks right after the call that started a task (§7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstTaskList {
    #[default]
    Empty,
    Listed,
}

/// `local_id` of a cluster that is being connected (§7.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyLocalId {
    #[default]
    Null,
    Set,
}

/// `__typename` in the thresholds of updateGlobalAlertRule (graphql-operations §3.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TypenameInput {
    #[default]
    Accepted,
    Refused,
}

impl TowerVariants {
    /// Every choice drawn from the seed.
    pub fn drawn(seed: u64) -> Self {
        use self::{
            ChunkOrder as O, EarlyLocalId as L, FirstTaskList as T, RefusedConnect as C, Second as S,
            SecondPackage as P, TowerRefusal as R, TypenameInput as N,
        };
        fn draw<T: Copy>(seed: u64, name: &str, choices: &[T]) -> T {
            *random::pick(seed, choices, &["tower variant", name])
        }
        Self {
            unauthorized: draw(seed, "unauthorized", &[R::ErrorBody, R::Empty, R::GraphqlErrors]),
            second_organization: draw(seed, "organization", &[S::Refused, S::Twin]),
            second_connect: draw(seed, "connect", &[S::Refused, S::Twin]),
            refused_connect: draw(seed, "refused", &[C::BadRequest, C::TaskFailed, C::Disconnected]),
            first_task_list: draw(seed, "tasks", &[T::Empty, T::Listed]),
            early_local_id: draw(seed, "local-id", &[L::Null, L::Set]),
            typename_input: draw(seed, "typename", &[N::Accepted, N::Refused]),
            chunk_order: draw(seed, "chunk order", &[O::Refused, O::Appended]),
            second_package: draw(seed, "second package", &[P::Refused, P::Twin]),
            inspector: InspectorVariants::drawn(seed),
            observability: ObservabilityVariants::drawn(seed),
        }
    }
}
