//! The plan value by value: one list of entries from which JSON, `plan show` and the steps' inputs follow.

use serde_json::{Map as Object, Number, Value as Json};

use super::{
    cell::{CellRef, Located, Origin},
    map,
    model::*,
};
use crate::secret::Secret;

/// A value as it is printed and digested.
#[derive(Clone, Debug)]
pub enum Value {
    /// A blank optional cell: JSON `null`.
    Blank,
    Text(String),
    Number(u64),
    Flag(bool),
    List(Vec<String>),
    Secret(Secret<String>),
}

/// One value of the plan with its public name and its cell.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `hosts[0].mgmt_ip`, as planning-sheet §3 names it.
    pub key: String,
    pub value: Value,
    /// The cell that holds the value or would change it; `None` for an inactive row or an empty list.
    pub cell: Option<CellRef>,
    /// The text as it stands in the workbook; `***` for secrets.
    pub raw: String,
    /// `None` for blanks.
    pub origin: Option<Origin>,
}

impl Entry {
    /// The value for people: lists joined, secrets masked, blanks empty.
    pub fn shown(&self) -> String {
        match &self.value {
            Value::Blank => String::new(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(items) => items.join(","),
            Value::Secret(_) => "***".to_owned(),
        }
    }

    /// The key with `[]` for every index: the form of the cell map and of the manifests' `uses`.
    pub fn pattern(&self) -> String {
        pattern(&self.key)
    }
}

/// `hosts[3].mgmt_ip` → `hosts[].mgmt_ip`.
pub fn pattern(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut index = false;
    for c in key.chars() {
        index = (index && c != ']') || c == '[';
        if !index || c == '[' {
            out.push(c);
        }
    }
    out
}

/// Every value of the plan, in the order of planning-sheet §3.
pub fn entries(plan: &Plan) -> Vec<Entry> {
    let mut list = List::default();
    list.some("project.customer_name", &plan.project.customer_name, text);
    list.opt("project.name", None, &plan.project.name, text);
    list.some("project.datacenter_name", &plan.project.datacenter_name, text);
    cluster(&mut list, &plan.cluster);
    for (role, vds) in [
        ("mgmt", Some(&plan.vds.mgmt)),
        ("storage", Some(&plan.vds.storage)),
        ("backup", plan.vds.backup.as_ref()),
        ("business", plan.vds.business.as_ref()),
    ] {
        switch(&mut list, &format!("vds.{role}"), vds);
    }
    networks(&mut list, &plan.networks);
    for host in &plan.hosts {
        self::host(&mut list, host);
    }
    components(&mut list, plan);
    list.entries
}

fn cluster(list: &mut List, cluster: &Cluster) {
    list.some("cluster.name", &cluster.name, text);
    list.opt("cluster.smtx_version", None, &cluster.smtx_version, text);
    list.opt("cluster.serial", None, &cluster.serial, text);
    list.some("cluster.vip", &cluster.vip, text);
    list.some("cluster.admin_user", &cluster.admin_user, text);
    list.some("cluster.admin_password", &cluster.admin_password, secret);
    list.some("cluster.features", &cluster.features, |features| {
        Value::List(features.iter().map(|feature| feature.as_str().to_owned()).collect())
    });
    list.some("cluster.storage_architecture", &cluster.storage_architecture, |v| text(&v.as_str()));
    list.some("cluster.network_architecture", &cluster.network_architecture, |v| text(&v.as_str()));
    list.some("cluster.vhost_enabled", &cluster.vhost_enabled, |flag| Value::Flag(*flag));
    list.some("cluster.rdma_enabled", &cluster.rdma_enabled, |flag| Value::Flag(*flag));
}

fn switch(list: &mut List, key: &str, vds: Option<&Vds>) {
    let Some(vds) = vds else { return list.absent(key, Value::Blank) };
    list.some(&format!("{key}.name"), &vds.name, text);
    list.some(&format!("{key}.nics"), &vds.nics, |nics| Value::List(nics.clone()));
    list.opt(&format!("{key}.bond_mode"), None, &vds.bond_mode, |mode| text(&mode.as_str()));
    list.opt(&format!("{key}.speed"), None, &vds.speed, text);
    list.opt(&format!("{key}.port_type"), None, &vds.port_type, text);
    list.opt(&format!("{key}.switch_port"), None, &vds.switch_port, text);
}

fn networks(list: &mut List, networks: &Networks) {
    plain(list, "networks.ipmi", networks.ipmi.as_ref());
    routed(list, "networks.mgmt", Some(&networks.mgmt));
    routed(list, "networks.infra", networks.infra.as_ref());
    plain(list, "networks.storage", Some(&networks.storage));
    plain(list, "networks.backup", networks.backup.as_ref());
    if networks.business.is_empty() {
        list.absent("networks.business", Value::List(Vec::new()));
    }
    for (index, net) in networks.business.iter().enumerate() {
        let key = format!("networks.business[{index}]");
        vlan(list, &key, &net.name, &net.vlan_id, &net.vlan_type);
        subnet(list, &key, net.row, net.subnet.as_ref(), net.gateway.as_ref());
    }
}

fn plain(list: &mut List, key: &str, network: Option<&PlainNetwork>) {
    let Some(net) = network else { return list.absent(key, Value::Blank) };
    vlan(list, key, &net.name, &net.vlan_id, &net.vlan_type);
    subnet(list, key, net.row, Some(&net.subnet), net.gateway.as_ref());
}

fn routed(list: &mut List, key: &str, network: Option<&RoutedNetwork>) {
    let Some(net) = network else { return list.absent(key, Value::Blank) };
    vlan(list, key, &net.name, &net.vlan_id, &net.vlan_type);
    subnet(list, key, net.row, Some(&net.subnet), Some(&net.gateway));
}

fn vlan(
    list: &mut List,
    key: &str,
    name: &Located<String>,
    id: &Located<u16>,
    vlan_type: &Located<VlanType>,
) {
    list.some(&format!("{key}.name"), name, text);
    list.some(&format!("{key}.vlan_id"), id, number);
    list.some(&format!("{key}.vlan_type"), vlan_type, |v| text(&v.as_str()));
}

fn subnet(
    list: &mut List,
    key: &str,
    row: u32,
    subnet: Option<&Located<ipnet::Ipv4Net>>,
    gateway: Option<&Located<std::net::Ipv4Addr>>,
) {
    let at = Some(row);
    list.opt_ref(&format!("{key}.subnet"), at, subnet, text);
    let netmask =
        subnet.map(|net| Located { origin: Origin::Derived, ..net.clone().map(|net| net.netmask()) });
    list.opt_ref(&format!("{key}.netmask"), at, netmask.as_ref(), text);
    list.opt_ref(&format!("{key}.gateway"), at, gateway, text);
    list.row(&format!("{key}.row"), row);
}

fn host(list: &mut List, host: &Host) {
    let key = |name: &str| format!("hosts[{}].{name}", host.index);
    let at = Some(host.row);
    list.row(&key("row"), host.row);
    list.some(&key("index"), &host.number, |index| Value::Number(u64::from(*index)));
    list.opt(&key("serial"), at, &host.serial, text);
    list.opt(&key("bmc_ip"), at, &host.bmc_ip, text);
    list.opt(&key("bmc_user"), at, &host.bmc_user, text);
    list.opt(&key("bmc_password"), at, &host.bmc_password, secret);
    list.some(&key("hostname"), &host.hostname, text);
    list.some(&key("mgmt_ip"), &host.mgmt_ip, text);
    list.some(&key("ssh_user"), &host.ssh_user, text);
    list.some(&key("ssh_password"), &host.ssh_password, secret);
    list.some(&key("admin_user"), &host.admin_user, text);
    list.some(&key("admin_password"), &host.admin_password, secret);
    list.some(&key("storage_ip"), &host.storage_ip, text);
    list.opt(&key("description"), at, &host.description, text);
    list.opt(&key("rack"), at, &host.rack_name, text);
    list.opt(&key("rack_u_start"), at, &host.rack_u_start, number);
    list.opt(&key("rack_u_end"), at, &host.rack_u_end, number);
    list.some(&key("is_master"), &host.is_master, |flag| Value::Flag(*flag));
}

fn components(list: &mut List, plan: &Plan) {
    let tower = &plan.cloudtower;
    list.some("cloudtower.vm_name", &tower.vm_name, text);
    list.opt("cloudtower.version", None, &tower.version, text);
    list.some("cloudtower.ip", &tower.ip, text);
    list.some("cloudtower.web_user", &tower.web_user, text);
    list.some("cloudtower.web_password", &tower.web_password, secret);
    list.opt("cloudtower.ssh_user", None, &tower.ssh_user, text);
    list.opt("cloudtower.ssh_password", None, &tower.ssh_password, secret);
    list.opt("cloudtower.serial", None, &tower.serial, text);
    let obs = &plan.observability;
    list.some("observability.vm_name", &obs.vm_name, text);
    list.opt("observability.version", None, &obs.version, text);
    list.opt("observability.ip", None, &obs.ip, text);
    list.some("observability.ssh_user", &obs.ssh_user, text);
    list.opt("observability.ssh_password", None, &obs.ssh_password, secret);
    list.opt("observability.serial", None, &obs.serial, text);
    list.some("backup.vm_name", &plan.backup.vm_name, text);
    list.opt("backup.version", None, &plan.backup.version, text);
    list.opt("backup.ip", None, &plan.backup.ip, text);
    list.opt("backup.serial", None, &plan.backup.serial, text);
    list.opt("er.vip", None, &plan.er.vip, text);
    list.each("er.nodes", &plan.er.nodes);
    list.opt("er.serial", None, &plan.er.serial, text);
    if plan.extra_components.is_empty() {
        list.absent("extra_components", Value::List(Vec::new()));
    }
    for (index, extra) in plan.extra_components.iter().enumerate() {
        list.opt(&format!("extra_components[{index}].name"), Some(extra.ip.cell.row), &extra.name, text);
        list.some(&format!("extra_components[{index}].ip"), &extra.ip, text);
    }
    let range = plan.test_range.as_ref();
    list.opt_ref("test_range.start", None, range.map(|range| &range.start), text);
    list.opt_ref("test_range.end", None, range.map(|range| &range.end), text);
    list.each("ntp.servers", &plan.ntp.servers);
    list.each("dns.servers", &plan.dns.servers);
    list.some("alert.notice_percent", &plan.alert.notice_percent, number);
}

fn text<T: ToString>(value: &T) -> Value {
    Value::Text(value.to_string())
}

fn number<T: Copy + Into<u64>>(value: &T) -> Value {
    Value::Number((*value).into())
}

fn secret(value: &Secret<String>) -> Value {
    Value::Secret(value.clone())
}

#[derive(Default)]
struct List {
    entries: Vec<Entry>,
}

impl List {
    fn some<T>(&mut self, key: &str, value: &Located<T>, shape: impl Fn(&T) -> Value) {
        self.entries.push(Entry {
            key: key.to_owned(),
            value: shape(&value.value),
            cell: Some(value.cell.clone()),
            raw: value.raw.clone(),
            origin: Some(value.origin),
        });
    }

    fn opt<T>(
        &mut self,
        key: &str,
        row: Option<u32>,
        value: &Option<Located<T>>,
        shape: impl Fn(&T) -> Value,
    ) {
        self.opt_ref(key, row, value.as_ref(), shape);
    }

    fn opt_ref<T>(
        &mut self,
        key: &str,
        row: Option<u32>,
        value: Option<&Located<T>>,
        shape: impl Fn(&T) -> Value,
    ) {
        match value {
            Some(value) => self.some(key, value, shape),
            None => {
                self.absent(key, Value::Blank);
                if let Some(entry) = self.entries.last_mut() {
                    entry.cell = map::map().cell(&pattern(key), row);
                }
            }
        }
    }

    fn each<T: ToString>(&mut self, key: &str, values: &[Located<T>]) {
        if values.is_empty() {
            self.absent(key, Value::List(Vec::new()));
        }
        for (index, value) in values.iter().enumerate() {
            self.some(&format!("{key}[{index}]"), value, text);
        }
    }

    /// The row number of a repeated or switchable row.
    fn row(&mut self, key: &str, row: u32) {
        self.absent(key, Value::Number(u64::from(row)));
        if let Some(entry) = self.entries.last_mut() {
            entry.cell = map::map().cell(&pattern(key), Some(row));
            entry.origin = Some(Origin::Derived);
        }
    }

    /// A value that no cell holds.
    fn absent(&mut self, key: &str, value: Value) {
        self.entries.push(Entry { key: key.to_owned(), value, cell: None, raw: String::new(), origin: None });
    }
}

/// The plan as nested JSON (planning-sheet §3), secrets masked.
pub fn json(plan: &Plan) -> Json {
    nest(plan, |_| Json::from("***"))
}

/// As [`json`], secrets in clear: for `plan export --with-secrets` only.
pub fn json_with_secrets(plan: &Plan) -> Json {
    nest(plan, |secret| Json::from(secret.expose().as_str()))
}

fn nest(plan: &Plan, show: impl Fn(&Secret<String>) -> Json) -> Json {
    let mut root = Json::Object(Object::new());
    for entry in entries(plan) {
        let value = match &entry.value {
            Value::Blank => Json::Null,
            Value::Text(text) => Json::from(text.as_str()),
            Value::Number(number) => Json::Number(Number::from(*number)),
            Value::Flag(flag) => Json::Bool(*flag),
            Value::List(items) => Json::from(items.clone()),
            Value::Secret(secret) => show(secret),
        };
        put(&mut root, &entry.key, value);
    }
    root
}

/// Sets `a.b[0].c` in nested JSON; indices come in order.
fn put(root: &mut Json, key: &str, value: Json) {
    let mut place = root;
    for part in key.split('.') {
        let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
            Some((name, index)) => (name, index.parse::<usize>().ok()),
            None => (part, None),
        };
        if !place.is_object() {
            *place = Json::Object(Object::new());
        }
        place = &mut place[name];
        if let Some(index) = index {
            if !place.is_array() {
                *place = Json::Array(Vec::new());
            }
            if let Json::Array(items) = &mut *place
                && items.len() <= index
            {
                items.resize(index + 1, Json::Null);
            }
            place = &mut place[index];
        }
    }
    *place = value;
}

/// What a step depends on: the canonical text of one key, of a wildcard or of a subtree.
#[derive(Clone, Debug)]
pub struct Field {
    pub text: FieldText,
    /// Every cell that takes part, in order.
    pub cells: Vec<CellRef>,
}

/// Canonical text, for comparison and digests. A subtree with a password in it is a secret as a whole.
#[derive(Clone, Debug)]
pub enum FieldText {
    Open(String),
    Secret(Secret<String>),
}

/// The input `key` of a step: a value (`cluster.vip`), the same value of every row (`hosts[].mgmt_ip`), or a subtree
/// (`networks.business`, `dns.servers`). Serials that the tool writes back never take part (planning-sheet 9.7).
/// `None` when the cell map knows no such key.
pub fn field(plan: &Plan, key: &str) -> Option<Field> {
    let wanted = pattern(key);
    if !known(&wanted) {
        return None;
    }
    let indexed = wanted != key;
    let written_back =
        |entry: &Entry| map::map().field(&entry.pattern()).is_some_and(|field| field.written_back);
    let matching: Vec<_> = entries(plan)
        .into_iter()
        .filter(|entry| {
            if indexed {
                within(&entry.key, key)
            } else {
                within(&entry.pattern(), &wanted) || within(&wanted, &entry.key)
            }
        })
        .filter(|entry| !written_back(entry))
        .collect();
    let mut secret = false;
    let lines: Vec<_> = matching
        .iter()
        .map(|entry| match &entry.value {
            Value::Secret(value) => {
                secret = true;
                format!("{}={}", entry.key, value.expose())
            }
            _ => format!("{}={}", entry.key, entry.shown()),
        })
        .collect();
    let text = match matching.as_slice() {
        [one] if one.pattern() == wanted && !secret => one.shown(),
        _ => lines.join("\n"),
    };
    Some(Field {
        text: if secret { FieldText::Secret(Secret::new(text)) } else { FieldText::Open(text) },
        cells: matching.into_iter().filter_map(|entry| entry.cell).collect(),
    })
}

/// Every key of the cell map, `[]` for the index; any leading part of one names a subtree.
pub fn keys() -> impl Iterator<Item = &'static str> {
    map::map().fields.keys().map(String::as_str)
}

/// Whether a manifest may name `key` in `uses`.
pub fn known(key: &str) -> bool {
    let wanted = pattern(key);
    keys().any(|known| within(known, &wanted))
}

/// `key` is `subtree` or lies below it.
fn within(key: &str, subtree: &str) -> bool {
    key.strip_prefix(subtree).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
