//! Every setting of Observability read back: whatever changes at the site, exactly its row turns.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Value, json};

use super::{before, run};
use crate::support::{
    site::{SimulatedSite, Snapshot},
    tool::Ran,
};

type Rows = BTreeMap<String, Value>;

fn deployed() -> &'static Snapshot {
    static DEPLOYED: OnceLock<Snapshot> = OnceLock::new();
    DEPLOYED.get_or_init(|| {
        let site = SimulatedSite::restored(before());
        run(&site).run().exits_with(0);
        site.snapshot()
    })
}

fn read_back(site: &SimulatedSite) -> Ran {
    site.voyager("diff").args(["--stage", "08", "--output", "json"]).run()
}

fn rows(ran: &Ran) -> Rows {
    let told = ran.json();
    let rows = told["settings"].as_array().expect("rows").clone();
    rows.into_iter().map(|row| (row["key"].as_str().expect("a key").to_owned(), row)).collect()
}

/// The rows whose verdict is another than on the untouched site, with the new verdict.
fn turned(changes: &[(&str, Value)]) -> Vec<(String, String)> {
    static UNTOUCHED: OnceLock<Rows> = OnceLock::new();
    let untouched =
        UNTOUCHED.get_or_init(|| rows(&read_back(&SimulatedSite::restored(deployed())).exits_with(0)));
    let site = SimulatedSite::restored(deployed());
    for (pointer, value) in changes {
        site.running().patch(pointer, value.clone()).unwrap_or_else(|error| panic!("{pointer}: {error}"));
    }
    let after = rows(&read_back(&site));
    let verdict = |row: &Value| row["verdict"].as_str().expect("a verdict").to_owned();
    let changed = after.iter().filter(|(key, row)| verdict(row) != verdict(&untouched[*key]));
    changed.map(|(key, row)| (key.clone(), verdict(row))).collect()
}

#[test]
fn a_clean_deployment_has_every_row_as_planned_or_says_why_it_cannot_be_read() {
    let site = SimulatedSite::restored(deployed());
    let changes = site.ledger().change_count();
    let rows = rows(&read_back(&site).exits_with(0));
    assert_eq!(site.ledger().change_count(), changes);
    let verdict = |key: &str| rows[key]["verdict"].as_str().expect("a verdict").to_owned();
    for key in [
        "version",
        "vm_name",
        "status",
        "vm",
        "ip",
        "netmask",
        "gateway",
        "network",
        "dns",
        "cluster",
        "system_service",
        "traffic",
    ] {
        let key = format!("observability.{key}");
        assert_eq!(verdict(&key), "equal", "{key}: {:#}", rows[&key]);
        assert_eq!(rows[&key]["evidence"]["sha256"].as_str().map(str::len), Some(64), "{key}");
    }
    for key in ["observability.ntp", "observability.serial"] {
        assert_eq!(verdict(key), "unreadable", "{key}");
    }
}

#[test]
fn every_wrong_fact_turns_exactly_its_row() {
    const ONE: &str = "/tower/observability/instances/0";
    let at = |rest: &str| format!("{ONE}/{rest}");
    for (pointer, value, row, verdict) in [
        ("/tower/observability/packages/0/version".to_owned(), json!("v0.9.0"), "version", "differs"),
        (at("name"), json!("renamed"), "vm_name", "differs"),
        (at("subnet_mask"), json!("255.255.0.0"), "netmask", "differs"),
        (at("gateway"), json!("10.40.8.253"), "gateway", "differs"),
        (at("vlan"), json!("gone"), "network", "missing"),
        (at("machine/files/~1etc~1resolv.conf/text"), json!("nameserver 10.9.9.9\n"), "dns", "differs"),
        (at("clusters"), json!([]), "cluster", "missing"),
        (at("services"), json!([]), "system_service", "missing"),
        (at("clusters/0/traffic"), json!(false), "traffic", "differs"),
    ] {
        let mut expected = vec![(format!("observability.{row}"), verdict.to_owned())];
        if row == "cluster" {
            // Its traffic goes with it.
            expected.push(("observability.traffic".to_owned(), "missing".to_owned()));
        }
        assert_eq!(turned(&[(&pointer, value)]), expected, "{pointer}");
    }
}
