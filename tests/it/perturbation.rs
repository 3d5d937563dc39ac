//! Each field of the plan is changed once: a changing request that is different then belongs to a step that says, in
//! its manifest, that it uses the field (DESIGN §4). Fields come from the cell map, steps from the runbook.
//!
//! Passwords are masked wherever requests are shown, so who sends which is for the golden requests to prove.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Mutex, OnceLock},
};

use serde_json::Value as Json;
use voyager::plan::{
    self, CheckOptions,
    view::{self, Entry, Value},
};

use crate::support::{
    runbook, side_by_side,
    site::{
        BACKUP_FILE, FILE_STORAGE_FILE, KUBERNETES_FILE, OBSERVABILITY, TOWER_ISO, image_bytes, package_bytes,
    },
    tool::Voyager,
    workbook::Workbook,
};

/// The example, with a value in every field that it leaves blank, and the cluster's name in one cell only.
const FULL: &[&str] = &[
    "H!C3f= 虚拟网络!B3",
    "M!N3f= 虚拟网络!B3",
    "N!I4 = 10.40.8.1",
    "N!N4 = Trunk",
    "N!F5 = 30",
    "N!H5 = 10.40.3.0/24",
    "N!I5 = 10.40.3.1",
    "N!N5 = Trunk",
    "N!F7 = 70",
    "N!H7 = 10.40.6.0/24",
    "N!I7 = 10.40.6.1",
    "N!J7 = ens7f0,ens7f1",
    "N!N7 = Trunk",
    "M!E6 = 10.40.8.30",
    "M!E7 = 10.40.8.31",
    "M!E8 = 10.40.8.32",
    "M!E9 = 10.40.8.33",
    "M!B12 = 跳板机",
    "M!E12 = 10.40.8.60",
];

/// The plan that all changes are made to.
pub fn full() -> Workbook {
    Workbook::good().edit(FULL)
}

/// Fields whose other values follow no pattern: what to write instead.
const WORDS: &[(&str, &[&str])] = &[
    ("cluster.features", &["Boost", "None"]),
    ("cluster.storage_architecture", &["全闪-不分层"]),
    ("cluster.network_architecture", &["存储独立", "管理融合", "三网融合"]),
    ("cluster.smtx_version", &["6.2.0P5", "6.2.0P3"]),
    // Not LACP: a site that has it finds no neighbours, and a request that tells of them is another one then.
    ("bond_mode", &["balance-slb", "active-backup"]),
    ("speed", &["10G", "25G", "100G"]),
    ("port_type", &["光口", "电口"]),
    ("switch_port", &["Trunk", "Access"]),
    ("version", &["4.9.1", "1.9.1"]),
    ("rack_u_start", &["1", "30"]),
    ("rack_u_end", &["40", "3"]),
];

/// Fields that no edit of a good workbook changes, and why.
const FIXED: &[(&str, &str)] = &[
    ("vlan_type", "one word alone is accepted"),
    ("hosts[].ssh_user", "the hosts have no other account"),
    ("hosts[].admin_user", "the hosts have no other account"),
    ("serial", "written back by the tool itself"),
    ("row", "where a line stands is no value"),
    ("hosts[].index", "a running number that nothing else may have"),
    ("hosts[].is_master", "follows from the order of the hosts"),
    ("cluster.rdma_enabled", "a plan that asks for it is refused"),
    ("alert.notice_percent", "always the same"),
];

/// One edit and the fields it changes.
pub struct Change {
    pub key: String,
    pub edits: Vec<String>,
    pub fields: BTreeSet<String>,
}

#[test]
fn a_changed_field_changes_only_requests_of_steps_that_use_it() {
    let (changes, untouched) = changes();
    assert!(untouched.is_empty(), "no other value is known for {untouched:?}");
    let undisturbed = requests(&[]);
    let wrong = Mutex::new(Vec::new());
    side_by_side(changes, |change| {
        let now = requests(&change.edits);
        let steps: BTreeSet<&String> = undisturbed.keys().chain(now.keys()).collect();
        for step in steps.into_iter().filter(|step| undisturbed.get(*step) != now.get(*step)) {
            if !uses(step, &change.fields) {
                let (before, after) = around_difference(undisturbed.get(step), now.get(step));
                let told = format!("{step} does not name {}: …{before}… became …{after}…", change.key);
                wrong.lock().expect("whole").push(told);
            }
        }
    });
    let wrong = wrong.into_inner().expect("whole");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The requests of a step, before and after, from a little before the first difference on.
fn around_difference(before: Option<&Vec<String>>, after: Option<&Vec<String>>) -> (String, String) {
    let text = |requests: Option<&Vec<String>>| requests.map(|lines| lines.join("\n")).unwrap_or_default();
    let (before, after) = (text(before), text(after));
    let same = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(60)).take(160).collect();
    (part(&before), part(&after))
}

/// Whether the manifest of `step` names one of the fields, or a subtree that one is in.
pub fn uses(step: &str, fields: &BTreeSet<String>) -> bool {
    let step = runbook::steps().iter().find(|known| known.id == step).expect("a step of the runbook");
    step.uses.iter().any(|used| fields.iter().any(|field| within(field, used)))
}

fn within(field: &str, subtree: &str) -> bool {
    field.strip_prefix(subtree).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// One change per field that a step uses, and all fields that none uses in one; and the fields that stayed as they are.
pub fn changes() -> &'static (Vec<Change>, BTreeSet<String>) {
    static CHANGES: OnceLock<(Vec<Change>, BTreeSet<String>)> = OnceLock::new();
    CHANGES.get_or_init(make_changes)
}

fn make_changes() -> (Vec<Change>, BTreeSet<String>) {
    let good = entries(&full()).expect("a good plan");
    let used = |fields: &BTreeSet<String>| runbook::steps().iter().any(|step| uses(&step.id, fields));
    let fixed = |key: &str| FIXED.iter().any(|(end, _)| ends(key, end));
    let mut changes: Vec<Change> = Vec::new();
    let mut together =
        Change { key: "a field that no step uses".into(), edits: Vec::new(), fields: BTreeSet::new() };
    let mut known: BTreeSet<String> = BTreeSet::new();
    for entry in &good {
        let pattern = entry.pattern();
        let open = !known.contains(&pattern) && !fixed(&pattern);
        let Some(cell) = entry.cell.as_ref().filter(|_| open) else { continue };
        let tried = candidates(entry).into_iter().find_map(|text| {
            let edit = format!("{cell} = {text}");
            let fields = differing(&good, &entries(&full().edit(&[&edit]))?);
            fields.contains(&pattern).then_some((edit, fields))
        });
        let Some((edit, fields)) = tried else { continue };
        known.extend(fields.iter().cloned());
        if used(&fields) {
            changes.push(Change { key: pattern, edits: vec![edit], fields });
            continue;
        }
        let mut edits = together.edits.clone();
        edits.push(edit.clone());
        let all: Vec<&str> = edits.iter().map(String::as_str).collect();
        match entries(&full().edit(&all)) {
            Some(_) => together.edits = edits,
            // Two of them do not go together.
            None => changes.push(Change { key: pattern, edits: vec![edit], fields }),
        }
    }
    changes.push(together);
    let untouched =
        view::keys().filter(|key| !fixed(key) && !known.contains(*key)).map(str::to_owned).collect();
    (changes, untouched)
}

/// `key` is `end`, or ends in it as its last names.
fn ends(key: &str, end: &str) -> bool {
    key.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Texts for the cell of a field that may give it another value.
fn candidates(entry: &Entry) -> Vec<String> {
    let key = entry.pattern();
    let words = WORDS.iter().filter(|(end, _)| ends(&key, end)).flat_map(|(_, words)| *words);
    let mut texts: Vec<String> = words.map(|word| (*word).to_owned()).collect();
    match &entry.value {
        Value::Secret(_) => texts.push("Perturbed9.Word".into()),
        Value::Number(number) => texts.extend([number + 1, number + 100].map(|number| number.to_string())),
        Value::List(nics) => {
            texts.push(nics.iter().map(|nic| format!("{nic}9")).collect::<Vec<_>>().join(","))
        }
        Value::Text(text) => texts.extend(other_text(text)),
        Value::Blank => texts.extend(["Perturbed9", "10.40.1.99", "99"].map(str::to_owned)),
        Value::Flag(_) => {}
    }
    texts
}

fn other_text(text: &str) -> Vec<String> {
    if let Some((network, length)) = text.split_once('/') {
        let length: u8 = length.parse().unwrap_or(24);
        return [length + 1, length - 1].map(|length| format!("{network}/{length}")).into();
    }
    match text.rsplit_once('.') {
        Some((network, host)) if host.parse::<u8>().is_ok() => {
            (1..250).rev().step_by(7).map(|host| format!("{network}.{host}")).collect()
        }
        _ => vec![format!("{text}-p"), format!("{text}p"), "perturbed".into()],
    }
}

/// The values of a plan; `None` when it has an error.
fn entries(workbook: &Workbook) -> Option<Vec<Entry>> {
    let checked = plan::check_bytes(&workbook.bytes(), "plan.xlsx", &CheckOptions::default());
    checked.plan.map(|plan| view::entries(&plan))
}

/// The fields, in the manifests' form, that do not have the same value in both.
fn differing(before: &[Entry], after: &[Entry]) -> BTreeSet<String> {
    let values = |entries: &[Entry]| -> BTreeMap<String, String> {
        let value = |entry: &Entry| match &entry.value {
            Value::Secret(secret) => secret.expose().clone(),
            _ => entry.shown(),
        };
        entries.iter().map(|entry| (entry.key.clone(), value(entry))).collect()
    };
    let (before, after) = (values(before), values(after));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    keys.into_iter().filter(|key| before.get(*key) != after.get(*key)).map(|key| view::pattern(key)).collect()
}

/// The changing requests of a dry run, by step. Not the address: any node answers for the cluster.
fn requests(edits: &[String]) -> BTreeMap<String, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let edits: Vec<&str> = edits.iter().map(String::as_str).collect();
    full().edit(&edits).write(folder.path(), "plan.xlsx");
    // Stand-ins would be named by the planned version.
    let media = folder.path().join("media");
    fs::create_dir(&media).expect("a folder");
    for name in ["SMTX_VMTOOLS-4.1.0-1.iso", TOWER_ISO] {
        fs::write(media.join(name), image_bytes(1 << 17, 1)).expect("an image");
    }
    for name in [OBSERVABILITY, BACKUP_FILE, FILE_STORAGE_FILE, KUBERNETES_FILE] {
        fs::write(media.join(name), package_bytes(1 << 17, 1)).expect("a package");
    }
    let args = ["run", "--plan", "plan.xlsx", "--dry-run", "--output", "json", "--media", "media"];
    let ran = Voyager::within(folder.path()).env("VOYAGER_LIMITS_SILENT_PROBE", "400ms").args(args).run();
    assert_eq!(ran.status.code(), Some(0), "with {edits:?}: {}", ran.stderr);
    let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in ran.json()["requests"].as_array().expect("a list") {
        let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
        let body: Json = serde_json::from_str(&text("body")).unwrap_or_else(|_| text("body").into());
        let body = without_time(body);
        let line = format!("{} {} {body}", text("method"), text("path"));
        steps.entry(text("step")).or_default().push(line);
    }
    steps
}

/// The deployment tells the hosts what time it is.
fn without_time(mut body: Json) -> Json {
    if let Some(time) = body.pointer_mut("/ntp/current_time") {
        *time = "now".into();
    }
    body
}
