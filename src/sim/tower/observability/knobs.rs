//! What a scenario can change about Observability: how it is found, what is unknown (I), and what goes wrong.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::super::super::random;

/// `[site.tower.observability]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObservabilityQuirks {
    /// Of the operator's account `o11y`, which is built into CloudTower (api-applications §2.4).
    pub operator_password: String,
    /// The operator wants the odd cookie named `path` before its own (§1).
    pub legacy_path_cookie: bool,
    /// What a whole archive measures, in bytes; absent: any size that begins as an archive does.
    pub package_bytes: Option<u64>,
    /// The account of the VM; absent: that of the plan.
    pub ssh_user: Option<String>,
    pub ssh_password: Option<String>,
    /// `sudo` asks for nothing in the VM.
    pub sudo_free: bool,
    /// Containers that are called launchers.
    pub launchers: usize,
    /// `/etc/resolv.conf` of the VM, when it comes up.
    pub resolv_conf: String,
    /// What is there before anybody looks.
    pub packages: Vec<OldPackage>,
    pub instances: Vec<OldInstance>,
}

impl Default for ObservabilityQuirks {
    fn default() -> Self {
        Self {
            operator_password: "HC!r0cks".to_owned(),
            legacy_path_cookie: false,
            package_bytes: None,
            ssh_user: None,
            ssh_password: None,
            sudo_free: false,
            launchers: 2,
            resolv_conf: "# SIM: written by the network service\n".to_owned(),
            packages: Vec::new(),
            instances: Vec::new(),
        }
    }
}

/// A package that somebody else has uploaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OldPackage {
    pub name: String,
    /// As the server keeps it: `v1.4.2-release.20250901`.
    pub version: String,
    /// `X86_64` or `AARCH64`.
    pub arch: String,
}

impl Default for OldPackage {
    fn default() -> Self {
        let text = str::to_owned;
        Self { name: text("Observability"), version: String::new(), arch: text("X86_64") }
    }
}

/// An instance that somebody else has made; it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OldInstance {
    pub name: String,
    pub ip: Ipv4Addr,
    /// Names of clusters that are associated with it, none of them this site's.
    #[serde(default)]
    pub clusters: Vec<String>,
    /// Types of system services that are associated with it.
    #[serde(default)]
    pub system_services: Vec<String>,
}

/// `[variants.tower.observability]`: one choice per unknown; the defaults are the likeliest.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ObservabilityVariants {
    pub upload_query: UploadQuery,
    pub error_code: ErrorCode,
    pub ready: Ready,
    pub bad_archive: BadArchive,
    pub commit_answer: CommitAnswer,
}

/// GET of one upload, which is not documented (§2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadQuery {
    #[default]
    Answered,
    NotFound,
    NotImplemented,
    /// A web page, with success.
    Page,
}

/// `error_code` of an instance in the query, which was captured in an answer to a mutation only (§2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    #[default]
    Known,
    /// A schema error.
    Unknown,
}

/// Which of the two signs of a running instance comes first (§2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    #[default]
    VmFirst,
    StatusFirst,
}

/// A commit of what is no whole archive (§7: unknown).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadArchive {
    #[default]
    CommitRefused,
    TaskFailed,
}

/// What answers a commit (§2.4: not recorded).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommitAnswer {
    #[default]
    Body,
    Empty,
}

impl ObservabilityVariants {
    /// Every choice drawn from the seed.
    pub fn drawn(seed: u64) -> Self {
        use self::{BadArchive as B, CommitAnswer as C, ErrorCode as E, Ready as R, UploadQuery as U};
        fn draw<T: Copy>(seed: u64, name: &str, choices: &[T]) -> T {
            *random::pick(seed, choices, &["observability variant", name])
        }
        Self {
            upload_query: draw(seed, "upload", &[U::Answered, U::NotFound, U::NotImplemented, U::Page]),
            error_code: draw(seed, "error-code", &[E::Known, E::Unknown]),
            ready: draw(seed, "ready", &[R::VmFirst, R::StatusFirst]),
            bad_archive: draw(seed, "archive", &[B::CommitRefused, B::TaskFailed]),
            commit_answer: draw(seed, "commit", &[C::Body, C::Empty]),
        }
    }
}

/// How the package or the instance goes wrong; told to the request that begins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ObservabilityFate {
    /// On a commit: the second task fails, or never comes.
    SecondTaskFailed,
    SecondTaskNever,
    /// On the creation of an instance: FAILED, INSTALLING for ever, or never NORMAL.
    InstanceFailed,
    InstanceStuck,
    Unhealthy,
    /// On an association: it fails, or never ends.
    AssociationFailed,
    AssociationStuck,
    /// On the association of system services: taken, and never seen again.
    ServiceLost,
}
