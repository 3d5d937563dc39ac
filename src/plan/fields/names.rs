//! Names of hosts, the cluster, switches, networks and racks (planning-sheet 4.5).

use super::{Parsed, Reject};

/// One RFC 1123 label, not all digits.
pub fn hostname(text: &str) -> Parsed<String> {
    let numeric = text.bytes().all(|b| b.is_ascii_digit());
    if is_label(text) && !numeric { Ok(text.to_owned()) } else { Err(Reject::new("PLAN-109")) }
}

/// Letters, digits and inner hyphens, 1 to 63.
pub fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

pub fn cluster(text: &str) -> Parsed<String> {
    printable(text, 255, "PLAN-302")
}

pub fn switch(text: &str) -> Parsed<String> {
    printable(text, 255, "PLAN-212.length")
}

pub fn network(text: &str) -> Parsed<String> {
    printable(text, 255, "PLAN-215.length")
}

pub fn rack(text: &str) -> Parsed<String> {
    printable(text, 64, "PLAN-501.name")
}

fn printable(text: &str, longest: usize, rule: &'static str) -> Parsed<String> {
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Reject::because(rule, longest));
    }
    Ok(text.to_owned())
}

/// Whether a cluster name follows the advice printed in the workbook: five parts, `CN-BJ-SMTX-Prod-Cls01`.
pub fn follows_advice(name: &str) -> bool {
    let parts: Vec<_> = name.split('-').collect();
    parts.len() == 5 && parts.iter().all(|part| !part.is_empty() && part.chars().all(char::is_alphanumeric))
}

/// `版本:6.2.0P4` → `6.2.0P4`: the text after 版本 and an optional colon (主机规划!C19).
pub fn version(text: &str) -> Parsed<String> {
    let after = text.split_once("版本").map_or(text, |(_, after)| after);
    Ok(after.trim_start_matches([':', '：', ' ']).to_owned())
}

/// The VLAN id that a network name itself mentions: the only number of 2 to 4 digits after "VLAN".
pub fn vlan_in_name(name: &str) -> Option<u16> {
    let lower = name.to_ascii_lowercase();
    let after = &lower[lower.find("vlan")? + 4..];
    let mut numbers =
        after.split(|c: char| !c.is_ascii_digit()).filter(|digits| (2..=4).contains(&digits.len()));
    match (numbers.next(), numbers.next()) {
        (Some(only), None) => only.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_single_labels() {
        let longest = "a".repeat(63);
        for name in ["BJ-SMTX-Prod-Node-01", "node1", "1a", longest.as_str()] {
            assert!(hostname(name).is_ok(), "{name}");
        }
        let too_long = "a".repeat(64);
        for name in ["", "node_1", "node.1", "-node", "node-", "123", "节点1", "a b", too_long.as_str()] {
            assert!(hostname(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_are_bounded_and_printable() {
        assert!(cluster("生产集群（一）").is_ok());
        assert!(cluster(&"集".repeat(255)).is_ok());
        assert!(cluster(&"集".repeat(256)).is_err());
        assert!(cluster("a\u{7}b").is_err());
        assert!(rack(&"r".repeat(65)).is_err());
    }

    #[test]
    fn the_naming_advice_wants_five_parts() {
        assert!(follows_advice("CN-BJ-SMTX-Prod-Cls01"));
        assert!(!follows_advice("cluster1"));
        assert!(!follows_advice("a--b-c-d"));
    }

    #[test]
    fn the_version_is_what_follows_the_label() {
        for text in ["版本:6.2.0P4", "版本6.2.0P4", "版本: 6.2.0P4", "6.2.0P4"] {
            assert_eq!(version(text).unwrap(), "6.2.0P4", "{text}");
        }
    }

    #[test]
    fn a_name_mentions_a_vlan_only_when_one_number_follows_the_word() {
        assert_eq!(vlan_in_name("VLAN-1120"), Some(1120));
        assert_eq!(vlan_in_name("业务vlan 30"), Some(30));
        assert_eq!(vlan_in_name("VLAN-1120-1130"), None);
        assert_eq!(vlan_in_name("VLAN-1"), None);
        assert_eq!(vlan_in_name("net-1120"), None);
        assert_eq!(vlan_in_name("VLAN12345"), None);
    }
}
