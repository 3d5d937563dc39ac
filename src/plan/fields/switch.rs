//! What a switch row says: NICs, bond mode, VLAN id and type, speed (planning-sheet 4.1 to 4.3).

use super::{Parsed, Reject};
use crate::plan::model::BondMode;

/// The NIC names in order, repetitions included (PLAN-208 looks at them).
pub fn nics(text: &str) -> Parsed<Vec<String>> {
    let separator =
        |c: char| matches!(c, ',' | ';' | '/' | '\\' | '|' | '、' | '，' | '；') || c.is_whitespace();
    let names: Vec<_> = text.split(separator).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err(Reject::because("PLAN-206", text));
    }
    match names.iter().find(|name| !is_nic(name)) {
        Some(bad) => Err(Reject::because("PLAN-206", bad)),
        None => Ok(names.into_iter().map(str::to_owned).collect()),
    }
}

/// A Linux interface name: at most 15 characters, starting with a letter or digit.
fn is_nic(name: &str) -> bool {
    name.len() <= 15
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-@".contains(&b))
}

/// Case-insensitive; space, `_` and `-` are equal.
pub fn bond_mode(text: &str) -> Parsed<BondMode> {
    let plain: String = text.to_lowercase().replace([' ', '_'], "-");
    match plain.as_str() {
        "active-backup" | "ab" | "主备" => Ok(BondMode::ActiveBackup),
        "balance-slb" | "slb" => Ok(BondMode::BalanceSlb),
        "balance-tcp" | "lacp" => Ok(BondMode::BalanceTcp),
        _ => Err(Reject::new("PLAN-210")),
    }
}

/// `1120`, `1120.0`, `VLAN 1120`; 0 is untagged, 4095 is reserved.
pub fn vlan_id(text: &str) -> Parsed<u16> {
    let bad = || Reject::new("PLAN-213");
    let digits = match text.get(..4).filter(|head| head.eq_ignore_ascii_case("vlan")) {
        Some(_) => text[4..].strip_prefix([' ', '_', '-']).unwrap_or(&text[4..]),
        None => text,
    };
    let (id, zeros) = digits.split_once('.').unwrap_or((digits, "0"));
    let all = |text: &str, digit: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|b| digit(&b));
    if id.len() > 4 || !all(id, u8::is_ascii_digit) || !all(zeros, |b| *b == b'0') {
        return Err(bad());
    }
    id.parse().ok().filter(|id| *id <= 4094).ok_or_else(bad)
}

/// `1-10,20`: the ids of a trunk, which no stage can create yet (PLAN-216).
pub fn trunk(text: &str) -> Parsed<()> {
    for item in text.split([',', '，', '、', ';']) {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        if vlan_id(first.trim())? > vlan_id(last.trim())? {
            return Err(Reject::new("PLAN-213"));
        }
    }
    Ok(())
}

/// What column G may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortType {
    Access,
    Trunk,
}

pub fn port_type(text: &str) -> Parsed<PortType> {
    match text.to_ascii_lowercase().as_str() {
        "access" => Ok(PortType::Access),
        "trunk" => Ok(PortType::Trunk),
        _ => Err(Reject::new("PLAN-216")),
    }
}

/// A link speed in Mbit/s; of several (`10G/25G`) the lowest. `None` when the text names none.
pub fn speed(text: &str) -> Option<u64> {
    text.split(['/', ',', ';', '、', ' '])
        .filter_map(|part| {
            let part = part.trim().to_ascii_uppercase();
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let value: u64 = part[..digits].parse().ok()?;
            match part[digits..].chars().next() {
                Some('G') => value.checked_mul(1000),
                Some('M') => Some(value),
                _ => None,
            }
        })
        .min()
}

/// A rack unit; its bounds are PLAN-501's.
pub fn rack_unit(text: &str) -> Parsed<u8> {
    text.trim_start_matches(['U', 'u'])
        .trim_end_matches(['U', 'u'])
        .parse()
        .ok()
        .filter(|unit| (1..=60).contains(unit))
        .ok_or_else(|| Reject::new("PLAN-501"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nic_lists_take_every_separator_and_keep_the_order() {
        for text in [
            "ens224,ens192",
            "ens224;ens192",
            "ens224/ens192",
            "ens224\\ens192",
            "ens224、ens192",
            "ens224 ens192",
        ] {
            assert_eq!(nics(text).unwrap(), ["ens224", "ens192"], "{text}");
        }
        assert_eq!(nics("eth0.100,p1p1@x").unwrap().len(), 2);
        for text in ["", ",", "网卡1", "_eth0", "abcdefghijklmnop"] {
            assert!(nics(text).is_err(), "{text}");
        }
    }

    #[test]
    fn bond_modes_have_their_spellings_and_no_default() {
        for text in ["active-backup", "Active_Backup", "ACTIVE BACKUP", "AB", "主备"] {
            assert_eq!(bond_mode(text), Ok(BondMode::ActiveBackup), "{text}");
        }
        assert_eq!(bond_mode("slb"), Ok(BondMode::BalanceSlb));
        assert_eq!(bond_mode("LACP"), Ok(BondMode::BalanceTcp));
        for text in ["", "bond", "802.3ad", "active"] {
            assert!(bond_mode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn vlan_ids_go_from_0_to_4094() {
        for (text, id) in
            [("0", 0), ("1120", 1120), ("1120.0", 1120), ("VLAN1120", 1120), ("vlan-7", 7), ("4094", 4094)]
        {
            assert_eq!(vlan_id(text), Ok(id), "{text}");
        }
        for text in ["4095", "-1", "1122.5", "1.", "", "VLAN", "10 20", "11200", "1,2", "vlan--1"] {
            assert!(vlan_id(text).is_err(), "{text}");
        }
    }

    #[test]
    fn trunks_are_lists_of_ids_and_ranges() {
        assert!(trunk("1-10,20").is_ok());
        assert!(trunk("10-1").is_err());
        assert!(trunk("a").is_err());
    }

    #[test]
    fn the_lowest_of_several_speeds_counts() {
        assert_eq!(speed("10G/25G"), Some(10_000));
        assert_eq!(speed("100M"), Some(100));
        assert_eq!(speed("1G"), Some(1_000));
        assert_eq!(speed("fast"), None);
    }

    #[test]
    fn rack_units_are_whole_and_within_60() {
        assert_eq!(rack_unit("1"), Ok(1));
        assert_eq!(rack_unit("U12"), Ok(12));
        assert_eq!(rack_unit("12U"), Ok(12));
        for text in ["0", "61", "1.5", "-1", "", "a"] {
            assert!(rack_unit(text).is_err(), "{text}");
        }
    }
}
