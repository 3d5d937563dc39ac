//! `host_ip` of the deploy payload: how the first node will reach each host (api-fisheye §3.4, §9-17).

use std::{collections::BTreeMap, net::Ipv4Addr};

use crate::{engine::Fact, stages::hardware::Hardware};

/// Link-local addresses with zones as the first node saw them (api-fisheye §3.2), by host UUID.
pub const NEIGHBOURS: Fact<BTreeMap<String, String>> = Fact::new("neighbours");

/// The zone is a NIC of the node that receives the request, the address one of the target; both are those that
/// carry the management address, so that they lie in one layer-2 network. Without a link-local address, the plain
/// management address: deployments are known to work with it.
pub fn host_ip(
    first: (&Hardware, Ipv4Addr),
    target: (&Hardware, Ipv4Addr),
    neighbours: &BTreeMap<String, String>,
) -> String {
    let (target, address) = target;
    if let Some(seen) = neighbours.get(&target.host_uuid) {
        return seen.clone();
    }
    let (receiver, receives_at) = first;
    let zone = receiver.carrier(receives_at).map(|nic| nic.name.as_str());
    let link_local = target.carrier(address).and_then(|nic| nic.ipv6.as_deref());
    match (link_local, zone) {
        (Some(link_local), Some(zone)) => format!("{link_local}%{zone}"),
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::hardware::Nic;

    fn host(uuid: &str, nics: &[(&str, Option<&str>, Option<&str>)]) -> Hardware {
        let nic = |(name, ipv4, ipv6): &(&str, Option<&str>, Option<&str>)| Nic {
            name: (*name).to_owned(),
            ipv4: ipv4.map(str::to_owned),
            ipv6: ipv6.map(str::to_owned),
            link_up: true,
            speed: None,
        };
        Hardware {
            host_uuid: uuid.to_owned(),
            serial: String::new(),
            version: String::new(),
            arch: "x86_64".to_owned(),
            nics: nics.iter().map(nic).collect(),
            disks: Vec::new(),
        }
    }

    const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 11);
    const SECOND: Ipv4Addr = Ipv4Addr::new(10, 0, 20, 12);

    fn first() -> Hardware {
        host("u-1", &[("ens256", None, Some("fe80::9")), ("ens192", Some("10.0.20.11"), Some("fe80::1"))])
    }

    #[test]
    fn the_zone_is_the_receiver_s_and_the_address_the_target_s() {
        let second = host("u-2", &[("eno1", Some("10.0.20.12"), Some("fe80::2"))]);
        let none = BTreeMap::new();
        assert_eq!(host_ip((&first(), FIRST), (&second, SECOND), &none), "fe80::2%ens192");
        assert_eq!(host_ip((&first(), FIRST), (&first(), FIRST), &none), "fe80::1%ens192");
    }

    #[test]
    fn what_the_first_node_saw_itself_comes_first() {
        let second = host("u-2", &[("eno1", Some("10.0.20.12"), Some("fe80::2"))]);
        let seen = BTreeMap::from([("u-2".to_owned(), "fe80::3%ens256".to_owned())]);
        assert_eq!(host_ip((&first(), FIRST), (&second, SECOND), &seen), "fe80::3%ens256");
    }

    #[test]
    fn without_a_link_local_address_the_management_address_is_sent() {
        let second = host("u-2", &[("eno1", Some("10.0.20.12"), None)]);
        assert_eq!(host_ip((&first(), FIRST), (&second, SECOND), &BTreeMap::new()), "10.0.20.12");
    }
}
