//! `prepare.site`: probes every planned address and the hosts' clocks; all findings come together.
//!
//! Probes are TCP only. Silence proves an address free only where something else of its subnet answered; where
//! nothing did, it is "not provable from here" and never a pass (DESIGN §6).

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use ipnet::Ipv4Net;

use super::{
    clock,
    targets::{Role, Target, subnets, targets},
};
use crate::{
    clients::{dial::Endpoint, probe::Reach},
    engine::{Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Finding,
    stages::{
        facts::{HOSTS, finding_text, lines},
        ownership::{self, Owner},
        world::WorldRead,
    },
    text::Text,
};

/// One target with what its ports answered, in the order of `Role::ports`.
struct Probed {
    target: Target,
    reach: Vec<Reach>,
}

/// What the probes came to.
#[derive(Default)]
pub(super) struct Report {
    /// The plan is wrong: an address is taken (PLAN-708).
    pub taken: Vec<Text>,
    /// The site is not ready.
    pub errors: Vec<Text>,
    pub warnings: Vec<Text>,
    pub notes: Vec<Text>,
    /// Addresses that nobody can judge from here.
    unproved: Vec<String>,
}

pub async fn check(world: &WorldRead, handle: &Handle) -> Result<Facts> {
    let owner = ownership::look(world, handle).await?;
    // Scanned by this journal: whether it also deployed them is for the deployment's own probe to judge.
    let scanned = handle.fact(&HOSTS).is_some();
    let ours = match &owner {
        Owner::Ours(_) => true,
        Owner::Foreign(_) => scanned,
        Owner::Nobody(_) => false,
    };
    let probed: Vec<Probed> = stream::iter(targets(&world.plan))
        .map(|target| probe(world, target))
        .buffered(world.settings.parallel_probes.max(1))
        .collect()
        .await;
    let mut report = judge(&probed, ours, &subnets(&world.plan));
    if let Owner::Foreign(why) = owner
        && !scanned
    {
        report.errors.push(why);
    }
    clock::compare(world, handle, &mut report).await;
    report.finish(handle)
}

async fn probe(world: &WorldRead, target: Target) -> Probed {
    let ports = target.role.ports().iter();
    let looks = ports.map(|port| world.dialler.probe(Endpoint::new(target.address, *port)));
    let reach = futures_util::future::join_all(looks).await;
    Probed { target, reach }
}

fn judge(probed: &[Probed], ours: bool, subnets: &[Ipv4Net]) -> Report {
    let home = |probed: &Probed| subnets.iter().position(|subnet| subnet.contains(&probed.target.address));
    let within_reach: BTreeSet<usize> =
        probed.iter().filter(|probed| probed.occupied()).filter_map(home).collect();
    let mut report = Report::default();
    for probed in probed {
        let reachable = home(probed).is_some_and(|subnet| within_reach.contains(&subnet));
        match probed.target.role {
            Role::Host => report.host(probed),
            Role::Bmc | Role::Dns => report.service(probed),
            Role::Gateway | Role::Ntp => report.hint(probed),
            Role::Vip | Role::Storage | Role::Component | Role::Test => report.free(probed, ours, reachable),
        }
    }
    report
}

impl Probed {
    fn occupied(&self) -> bool {
        self.reach.iter().any(Reach::occupied)
    }

    fn says(&self, port: u16) -> &Reach {
        let at = self.target.role.ports().iter().position(|known| *known == port);
        at.and_then(|at| self.reach.get(at)).unwrap_or(&Reach::Silent)
    }

    /// `10.0.20.11 (node-01, 主机规划!I3)`
    fn place(&self) -> String {
        let Target { address, cell, name, .. } = &self.target;
        // Names of targets are plain: hostnames and abbreviations.
        if name.en.is_empty() {
            format!("{address} ({cell})")
        } else {
            format!("{address} ({}, {cell})", name.en)
        }
    }
}

impl Report {
    /// A host without port 80 cannot be deployed; without 22 it cannot get its passwords; 443 opens later.
    fn host(&mut self, probed: &Probed) {
        let place = probed.place();
        match probed.says(80) {
            Reach::Open => {}
            Reach::Unproved(why) => {
                self.warnings.push(message(
                    "stages.site.unproved_port",
                    &[("place", &place), ("port", &80), ("why", why)],
                ));
            }
            Reach::Refused => {
                self.errors.push(message("stages.site.host_refused", &[("place", &place)]));
            }
            Reach::Silent => {
                self.errors.push(message("stages.site.host_silent", &[("place", &place)]));
            }
        }
        if matches!(probed.says(22), Reach::Refused | Reach::Silent) {
            self.warnings.push(message("stages.site.host_no_ssh", &[("place", &place)]));
        }
        if matches!(probed.says(443), Reach::Refused | Reach::Silent) {
            self.notes.push(message("stages.site.host_no_https", &[("place", &place)]));
        }
    }

    /// Wanted, and not needed before later: absence is a warning.
    fn service(&mut self, probed: &Probed) {
        let port = probed.target.role.ports().first().copied().unwrap_or_default();
        let place = probed.place();
        match probed.says(port) {
            Reach::Open => {}
            Reach::Refused | Reach::Silent if probed.target.role == Role::Bmc => {
                self.warnings.push(message("stages.site.no_bmc", &[("place", &place)]));
            }
            // DNS may be served over UDP alone.
            Reach::Refused | Reach::Silent | Reach::Unproved(_) => self.unproved.push(place),
        }
    }

    /// ICMP and UDP services: a TCP answer proves that they are there, silence proves nothing.
    fn hint(&mut self, probed: &Probed) {
        if !probed.occupied() {
            self.unproved.push(probed.place());
        }
    }

    /// Must be free before the deployment (PLAN-708), or held by our own cluster after it.
    fn free(&mut self, probed: &Probed, ours: bool, reachable: bool) {
        let role = probed.target.role;
        if probed.occupied() {
            let place = probed.place();
            match role {
                Role::Vip | Role::Storage if ours => {
                    self.notes.push(message("stages.site.ours", &[("place", &place)]));
                }
                // The stage that puts something there looks closer.
                _ if ours => self.warnings.push(message("stages.site.taken_later", &[("place", &place)])),
                _ => {
                    let address = probed.target.address.to_string();
                    let finding = Finding::new("PLAN-708").at(&probed.target.cell).value(address);
                    self.taken.push(finding_text(&finding.diagnostic()));
                }
            }
        } else if !reachable {
            self.unproved.push(probed.place());
        }
    }

    /// Notes and warnings are told as they are; errors end the stage, all in one message.
    fn finish(self, handle: &Handle) -> Result<Facts> {
        self.notes.into_iter().for_each(|note| handle.note(note));
        self.warnings.into_iter().for_each(|warning| handle.warn(warning));
        if !self.unproved.is_empty() {
            let places = shorten(&self.unproved);
            handle.note(message(
                "stages.site.not_provable",
                &[("count", &self.unproved.len()), ("places", &places)],
            ));
        }
        let all: Vec<Text> = self.errors.iter().chain(&self.taken).cloned().collect();
        if all.is_empty() {
            return Ok(Facts::none());
        }
        // A plan that the site proves wrong is a plan error; a site that is not ready comes first.
        let (kind, advice) = if self.errors.is_empty() {
            (Kind::Plan, message("stages.site.advice_plan", &[]))
        } else {
            (Kind::Site, message("stages.site.advice_site", &[]))
        };
        let doing = message("stages.site.doing", &[("count", &all.len())]);
        Err(Failure::new(kind, doing).answer(lines(&all)).advise(advice))
    }
}

/// The first few; a test range may hold hundreds.
fn shorten(places: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown = places.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if places.len() > SHOWN { format!("{shown}, …") } else { shown }
}
