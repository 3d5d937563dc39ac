//! What a TCP connect to a planned address meets at this moment (site-behaviour §1).

use std::net::Ipv4Addr;

use super::{clock::Moment, site::State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Not part of the plan.
    Outside,
    /// Packets vanish.
    Silent,
    /// Silent until the moment, then reset: a management interface being rebuilt.
    Rebuilding(Moment),
    /// Something is there, but nothing listens.
    Refused,
    /// Accepts and never says anything: a port that only a probe connects to.
    Quiet,
    Http,
    Https,
    Ssh,
}

impl State {
    pub fn reach(&mut self, now: Moment, address: Ipv4Addr, port: u16) -> Reach {
        if self.quirks.silent.contains(&address) {
            return Reach::Silent;
        }
        if self.quirks.occupied.contains(&address) && matches!(port, 22 | 80 | 443) {
            return Reach::Quiet;
        }
        if self.twin.host_at(address).is_some() {
            return self.reach_host(now, address, port);
        }
        // The VIP that was set, which a corrected plan may no longer name.
        if self.cluster.live_vip(now) == Some(address) {
            return match port {
                80 => Reach::Http,
                443 => Reach::Https,
                _ => Reach::Refused,
            };
        }
        if self.twin.plan.vip == Some(address) {
            return Reach::Silent;
        }
        let plan = &self.twin.plan;
        if plan.hosts.iter().any(|host| host.bmc_ip == Some(address)) {
            return if port == 443 { Reach::Quiet } else { Reach::Refused };
        }
        if let Some(host) = self.twin.hosts.iter().find(|host| host.storage_ip == address) {
            return if self.cluster.deployment.is_member(&host.uuid) {
                Reach::Refused
            } else {
                Reach::Silent
            };
        }
        if plan.dns.contains(&address) && port == 53 {
            return Reach::Quiet;
        }
        if [&plan.dns, &plan.gateways, &plan.ntp].iter().any(|group| group.contains(&address)) {
            return Reach::Refused;
        }
        if plan.cloudtower == Some(address) {
            let alone = self.quirks.tower.installed && matches!(port, 80 | 443);
            return if alone { self.reach_tower(now, port) } else { self.reach_guest(now, port) };
        }
        if self.backup_answers(now, address) {
            return if matches!(port, 22 | 80 | 443) { Reach::Quiet } else { Reach::Refused };
        }
        if let Some(reach) = self.reach_observability(now, address, port) {
            return reach;
        }
        let free = plan.components.values().any(|addresses| addresses.contains(&address));
        if free { Reach::Silent } else { Reach::Outside }
    }

    /// Ports 22 and 80 are always open, 443 only on members; the time line of §3.2 interrupts both.
    fn reach_host(&mut self, now: Moment, address: Ipv4Addr, port: u16) -> Reach {
        let member = self.twin.host_at(address).is_some_and(|h| self.cluster.deployment.is_member(&h.uuid));
        if let Some(interrupted) = self.interruption(now, address, port) {
            return interrupted;
        }
        match port {
            22 => Reach::Ssh,
            80 => Reach::Http,
            443 if member || self.quirks.https_before_deployment => Reach::Https,
            _ => Reach::Refused,
        }
    }
}
