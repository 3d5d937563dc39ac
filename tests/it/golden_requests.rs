//! Every request of stages 01 to 03 equals one written by hand from the contract (`tests/golden/`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use voyager::sim::{Request, Twin};

use crate::support::{
    site::{SimulatedSite, undisturbed},
    tool::project,
};

#[test]
fn the_changing_requests_are_the_golden_ones_in_their_order() {
    let site = SimulatedSite::finished();
    let names = Names::of(&site);
    let sent: Vec<Value> =
        collapsed(undisturbed().requests.iter().filter(|r| is_http(r) && r.changing).map(|r| names.show(r)));
    let golden = golden();
    let expected: Vec<Value> =
        golden["changing"].as_array().expect("a list").iter().map(|r| names.fill(r)).collect();
    for (sent, expected) in sent.iter().zip(&expected) {
        assert_eq!(sent, expected);
    }
    assert_eq!(sent.len(), expected.len(), "sent: {sent:#?}");
}

#[test]
fn every_other_request_is_a_golden_one() {
    let site = SimulatedSite::finished();
    let names = Names::of(&site);
    let golden = golden();
    let known: BTreeSet<String> = golden["reading"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|r| r.as_str().expect("text").to_owned())
        .collect();
    let sent: BTreeSet<String> =
        undisturbed().requests.iter().filter(|r| is_http(r) && !r.changing).map(|r| names.line(r)).collect();
    let unknown: Vec<_> = sent.difference(&known).collect();
    assert!(unknown.is_empty(), "not in the golden list: {unknown:#?}");
}

fn golden() -> Value {
    let text =
        std::fs::read_to_string(project("tests/golden/init_and_config.json")).expect("the golden file");
    serde_json::from_str(&text).expect("the golden file is JSON")
}

fn is_http(request: &Request) -> bool {
    request.scheme.starts_with("http")
}

/// A chunk series counts as one request.
fn collapsed(requests: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut list: Vec<Value> = Vec::new();
    for request in requests {
        if request["body"] != "{chunk bytes}" || list.last() != Some(&request) {
            list.push(request);
        }
    }
    list
}

/// The placeholders of the golden file and what this site has in their place.
struct Names {
    values: BTreeMap<String, String>,
    disks: BTreeMap<String, Value>,
}

impl Names {
    fn of(site: &SimulatedSite) -> Self {
        let (twin, vdses) = site.running().site().with(|state, _| (state.twin.clone(), state.vds_uuids()));
        let mut values: BTreeMap<String, String> =
            vdses.into_iter().map(|(name, uuid)| (format!("{{vds {name}}}"), uuid)).collect();
        values.extend(identities(&twin));
        let ledger = site.ledger();
        for (id, volume) in &ledger.volumes {
            values.insert("{tools volume}".into(), id.clone());
            values.insert("{tools name}".into(), volume.name.clone());
            values.insert("{tools size}".into(), volume.size.to_string());
        }
        let disks =
            twin.hosts.iter().map(|host| (format!("{{disks {}}}", host.mgmt_ip), roles(host))).collect();
        Self { values, disks }
    }

    /// A sent request in the form of the golden file.
    fn show(&self, request: &Request) -> Value {
        let mut body = request.body.clone();
        if request.operation.ends_with("upload_template") {
            body = json!("{chunk bytes}");
        }
        if body["ntp"]["current_time"].is_string() {
            body["ntp"]["current_time"] = json!("{now}");
        }
        json!({"request": self.line(request), "body": body})
    }

    /// `METHOD scheme://address/path?query`, with what differs from run to run masked.
    fn line(&self, request: &Request) -> String {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut path = path.to_owned();
        if let Some(at) = path.find("/api/v2/jobs/") {
            path.replace_range(at + "/api/v2/jobs/".len().., "{job}");
        }
        for (name, value) in self.values.iter().filter(|(name, _)| name.starts_with("{vds ")) {
            path = path.replace(value, name);
        }
        let mask = |pair: &str| match pair.split_once('=') {
            Some(("chunk_num", _)) => "chunk_num={chunk}".to_owned(),
            Some(("image_uuid", _)) => "image_uuid={tools image}".to_owned(),
            _ => pair.to_owned(),
        };
        let query: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(mask).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        format!("{} {}://{}{path}{query}", request.method, request.scheme, request.address)
    }

    /// A golden request with its placeholders filled.
    fn fill(&self, golden: &Value) -> Value {
        match golden {
            Value::String(text) => match self.disks.get(text) {
                Some(disks) => disks.clone(),
                None => Value::String(self.fill_text(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (name.clone(), self.fill(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    fn fill_text(&self, text: &str) -> String {
        // VDS names stay masked in the path, where `line` masks them too.
        let in_path = text.contains("://");
        let names = self.values.iter().filter(|(name, _)| !in_path || !name.starts_with("{vds "));
        names.fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

fn identities(twin: &Twin) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for host in &twin.hosts {
        values.insert(format!("{{uuid {}}}", host.mgmt_ip), host.uuid.clone());
        let port =
            host.ifaces.iter().find(|port| port.ipv4 == Some(host.mgmt_ip)).expect("a management port");
        let link_local = port.ipv6.clone().expect("a link-local address");
        values.insert(format!("{{link-local {}}}", host.mgmt_ip), link_local);
    }
    values
}

/// The roles of planning-sheet §6.3 for a tiered host with SSD and HDD: SSD is cache, HDD is data, no boot disk.
fn roles(host: &voyager::sim::twin::Host) -> Value {
    let disks = host.disks.iter().filter(|disk| disk.function != "boot").map(|disk| {
        let function = if disk.kind == "SSD" { "cache" } else { "data" };
        json!({
            "drive": disk.drive, "function": function, "model": disk.model,
            "serial": disk.serial, "size": disk.size, "type": disk.kind,
        })
    });
    disks.collect()
}
