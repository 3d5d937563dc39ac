//! Every request of the runbook equals one written by hand from the contract (`tests/golden/`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use voyager::sim::{Request, Twin};

use crate::support::{
    site::{SimulatedSite, undisturbed},
    tool::project,
};

#[test]
fn the_changing_requests_are_the_golden_ones_in_their_order() {
    // One step after the other: side by side, which of two sends first is chance.
    let site = SimulatedSite::example().start();
    site.run().args(["--in-order"]).run().exits_with(0);
    let (names, requests) = (Names::of(&site), site.requests());
    let lanes: Vec<Lane> = FILES.iter().map(|file| Lane::read(file)).collect();
    let common = Lane {
        operations: Vec::new(),
        changing: lanes
            .iter()
            .filter(|lane| lane.operations.is_empty())
            .flat_map(|l| l.changing.clone())
            .collect(),
    };
    let own: Vec<&Lane> = lanes.iter().filter(|lane| !lane.operations.is_empty()).collect();
    for lane in own.iter().copied().chain([&common]) {
        let in_lane = |request: &&Request| match own.iter().find(|lane| lane.has(request)) {
            Some(found) => std::ptr::eq(*found, lane),
            None => lane.operations.is_empty(),
        };
        let changing = requests.iter().filter(|r| is_http(r) && r.changing);
        let sent = numbered(collapsed(changing.filter(in_lane).map(|r| names.show(r))));
        let expected: Vec<Value> = lane.changing.iter().map(|r| names.fill(r)).collect();
        for (sent, expected) in sent.iter().zip(&expected) {
            assert_eq!(sent, expected);
        }
        assert_eq!(sent.len(), expected.len(), "sent: {sent:#?}");
    }
}

/// Requests that come one after the other. Stages that run side by side have an order of their own only: a golden file
/// that names its `operations` is one such lane.
struct Lane {
    operations: Vec<String>,
    changing: Vec<Value>,
}

impl Lane {
    fn read(file: &str) -> Self {
        let golden = read(file);
        let operations = golden["operations"].as_array().into_iter().flatten();
        let operations = operations.map(|name| name.as_str().expect("a name").to_owned()).collect();
        Self { operations, changing: golden["changing"].as_array().cloned().unwrap_or_default() }
    }

    fn has(&self, request: &Request) -> bool {
        self.operations.contains(&request.operation)
    }
}

#[test]
fn every_other_request_is_a_golden_one() {
    let site = SimulatedSite::finished();
    let names = Names::of(&site);
    let known: BTreeSet<String> =
        golden("reading").iter().map(|r| r.as_str().expect("text").to_owned()).collect();
    let sent: BTreeSet<String> =
        undisturbed().requests.iter().filter(|r| is_http(r) && !r.changing).map(|r| names.line(r)).collect();
    let unknown: Vec<_> = sent.difference(&known).collect();
    assert!(unknown.is_empty(), "not in the golden list: {unknown:#?}");
}

#[test]
fn the_commands_inside_cloudtower_s_vm_are_the_golden_ones() {
    let at_guest =
        |r: &&Request| r.scheme == "ssh" && r.method == "EXEC" && r.address.to_string() == "10.40.8.20";
    let list = |name: &str| -> Vec<String> {
        golden(name).iter().map(|line| line.as_str().expect("text").to_owned()).collect()
    };
    let sent: Vec<&Request> = undisturbed().requests.iter().filter(at_guest).collect();
    let changing: Vec<String> = sent.iter().filter(|r| r.changing).map(|r| r.target.clone()).collect();
    assert_eq!(changing, list("guest changing"));
    let masked =
        |line: &str| match line.split_once("tail -c +").map(|(head, rest)| (head, rest.split_once(' '))) {
            Some((head, Some((_, rest)))) => format!("{head}tail -c +{{byte}} {rest}"),
            _ => line.to_owned(),
        };
    let reading: BTreeSet<String> = sent.iter().filter(|r| !r.changing).map(|r| masked(&r.target)).collect();
    assert_eq!(reading, list("guest reading").into_iter().collect());
}

/// The golden files, in the order of the runbook.
const FILES: [&str; 6] =
    ["init_and_config", "cloudtower", "observability", "backup", "packages", "inspection"];

fn read(name: &str) -> Value {
    let path = project(&format!("tests/golden/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).expect("the golden file")).expect("the golden file is JSON")
}

/// One list of all files; not every file has every list.
fn golden(list: &str) -> Vec<Value> {
    FILES.iter().flat_map(|name| read(name)[list].as_array().cloned().unwrap_or_default()).collect()
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

/// CloudTower's ids become `{id 1}`, `{id 2}`, … in the order in which they first appear.
fn numbered(mut requests: Vec<Value>) -> Vec<Value> {
    fn walk(value: &mut Value, seen: &mut Vec<String>) {
        match value {
            Value::String(text) if is_tower_id(text) => {
                let at = seen.iter().position(|known| known == text).unwrap_or_else(|| {
                    seen.push(text.clone());
                    seen.len() - 1
                });
                *text = format!("{{id {}}}", at + 1);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, seen)),
            Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, seen)),
            _ => {}
        }
    }
    let mut seen = Vec::new();
    requests.iter_mut().for_each(|request| walk(&mut request["body"], &mut seen));
    requests
}

/// Operations whose body is a part of a file.
const CHUNKS: [&str; 5] = [
    "fisheye.svt.upload_template",
    "fisheye.image.chunk",
    "tower.ovm.chunk",
    "tower.uploadCloudTowerApplicationPackage",
    "tower.upload-cloudtower-application-package",
];

fn document(operation: &str) -> String {
    let path = project(&format!("templates/graphql/{operation}.graphql"));
    std::fs::read_to_string(path).unwrap_or_default()
}

/// `c` and 24 base-36 digits (site-behaviour §12), or the 27 letters and digits of a service inside CloudTower
/// (api-applications §0).
fn is_tower_id(text: &str) -> bool {
    let digit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_ksuid = text.len() == 27
        && text.chars().all(|c| c.is_ascii_alphanumeric())
        && text.contains(|c: char| c.is_ascii_digit());
    is_ksuid || text.len() == 25 && text.starts_with('c') && text.chars().all(digit)
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
            let whose = if volume.name.starts_with("cloudtower") { "tower" } else { "tools" };
            values.insert(format!("{{{whose} volume}}"), id.clone());
            values.insert(format!("{{{whose} name}}"), volume.name.clone());
            values.insert(format!("{{{whose} size}}"), volume.size.to_string());
        }
        values.extend(of_the_vm(site));
        let disks =
            twin.hosts.iter().map(|host| (format!("{{disks {}}}", host.mgmt_ip), roles(host))).collect();
        Self { values, disks }
    }

    /// A sent request in the form of the golden file.
    fn show(&self, request: &Request) -> Value {
        let mut body = request.body.clone();
        if CHUNKS.contains(&request.operation.as_str()) {
            body = json!("{chunk bytes}");
        }
        if body["ntp"]["current_time"].is_string() {
            body["ntp"]["current_time"] = json!("{now}");
        }
        if body["variables"]["data"]["started_at"].is_string() {
            body["variables"]["data"]["started_at"] = json!("{now}");
        }
        if body["variables"]["now"].is_string() {
            body["variables"]["now"] = json!("{now}");
        }
        // Held against the facts by the simulated site, rule by rule.
        let rules = "/variables/connected_system_services/0/alerting_rules";
        if let Some(rules) = body.pointer_mut(rules) {
            *rules = json!(format!("{{{} rules}}", rules.as_array().map_or(0, Vec::len)));
        }
        // The document itself is held against the known fields by another test.
        let operation = body["operationName"].as_str().unwrap_or_default();
        if body["query"] == document(operation) {
            body["query"] = json!("{document}");
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
        if let Some((before, after)) = path.split_once("/api/inspector/api/v3/jobs/") {
            let id = after.split(':').next().unwrap_or_default();
            path = format!("{before}/api/inspector/api/v3/jobs/{{inspection}}{}", &after[id.len()..]);
        }
        if let Some((before, after)) = path.split_once("/v3/chunkedUploads/") {
            let id = after.split(':').next().unwrap_or_default();
            path = format!("{before}/v3/chunkedUploads/{{upload}}{}", &after[id.len()..]);
        }
        for (name, value) in self.values.iter().filter(|(name, _)| name.starts_with("{vds ")) {
            path = path.replace(value, name);
        }
        if let Some(vm) = self.values.get("{vm}") {
            path = path.replace(vm, "{vm}");
        }
        let mask = |pair: &str| match pair.split_once('=') {
            Some(("chunk_num", _)) => "chunk_num={chunk}".to_owned(),
            Some(("image_uuid", _)) => "image_uuid={image}".to_owned(),
            Some(("filename", _)) => "filename={report}".to_owned(),
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
        // Names of switches and of the VM stay masked in the path, where `line` masks them too.
        let in_path = text.contains("://");
        let masked = |name: &str| name.starts_with("{vds ") || name == "{vm}";
        let names = self.values.iter().filter(|(name, _)| !in_path || !masked(name));
        names.fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// What the site calls the VM and what it hangs on.
fn of_the_vm(site: &SimulatedSite) -> BTreeMap<String, String> {
    let state =
        site.running().site().with(|state, _| serde_json::to_value(&*state)).expect("the state is JSON");
    let vm = &state["cluster"]["vms"][0];
    [
        ("{vm}", &vm["uuid"]),
        ("{mac}", &vm["mac"]),
        ("{default network}", &vm["vlan_uuid"]),
        ("{mgmt bridge}", &vm["ovs"]),
        ("{tower path}", &vm["image_path"]),
        ("{policy}", &state["cluster"]["policy"]["uuid"]),
        ("{cluster serial}", &state["cluster"]["licence"]["serial"]),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.as_str().expect(name).to_owned()))
    .collect()
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
