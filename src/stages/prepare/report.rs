//! What the probes of stage 01 came to: errors, warnings, notes, and what nobody can judge from here.

use std::{collections::BTreeSet, net::Ipv4Addr};

use ipnet::Ipv4Net;

use super::targets::{Role, Target};
use crate::{
    clients::probe::Reach,
    engine::{Facts, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::Finding,
    stages::facts::{finding_text, lines},
    text::Text,
};

/// One target with what its ports answered, in the order of `Role::ports`.
pub(super) struct Probed {
    pub target: Target,
    pub reach: Vec<Reach>,
    /// A CloudTower answers there, which a bare probe could not tell (api-cloudtower §2).
    pub is_cloudtower: bool,
}

/// What the probes came to.
#[derive(Debug, Default)]
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

/// What the journal and the site say together, before any address is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Standing {
    /// Our own cluster stands here already, or is just being made.
    pub ours: bool,
    /// It was given its VIP, by this journal or by what the cluster itself says.
    pub vip: bool,
    /// So does our CloudTower.
    pub tower: bool,
    /// Where this journal has put the other services.
    pub services: Vec<Ipv4Addr>,
    /// A change of an earlier run may still be under way: hosts may be restarting.
    pub under_way: bool,
}

/// Judges every address.
pub(super) fn judge(probed: &[Probed], standing: &Standing, subnets: &[Ipv4Net]) -> Report {
    let home = |probed: &Probed| subnets.iter().position(|subnet| subnet.contains(&probed.target.address));
    let within_reach: BTreeSet<usize> =
        probed.iter().filter(|probed| probed.occupied()).filter_map(home).collect();
    let mut report = Report::default();
    for probed in probed {
        let reachable = home(probed).is_some_and(|subnet| within_reach.contains(&subnet));
        match probed.target.role {
            Role::Host => report.host(probed, standing.under_way),
            Role::Bmc | Role::Dns => report.service(probed),
            Role::Gateway => report.hint(probed),
            Role::Vip | Role::Storage | Role::Tower | Role::Component | Role::Test => {
                report.free(probed, standing, reachable)
            }
        }
    }
    report
}

impl Probed {
    pub(super) fn occupied(&self) -> bool {
        self.is_cloudtower || self.reach.iter().any(Reach::occupied)
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
    fn host(&mut self, probed: &Probed, under_way: bool) {
        let place = probed.place();
        if under_way && matches!(probed.says(80), Reach::Refused | Reach::Silent) {
            self.notes.push(message("stages.site.host_restarting", &[("place", &place)]));
            return;
        }
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

    /// Speaks ICMP: a TCP answer proves that it is there, silence proves nothing.
    fn hint(&mut self, probed: &Probed) {
        if !probed.occupied() {
            self.unproved.push(probed.place());
        }
    }

    /// Must be free before the deployment (PLAN-708), or held by our own cluster after it.
    fn free(&mut self, probed: &Probed, standing: &Standing, reachable: bool) {
        let role = probed.target.role;
        let ours = standing.ours;
        if probed.occupied() {
            let place = probed.place();
            match role {
                Role::Vip if standing.vip => {
                    self.notes.push(message("stages.site.ours", &[("place", &place)]));
                }
                Role::Storage if ours => {
                    self.notes.push(message("stages.site.ours", &[("place", &place)]));
                }
                Role::Tower if standing.tower => {
                    self.notes.push(message("stages.site.our_tower", &[("place", &place)]));
                }
                Role::Component if standing.services.contains(&probed.target.address) => {
                    self.notes.push(message("stages.site.our_service", &[("place", &place)]));
                }
                _ if ours && probed.is_cloudtower => {
                    self.warnings.push(message("stages.site.other_tower", &[("place", &place)]));
                }
                // The stage that puts something there looks closer; the VIP is what all stages after it talk to.
                _ if ours && role != Role::Vip => {
                    self.warnings.push(message("stages.site.taken_later", &[("place", &place)]))
                }
                _ => {
                    let address = probed.target.address.to_string();
                    let finding = Finding::new("PLAN-708").at(&probed.target.cell).value(address);
                    self.taken.push(finding_text(&finding.diagnostic()));
                    if probed.is_cloudtower {
                        self.taken.push(message("stages.site.other_tower", &[("place", &place)]));
                    }
                }
            }
        } else if !reachable {
            self.unproved.push(probed.place());
        }
    }

    /// Time servers: nobody asked them anything, and that is said.
    pub(super) fn unprobed(&mut self, servers: &[String]) {
        if !servers.is_empty() {
            self.notes.push(message("stages.site.ntp_unprobed", &[("servers", &servers.join(", "))]));
        }
    }

    /// Notes and warnings are told as they are; errors end the stage, all in one message.
    pub(super) fn finish(self, handle: &Handle) -> Result<Facts> {
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

#[cfg(test)]
mod tests {
    use Reach::{Open, Refused, Silent};

    use super::*;
    use crate::plan::CellRef;

    const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);
    const VIP: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 10);
    const STORAGE: Ipv4Addr = Ipv4Addr::new(10, 0, 21, 11);

    fn probed(role: Role, address: Ipv4Addr, reach: &[Reach]) -> Probed {
        let target =
            Target { role, address, cell: CellRef::new("主机规划", 19, 9), name: Text::same("node-01") };
        Probed { target, reach: reach.to_vec(), is_cloudtower: false }
    }

    fn judged(ours: bool, probed: &[Probed]) -> Report {
        judged_in(Standing { ours, vip: ours, ..Standing::default() }, probed)
    }

    fn judged_in(standing: Standing, probed: &[Probed]) -> Report {
        judge(probed, &standing, &["10.0.20.0/24".parse().unwrap(), "10.0.21.0/24".parse().unwrap()])
    }

    fn host() -> Probed {
        probed(Role::Host, HOST, &[Open, Open, Refused])
    }

    #[test]
    fn a_silent_vip_beside_an_answering_host_is_free() {
        let report = judged(false, &[host(), probed(Role::Vip, VIP, &[Silent, Silent])]);
        assert!(
            report.errors.is_empty() && report.taken.is_empty() && report.unproved.is_empty(),
            "{report:?}"
        );
    }

    #[test]
    fn silence_in_a_subnet_where_nothing_answers_proves_nothing() {
        let report = judged(false, &[host(), probed(Role::Storage, STORAGE, &[Silent])]);
        assert_eq!(report.unproved.len(), 1);
        assert!(report.taken.is_empty());
    }

    #[test]
    fn an_address_that_answers_is_taken_unless_our_own_cluster_has_it() {
        let answering = || [host(), probed(Role::Vip, VIP, &[Refused, Silent])];
        let report = judged(false, &answering());
        assert!(
            report.taken[0].en.contains("PLAN-708") && report.taken[0].en.contains("主机规划!I19"),
            "{report:?}"
        );
        let report = judged(true, &answering());
        assert!(report.taken.is_empty() && report.warnings.is_empty(), "{report:?}");
    }

    #[test]
    fn a_vip_that_answers_before_our_cluster_was_given_it_is_a_stranger_s() {
        let standing = Standing { ours: true, ..Standing::default() };
        let report = judged_in(standing, &[host(), probed(Role::Vip, VIP, &[Refused, Silent])]);
        assert!(report.taken[0].en.contains("PLAN-708"), "{report:?}");
        assert!(!report.notes.iter().any(|note| note.en.contains("held by this cluster")), "{report:?}");
    }

    #[test]
    fn an_answering_service_address_beside_our_own_cluster_is_left_to_its_stage() {
        let report = judged(true, &[probed(Role::Component, VIP, &[Open, Open])]);
        assert_eq!((report.taken.len(), report.warnings.len()), (0, 1));
    }

    #[test]
    fn a_service_that_this_journal_deployed_is_ours_and_one_at_another_address_is_not() {
        let ours = Standing { ours: true, services: vec![VIP], ..Standing::default() };
        let report = judged_in(ours.clone(), &[probed(Role::Component, VIP, &[Open, Open])]);
        assert!(report.warnings.is_empty() && report.notes[0].en.contains("this project's"), "{report:?}");
        let report = judged_in(ours, &[probed(Role::Component, HOST, &[Open, Open])]);
        assert_eq!((report.warnings.len(), report.notes.len()), (1, 0));
    }

    #[test]
    fn a_cloudtower_is_ours_by_the_journal_alone_and_else_called_by_its_name() {
        let answering = || {
            let tower = probed(Role::Tower, VIP, &[Reach::Unproved("proxy".into()), Silent]);
            [host(), Probed { is_cloudtower: true, ..tower }]
        };
        let report = judged_in(Standing { ours: true, tower: true, ..Standing::default() }, &answering());
        assert!(report.taken.is_empty() && report.warnings.is_empty(), "{report:?}");
        let report = judged(true, &answering());
        assert!(report.warnings[0].en.contains("a CloudTower answers"), "{report:?}");
        let report = judged(false, &answering());
        assert!(report.taken[1].en.contains("a CloudTower answers"), "{report:?}");
    }

    #[test]
    fn a_host_needs_port_80_and_should_have_22() {
        let report = judged(false, &[probed(Role::Host, HOST, &[Silent, Silent, Silent])]);
        assert_eq!((report.errors.len(), report.warnings.len(), report.notes.len()), (1, 1, 1));
        assert_eq!(judged(false, &[host()]).errors.len(), 0);
    }

    #[test]
    fn a_host_that_restarts_under_an_earlier_run_s_deployment_is_no_error() {
        let standing = Standing { ours: true, under_way: true, ..Standing::default() };
        let report = judged_in(standing, &[probed(Role::Host, HOST, &[Refused, Silent, Silent])]);
        assert_eq!((report.errors.len(), report.warnings.len(), report.notes.len()), (0, 0, 1));
    }

    #[test]
    fn an_absent_bmc_is_a_warning_and_a_silent_gateway_is_not_provable() {
        let report = judged(
            false,
            &[probed(Role::Bmc, HOST, &[Silent]), probed(Role::Gateway, VIP, &[Silent, Silent])],
        );
        assert_eq!((report.errors.len(), report.warnings.len(), report.unproved.len()), (0, 1, 1));
    }
}
