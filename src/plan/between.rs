//! What the plans of several clusters take from each other: addresses, names, VLANs.
//!
//! An address that two plans give away, one cluster under two names of a file, or one name for two clusters is an
//! error. What only looks wrong on a network that both share, and may be right on two, is a warning.

use std::{collections::BTreeMap, net::Ipv4Addr};

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{CellRef, Located, Plan, Severity, map, normalise};
use crate::{
    messages::message,
    text::{Lang, Say, Text},
};

/// One finding about two plans.
#[derive(Clone, Debug)]
pub struct Collision {
    /// `FLEET-01`.
    pub id: &'static str,
    /// `address-taken-twice`.
    pub kind: &'static str,
    pub severity: Severity,
    pub message: Text,
    pub help: Text,
    pub sides: [Side; 2],
}

/// Where one of the two says what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// The workbook, as it was named.
    pub file: String,
    pub cell: CellRef,
    /// What stands there.
    pub value: String,
}

impl Collision {
    /// As `plan check --output json` prints it.
    pub fn json(&self, lang: Lang) -> Value {
        let side = |side: &Side| json!({"file": side.file, "sheet": side.cell.sheet, "cell": side.cell.a1(), "value": side.value});
        json!({
            "id": self.id, "kind": self.kind, "severity": self.severity,
            "message": self.message.get(lang), "help": self.help.get(lang),
            "sides": self.sides.iter().map(side).collect::<Vec<_>>(),
        })
    }
}

impl Side {
    fn of<T>(file: &str, value: &Located<T>) -> Self {
        Self { file: file.to_owned(), cell: value.cell.clone(), value: value.raw.clone() }
    }

    /// What the operator calls the cell.
    fn title(&self) -> Text {
        map::title(&self.cell)
    }
}

impl Say for Side {
    fn say(&self, _: Lang) -> String {
        format!("{} {}", self.file, self.cell)
    }
}

/// Every collision between any two of the plans, each of which is named as its file is; in the order of the plans.
pub fn collisions(plans: &[(String, &Plan)]) -> Vec<Collision> {
    let mut found = Vec::new();
    for (at, (file, plan)) in plans.iter().enumerate() {
        for (other_file, other) in &plans[..at] {
            let pair = Pair { one: (other_file, other), two: (file, plan) };
            pair.addresses(&mut found);
            pair.names(&mut found);
            pair.networks(&mut found);
        }
    }
    found
}

/// Two plans, the earlier one first.
struct Pair<'p> {
    one: (&'p str, &'p Plan),
    two: (&'p str, &'p Plan),
}

/// A network of a plan as far as others may see it.
struct Network<'p> {
    vlan: &'p Located<u16>,
    subnet: &'p Located<Ipv4Net>,
}

impl Pair<'_> {
    fn addresses(&self, found: &mut Vec<Collision>) {
        let taken = by_address(taken(self.one.1));
        for address in self::taken(self.two.1) {
            if let Some(first) = taken.get(&address.value) {
                found.push(collision(
                    Rule::AddressTwice,
                    [Side::of(self.one.0, first), Side::of(self.two.0, address)],
                ));
            }
        }
        // What one needs to be somebody else's, the other gives to a machine of its own.
        for (giver, needer) in [(self.one, self.two), (self.two, self.one)] {
            let taken = by_address(self::taken(giver.1));
            for address in needed(needer.1) {
                if let Some(own) = taken.get(&address.value) {
                    found.push(collision(
                        Rule::AddressNeeded,
                        [Side::of(giver.0, own), Side::of(needer.0, &address)],
                    ));
                }
            }
            let Some(range) = &giver.1.test_range else { continue };
            for address in self::taken(needer.1) {
                if (range.start.value..=range.end.value).contains(&address.value) {
                    found.push(collision(
                        Rule::AddressInRange,
                        [Side::of(giver.0, &range.start), Side::of(needer.0, address)],
                    ));
                }
            }
        }
        if let (Some(one), Some(two)) = (&self.one.1.test_range, &self.two.1.test_range)
            && one.start.value <= two.end.value
            && two.start.value <= one.end.value
        {
            found.push(collision(
                Rule::RangesOverlap,
                [Side::of(self.one.0, &one.start), Side::of(self.two.0, &two.start)],
            ));
        }
    }

    fn names(&self, found: &mut Vec<Collision>) {
        let (one, two) = (&self.one.1.cluster.name, &self.two.1.cluster.name);
        if normalise::fold(one) == normalise::fold(two) {
            found.push(collision(Rule::ClusterTwice, [Side::of(self.one.0, one), Side::of(self.two.0, two)]));
        }
        for two in &self.two.1.hosts {
            for one in &self.one.1.hosts {
                if normalise::fold(&one.hostname) == normalise::fold(&two.hostname) {
                    found.push(collision(
                        Rule::HostNameTwice,
                        [Side::of(self.one.0, &one.hostname), Side::of(self.two.0, &two.hostname)],
                    ));
                }
                if let (Some(first), Some(second)) = (&one.serial, &two.serial)
                    && normalise::fold(first) == normalise::fold(second)
                {
                    found.push(collision(
                        Rule::HostTwice,
                        [Side::of(self.one.0, first), Side::of(self.two.0, second)],
                    ));
                }
            }
        }
    }

    /// VLANs count where both are on one network: they have a subnet in common.
    fn networks(&self, found: &mut Vec<Collision>) {
        let (ones, twos) = (networks(self.one.1), networks(self.two.1));
        let sides =
            |one: &Located<u16>, two: &Located<u16>| [Side::of(self.one.0, one), Side::of(self.two.0, two)];
        let mut shared = false;
        for (one, two) in pairs(&ones, &twos).filter(|(one, two)| overlap(one, two)) {
            shared = true;
            if one.subnet.trunc() != two.subnet.trunc() {
                found.push(collision(
                    Rule::SubnetsOverlap,
                    [Side::of(self.one.0, one.subnet), Side::of(self.two.0, two.subnet)],
                ));
            }
            // 0 is untagged: which VLAN that is the port of the switch decides.
            let tagged = one.vlan.value != 0 && two.vlan.value != 0;
            if tagged && one.vlan.value != two.vlan.value {
                found.push(collision(Rule::TwoVlans, sides(one.vlan, two.vlan)));
            }
        }
        if !shared {
            return;
        }
        let same_vlan = |(one, two): &(&Network<'_>, &Network<'_>)| {
            one.vlan.value != 0 && one.vlan.value == two.vlan.value && !overlap(one, two)
        };
        for (one, two) in pairs(&ones, &twos).filter(same_vlan) {
            found.push(collision(Rule::TwoSubnets, sides(one.vlan, two.vlan)));
        }
    }
}

fn pairs<'a, 'p>(
    ones: &'a [Network<'p>],
    twos: &'a [Network<'p>],
) -> impl Iterator<Item = (&'a Network<'p>, &'a Network<'p>)> {
    ones.iter().flat_map(move |one| twos.iter().map(move |two| (one, two)))
}

fn overlap(one: &Network<'_>, two: &Network<'_>) -> bool {
    one.subnet.contains(&two.subnet.network()) || two.subnet.contains(&one.subnet.network())
}

/// Every address that the plan gives to a machine of its own.
fn taken(plan: &Plan) -> Vec<&Located<Ipv4Addr>> {
    let hosts = plan
        .hosts
        .iter()
        .flat_map(|host| [Some(&host.mgmt_ip), Some(&host.storage_ip), host.bmc_ip.as_ref()]);
    let fixed = [
        Some(&plan.cluster.vip),
        Some(&plan.cloudtower.ip),
        plan.observability.ip.as_ref(),
        plan.backup.ip.as_ref(),
        plan.er.vip.as_ref(),
    ];
    let extras = plan.extra_components.iter().map(|extra| &extra.ip);
    hosts.chain(fixed).flatten().chain(&plan.er.nodes).chain(extras).collect()
}

fn by_address(addresses: Vec<&Located<Ipv4Addr>>) -> BTreeMap<Ipv4Addr, &Located<Ipv4Addr>> {
    addresses.into_iter().map(|address| (address.value, address)).collect()
}

/// Addresses that the plan counts on others for: gateways and servers.
fn needed(plan: &Plan) -> Vec<Located<Ipv4Addr>> {
    let networks = &plan.networks;
    let routed = [Some(&networks.mgmt), networks.infra.as_ref()];
    let plain = [networks.ipmi.as_ref(), Some(&networks.storage), networks.backup.as_ref()];
    let gateways = routed.into_iter().flatten().map(|network| &network.gateway);
    let plain = plain.into_iter().flatten().filter_map(|network| network.gateway.as_ref());
    let business = networks.business.iter().filter_map(|network| network.gateway.as_ref());
    let own = gateways.chain(plain).chain(business).chain(&plan.dns.servers).cloned();
    let clocks = plan.ntp.servers.iter().filter_map(|server| {
        let value = server.parse().ok()?;
        let Located { cell, raw, origin, .. } = server.clone();
        Some(Located { value, cell, raw, origin })
    });
    own.chain(clocks).collect()
}

/// The networks whose VLAN and subnet are known; that of the management controllers is none of the cluster's.
fn networks(plan: &Plan) -> Vec<Network<'_>> {
    let networks = &plan.networks;
    let routed = [Some(&networks.mgmt), networks.infra.as_ref()];
    let routed = routed.into_iter().flatten().map(|net| Network { vlan: &net.vlan_id, subnet: &net.subnet });
    let plain = [Some(&networks.storage), networks.backup.as_ref()];
    let plain = plain.into_iter().flatten().map(|net| Network { vlan: &net.vlan_id, subnet: &net.subnet });
    let business = networks.business.iter().filter_map(|net| {
        let subnet = net.subnet.as_ref()?;
        Some(Network { vlan: &net.vlan_id, subnet })
    });
    routed.chain(plain).chain(business).collect()
}

/// What two plans may have in common and must not, or should not.
#[derive(Clone, Copy)]
enum Rule {
    AddressTwice,
    AddressNeeded,
    AddressInRange,
    RangesOverlap,
    ClusterTwice,
    HostNameTwice,
    HostTwice,
    TwoVlans,
    TwoSubnets,
    SubnetsOverlap,
}

impl Rule {
    fn identity(self) -> (&'static str, &'static str, Severity) {
        use Severity::{Error, Warning};
        match self {
            Self::AddressTwice => ("FLEET-01", "address-taken-twice", Error),
            Self::AddressNeeded => ("FLEET-02", "address-is-gateway-or-server", Error),
            Self::AddressInRange => ("FLEET-03", "address-in-test-range", Error),
            Self::RangesOverlap => ("FLEET-04", "test-ranges-overlap", Warning),
            Self::ClusterTwice => ("FLEET-11", "cluster-name-twice", Error),
            Self::HostNameTwice => ("FLEET-12", "host-name-twice", Warning),
            Self::HostTwice => ("FLEET-13", "host-twice", Error),
            Self::TwoVlans => ("FLEET-21", "subnet-in-two-vlans", Warning),
            Self::TwoSubnets => ("FLEET-22", "vlan-of-two-subnets", Warning),
            Self::SubnetsOverlap => ("FLEET-23", "subnets-overlap", Warning),
        }
    }

    fn help(self) -> Text {
        match self {
            Self::AddressTwice | Self::AddressNeeded => message("plan.between.address-help", &[]),
            Self::AddressInRange | Self::RangesOverlap => message("plan.between.range-help", &[]),
            Self::ClusterTwice => message("plan.between.cluster-help", &[]),
            Self::HostNameTwice => message("plan.between.host-help", &[]),
            Self::HostTwice => message("plan.between.serial-help", &[]),
            Self::TwoVlans | Self::TwoSubnets | Self::SubnetsOverlap => {
                message("plan.between.vlan-help", &[])
            }
        }
    }
}

fn collision(rule: Rule, sides: [Side; 2]) -> Collision {
    let [one, two] = &sides;
    let (first, second) = (one.title(), two.title());
    let args: [(&str, &dyn Say); 6] = [
        ("one", one),
        ("two", two),
        ("first", &first),
        ("second", &second),
        ("value", &one.value),
        ("other", &two.value),
    ];
    let message = match rule {
        Rule::AddressTwice => message("plan.between.address", &args),
        Rule::AddressNeeded => message("plan.between.needed", &args),
        Rule::AddressInRange => message("plan.between.in-range", &args),
        Rule::RangesOverlap => message("plan.between.ranges", &args),
        Rule::ClusterTwice => message("plan.between.cluster", &args),
        Rule::HostNameTwice => message("plan.between.host", &args),
        Rule::HostTwice => message("plan.between.serial", &args),
        Rule::TwoVlans => message("plan.between.two-vlans", &args),
        Rule::TwoSubnets => message("plan.between.two-subnets", &args),
        Rule::SubnetsOverlap => message("plan.between.overlap", &args),
    };
    let (id, kind, severity) = rule.identity();
    Collision { id, kind, severity, message, help: rule.help(), sides }
}
