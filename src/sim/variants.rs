//! What the site answers where the real behaviour is unknown, marked (M) in site-behaviour.

use serde::{Deserialize, Serialize};

use super::{random, tower::TowerVariants};

/// One choice per unknown; the defaults are the likeliest.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Variants {
    pub unauthorized: Refusal,
    pub wrong_password: WrongPassword,
    pub setup_root_again: SetupRootAgain,
    pub before_deployment: BeforeDeployment,
    pub status_before: StatusBefore,
    pub scan_after: ScanAfter,
    pub repeated_chunk: RepeatedChunk,
    pub unfinished_image: UnfinishedImage,
    pub vlan_ids: VlanIds,
    pub vip_answer: VipAnswer,
    pub vm_list: VmList,
    pub agent_before: AgentBefore,
    pub early_guest_network: EarlyGuestNetwork,
    pub resolv_conf: ResolvConf,
    pub second_installer: SecondInstaller,
    pub tower: TowerVariants,
}

/// The body of a 401 (§4).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    #[default]
    Json,
    Empty,
    Html,
}

/// The status of a session refused for its password (§4).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WrongPassword {
    #[default]
    Unauthorized,
    BadRequest,
    Forbidden,
}

/// setupRoot when the account is set already (§4).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetupRootAgain {
    #[default]
    BadRequest,
    Forbidden,
    Conflict,
}

/// setupRoot and sessions before deployment (§3.1).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BeforeDeployment {
    #[default]
    NotFound,
    Unauthorized,
}

/// deploy_status on a fresh host (§3.1).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatusBefore {
    #[default]
    EmptyState,
    Failure,
    NotFound,
}

/// The scans on a member (§3.1).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScanAfter {
    #[default]
    Same,
    Unauthorized,
}

/// A chunk that is stored already (§5.3).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedChunk {
    #[default]
    Accepted,
    Refused,
}

/// An image whose chunks are not complete, in the list (§5.3).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnfinishedImage {
    #[default]
    Absent,
    Listed,
}

/// How `vlan_id` is written in lists (§5.2).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VlanIds {
    #[default]
    Number,
    Text,
}

/// Whether `PUT settings/vip` starts a job (§5.2).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VipAnswer {
    #[default]
    Plain,
    Job,
}

/// `GET vms`, which is not documented (api-fisheye §8.2).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VmList {
    #[default]
    NotFound,
    Listed,
}

/// `guest_info` of a VM whose agent does not report yet (§5.4).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentBefore {
    #[default]
    Absent,
    WithoutState,
    NotRunning,
}

/// A guest network set before the agent runs (§5.4).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EarlyGuestNetwork {
    #[default]
    JobFails,
    NoEffect,
}

/// `/etc/resolv.conf` of a fresh CloudTower guest (§6).
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResolvConf {
    #[default]
    Present,
    Missing,
}

/// An installer that is started while one runs (§6): it exits with status 1 …
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondInstaller {
    #[default]
    Refused,
    /// … and what the first goes on writing is lost.
    DamagesLog,
}

impl Variants {
    /// Every choice drawn from the seed (scenario 8 of §11).
    pub fn drawn(seed: u64) -> Self {
        use self::{
            AgentBefore as I, BeforeDeployment as B, EarlyGuestNetwork as E, Refusal as R,
            RepeatedChunk as C, ScanAfter as A, SetupRootAgain as G, StatusBefore as S, UnfinishedImage as U,
            VipAnswer as P, VlanIds as V, VmList as L, WrongPassword as W,
        };
        fn draw<T: Copy>(seed: u64, name: &str, choices: &[T]) -> T {
            *random::pick(seed, choices, &["variant", name])
        }
        Self {
            unauthorized: draw(seed, "unauthorized", &[R::Json, R::Empty, R::Html]),
            wrong_password: draw(seed, "password", &[W::Unauthorized, W::BadRequest, W::Forbidden]),
            setup_root_again: draw(seed, "setup-root", &[G::BadRequest, G::Forbidden, G::Conflict]),
            before_deployment: draw(seed, "before", &[B::NotFound, B::Unauthorized]),
            status_before: draw(seed, "status", &[S::EmptyState, S::Failure, S::NotFound]),
            scan_after: draw(seed, "scan", &[A::Same, A::Unauthorized]),
            repeated_chunk: draw(seed, "chunk", &[C::Accepted, C::Refused]),
            unfinished_image: draw(seed, "image", &[U::Absent, U::Listed]),
            vlan_ids: draw(seed, "vlan-ids", &[V::Number, V::Text]),
            vip_answer: draw(seed, "vip", &[P::Plain, P::Job]),
            vm_list: draw(seed, "vm-list", &[L::NotFound, L::Listed]),
            agent_before: draw(seed, "agent", &[I::Absent, I::WithoutState, I::NotRunning]),
            early_guest_network: draw(seed, "early-network", &[E::JobFails, E::NoEffect]),
            resolv_conf: draw(seed, "resolv-conf", &[ResolvConf::Present, ResolvConf::Missing]),
            second_installer: draw(
                seed,
                "second-installer",
                &[SecondInstaller::Refused, SecondInstaller::DamagesLog],
            ),
            tower: TowerVariants::drawn(seed),
        }
    }
}
