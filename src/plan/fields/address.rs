//! Addresses, subnets, ranges and server names (planning-sheet 4.4, 4.5).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;

use super::{Parsed, Reject};

/// Any IPv4 address: a gateway, a server. No leading zeros, no port, no mask.
pub fn ipv4(text: &str) -> Parsed<Ipv4Addr> {
    // The standard parser takes exactly four decimal octets without leading zeros.
    text.parse().map_err(|_| {
        Reject::new(if is_ipv6(text) {
            "PLAN-111"
        } else if text.parse::<f64>().is_ok() {
            "PLAN-104.number"
        } else {
            "PLAN-104"
        })
    })
}

/// An address that a host, the VIP or a component can have.
pub fn unicast(text: &str) -> Parsed<Ipv4Addr> {
    let address = ipv4(text)?;
    let special = address.octets()[0] == 0
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.octets()[0] >= 240;
    if special { Err(Reject::new("PLAN-104.special")) } else { Ok(address) }
}

/// `a.b.c.d/nn` or `a.b.c.d/255.255.255.0`, 8 ≤ nn ≤ 30. Host bits are kept: PLAN-202 looks at them.
pub fn cidr(text: &str) -> Parsed<Ipv4Net> {
    let bad = || Reject::new(if is_ipv6(text) { "PLAN-111" } else { "PLAN-201" });
    let (address, mask) = text.split_once('/').ok_or_else(bad)?;
    let address: Ipv4Addr = address.parse().map_err(|_| bad())?;
    let prefix = if mask.contains('.') {
        let mask: Ipv4Addr = mask.parse().map_err(|_| bad())?;
        ipnet::ipv4_mask_to_prefix(mask).map_err(|_| bad())?
    } else if (1..=2).contains(&mask.len()) && mask.bytes().all(|b| b.is_ascii_digit()) {
        mask.parse().map_err(|_| bad())?
    } else {
        return Err(bad());
    };
    if !(8..=30).contains(&prefix) {
        return Err(Reject::new("PLAN-201.prefix"));
    }
    Ipv4Net::new(address, prefix).map_err(|_| bad())
}

/// `a-b` or `a~b`: both ends of a range in one cell; `None` when the text is no pair of addresses.
pub fn range(text: &str) -> Option<(&str, &str)> {
    let (start, end) = text.split_once(['-', '~'])?;
    (start.parse::<Ipv4Addr>().is_ok() && end.parse::<Ipv4Addr>().is_ok()).then_some((start, end))
}

/// A DNS server: an IPv4 address, because the site takes nothing else.
pub fn dns_server(text: &str) -> Parsed<Ipv4Addr> {
    text.parse().map_err(|_| Reject::new(if is_ipv6(text) { "PLAN-111" } else { "PLAN-422" }))
}

/// A time server: an IPv4 address or a full domain name.
pub fn ntp_server(text: &str) -> Parsed<String> {
    if text.parse::<Ipv4Addr>().is_ok() || is_fqdn(text) {
        return Ok(text.to_owned());
    }
    Err(Reject::new(if is_ipv6(text) { "PLAN-111" } else { "PLAN-413" }))
}

/// Labels of letters, digits and hyphens; the last one has a letter, so that a mistyped address is no name.
pub fn is_fqdn(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(super::names::is_label)
        && text.rsplit('.').next().is_some_and(|last| last.bytes().any(|b| b.is_ascii_alphabetic()))
}

fn is_ipv6(text: &str) -> bool {
    let address = text.split(['/', '%']).next().unwrap_or_default();
    address
        .trim_start_matches('[')
        .split(']')
        .next()
        .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule<T>(parsed: Parsed<T>) -> &'static str {
        parsed.err().map_or("ok", |reject| reject.rule)
    }

    #[test]
    fn addresses_are_four_plain_octets() {
        for (text, outcome) in [
            ("10.0.20.11", "ok"),
            ("10.0.20.011", "PLAN-104"),
            ("10.0.20.256", "PLAN-104"),
            ("10.0.20", "PLAN-104"),
            ("10.0.20.11:80", "PLAN-104"),
            ("10.0.20.11/24", "PLAN-104"),
            ("10.02", "PLAN-104.number"),
            ("fe80::1", "PLAN-111"),
            ("fe80::1%eth0", "PLAN-111"),
            ("0.1.2.3", "PLAN-104.special"),
            ("127.0.0.1", "PLAN-104.special"),
            ("169.254.1.1", "PLAN-104.special"),
            ("224.0.0.1", "PLAN-104.special"),
            ("240.0.0.1", "PLAN-104.special"),
            ("255.255.255.255", "PLAN-104.special"),
        ] {
            assert_eq!(rule(unicast(text)), outcome, "{text}");
        }
    }

    #[test]
    fn subnets_take_a_prefix_or_a_mask() {
        for (text, outcome) in [
            ("10.0.20.0/24", "ok"),
            ("10.0.20.0/255.255.255.0", "ok"),
            ("10.0.20.5/24", "ok"),
            ("10.0.0.0/8", "ok"),
            ("10.0.0.0/30", "ok"),
            ("10.0.0.0/31", "PLAN-201.prefix"),
            ("10.0.0.0/7", "PLAN-201.prefix"),
            ("10.0.20.0", "PLAN-201"),
            ("10.0.20.0/", "PLAN-201"),
            ("10.0.20.0/+24", "PLAN-201"),
            ("10.0.20.0/255.0.255.0", "PLAN-201"),
            ("10.0.20/24", "PLAN-201"),
            ("fd00::/64", "PLAN-111"),
        ] {
            assert_eq!(rule(cidr(text)), outcome, "{text}");
        }
        assert_eq!(cidr("10.0.20.0/255.255.254.0").unwrap().prefix_len(), 23);
    }

    #[test]
    fn a_range_in_one_cell_is_split() {
        assert_eq!(range("10.0.0.1-10.0.0.9"), Some(("10.0.0.1", "10.0.0.9")));
        assert_eq!(range("10.0.0.1~10.0.0.9"), Some(("10.0.0.1", "10.0.0.9")));
        assert_eq!(range("10.0.0.1-9"), None);
    }

    #[test]
    fn time_servers_are_addresses_or_full_names() {
        for (text, outcome) in [
            ("10.0.0.2", "ok"),
            ("ntp.c89.fun", "ok"),
            ("ntp1", "ok"),
            ("10.0.0", "PLAN-413"),
            ("10.0.0.300", "PLAN-413"),
            ("ntp_1.c89.fun", "PLAN-413"),
            ("-a.b", "PLAN-413"),
            ("a..b", "PLAN-413"),
            ("fe80::1", "PLAN-111"),
        ] {
            assert_eq!(rule(ntp_server(text)), outcome, "{text}");
        }
        assert_eq!(rule(dns_server("dns.c89.fun")), "PLAN-422");
    }
}
