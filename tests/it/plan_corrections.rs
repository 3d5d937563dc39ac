//! A field of the plan is changed after steps that use it have ended. The next run names exactly those steps and stops;
//! what it cannot bring about it says there and then. Done again as announced, the site is that of a fresh run.
//!
//! Fields come from the cell map, steps from the runbook. In the gate one field for each step that is the first to use
//! one; `VOYAGER_PLAN_CORRECTIONS=fields` takes every field, `=stages` every field after every stage, `=KEY` that one
//! (docs/reliability.md).

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    sync::{Mutex, OnceLock},
};

use serde_json::{Value, json};

use crate::{
    perturbation::{Change, changes, full, uses},
    support::{
        runbook::{self, Step},
        side_by_side,
        site::{SimulatedSite, Snapshot, twin_of},
        staged::without_orphans,
        tool::Ran,
        workbook::Workbook,
    },
};

/// The site after all stages up to one that acts.
struct Moment {
    stage: &'static str,
    before: Snapshot,
    after: Snapshot,
    /// The acting steps that ended with something done, in the runbook's order.
    done: Vec<&'static Step>,
    /// Those that made something and then had nothing more to do, or were not allowed to.
    left: Vec<&'static Step>,
}

/// One field changed at one moment.
struct Correction<'a> {
    change: &'a Change,
    moment: &'a Moment,
}

/// What a correction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// No finished step uses the field: the run went on.
    WentOn,
    /// Said beforehand that the old value stays.
    Told,
    /// Done again; the site is that of a fresh run.
    Redone,
    /// Tried, refused with words, and nothing was changed.
    Refused,
}

#[test]
fn a_corrected_plan_names_the_steps_that_used_it_and_comes_to_what_it_says() {
    let moments = moments();
    let corrections = match std::env::var("VOYAGER_PLAN_CORRECTIONS").as_deref() {
        Ok("stages") => every_stage(moments),
        Ok("fields") => every_field(moments),
        Ok(field) => every_stage(moments).into_iter().filter(|one| one.change.key == field).collect(),
        Err(_) => one_each(moments),
    };
    assert!(corrections.len() > 8, "only {} corrections", corrections.len());
    let (wrong, came) = (Mutex::new(Vec::new()), Mutex::new(BTreeMap::<Came, usize>::new()));
    side_by_side(&corrections, |correction| {
        let what = format!("{} after {}", correction.change.key, correction.moment.stage);
        match correct(correction) {
            Ok(end) => *came.lock().expect("whole").entry(end).or_default() += 1,
            Err(why) => wrong.lock().expect("whole").push(format!("{what}: {why}")),
        }
    });
    // Figures for docs/reliability.md, shown with --nocapture.
    let figures = format!("plan corrections: {} {:?}", corrections.len(), came.lock().expect("whole"));
    writeln!(std::io::stderr(), "{figures}").expect("stderr");
    let wrong = wrong.into_inner().expect("whole");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The site of the full plan, stage by stage.
fn moments() -> &'static [Moment] {
    static MOMENTS: OnceLock<Vec<Moment>> = OnceLock::new();
    MOMENTS.get_or_init(|| {
        let site = SimulatedSite::of(&full()).start();
        let mut stages: Vec<&'static str> = Vec::new();
        for step in runbook::steps().iter().filter(|step| step.acts()) {
            if stages.last() != Some(&step.stage.as_str()) {
                stages.push(&step.stage);
            }
        }
        let (mut moments, mut acted) = (Vec::new(), BTreeSet::new());
        for stage in stages {
            let before = site.snapshot();
            let ran = site.run().args(["--to", stage, "--output", "json"]).run().exits_with(0);
            let done = ended(&ran, &["changed", "sent", "already-done", "already-sent"]);
            let records = ran.records();
            let begun = records.iter().filter(|record| record["event"] == "intent");
            acted.extend(begun.filter_map(|intent| Some(intent["step"].as_str()?.to_owned())));
            let skipped = ended(&ran, &["skipped"]).into_iter();
            let left = skipped.filter(|step| acted.contains(&step.id)).collect();
            moments.push(Moment { stage, before, after: site.snapshot(), done, left });
        }
        moments
    })
}

/// The acting steps that ended in one of these ways.
fn ended(ran: &Ran, outcomes: &[&str]) -> Vec<&'static Step> {
    let records = ran.records();
    let ended = records.iter().filter(|record| record["event"] == "step-finished");
    let ended = ended.filter(|end| outcomes.contains(&end["outcome"].as_str().unwrap_or_default()));
    let ended: BTreeSet<&str> = ended.filter_map(|end| end["step"].as_str()).collect();
    runbook::steps().iter().filter(|step| step.acts() && ended.contains(step.id.as_str())).collect()
}

/// The steps done by then that use a changed field.
fn affected(correction: &Correction<'_>) -> Vec<&'static str> {
    let Correction { change, moment } = correction;
    let concerned = |step: &&Step| {
        let stays = step.stays.iter().any(|field| change.fields.contains(field));
        let done = moment.done.iter().any(|done| done.id == step.id);
        (done && uses(&step.id, &change.fields))
            || (stays && moment.left.iter().any(|left| left.id == step.id))
    };
    runbook::steps().iter().filter(concerned).map(|step| step.id.as_str()).collect()
}

/// Every field after every stage.
fn every_stage(moments: &[Moment]) -> Vec<Correction<'_>> {
    let each = |change| moments.iter().map(move |moment| Correction { change, moment });
    changes().0.iter().flat_map(each).collect()
}

/// Every field just after the first stage that has done something with it.
fn every_field(moments: &[Moment]) -> Vec<Correction<'_>> {
    let first = |change| {
        let after = moments.iter().map(move |moment| Correction { change, moment });
        after.into_iter().find(|correction| !affected(correction).is_empty())
    };
    changes().0.iter().filter_map(first).collect()
}

/// For each step that is the first to use some field, one such field, just after its stage.
fn one_each(moments: &[Moment]) -> Vec<Correction<'_>> {
    let mut firsts = BTreeSet::new();
    let mut taken = Vec::new();
    for change in &changes().0 {
        let first = moments.iter().map(|moment| Correction { change, moment });
        let first = first.filter(|correction| !affected(correction).is_empty()).take(1);
        taken.extend(first.filter(|correction| firsts.insert(affected(correction)[0])));
    }
    // A field that no step has used yet: a later one is the first.
    let last = |change: &&Change| runbook::steps().iter().any(|step| uses(&step.id, &change.fields));
    let early = changes().0.iter().filter(last).map(|change| Correction { change, moment: &moments[0] });
    taken.extend(early.filter(|correction| affected(correction).is_empty()).take(1));
    taken
}

fn correct(correction: &Correction<'_>) -> Result<Came, String> {
    let Correction { change, moment } = correction;
    let site = in_new_surroundings(&moment.after, change);
    plan(change).write(site.folder.path(), "plan.xlsx");
    let command = || site.run().args(["--to", moment.stage]);
    let (changed, affected) = (site.ledger().change_count(), affected(correction));
    let ran = command().run();
    let code = ran.status.code();
    if affected.is_empty() {
        // A check may find that the corrected plan does not fit this site.
        return match code {
            Some(0) if same_as_fresh(&site, correction)? => Ok(Came::WentOn),
            Some(3..=6) if site.ledger().change_count() == changed => Ok(Came::Refused),
            _ => Err(format!("nothing finished uses it, yet: {ran}")),
        };
    }
    let named = format!("had ended: {}\n", affected.join(", "));
    if code != Some(9) || !said(&ran).contains(&named) {
        return Err(format!("it does not stop with 9 and {named:?}: {ran}"));
    }
    if site.ledger().change_count() != changed {
        return Err("something was changed before anybody decided".to_owned());
    }
    if said(&ran).contains("stays at the site") {
        let password = change.fields.iter().any(|field| field.ends_with("password"));
        if said(&ran).contains("log in with the old one") != password {
            return Err(format!("whether to log in with an old password: {ran}"));
        }
        return Ok(Came::Told);
    }
    let redo = printed(&ran, "--redo");
    let ran = command().args(redo.iter().flat_map(|step| ["--redo", step])).run();
    match ran.status.code() {
        Some(0) if same_as_fresh(&site, correction)? => Ok(Came::Redone),
        Some(0) => Err(format!("done again, and the site is not that of a fresh run: {ran}")),
        Some(4 | 5) if site.ledger().change_count() == changed && said(&ran).contains("what now") => {
            Ok(Came::Refused)
        }
        _ => Err(format!("refused only after something was changed, or without words: {ran}")),
    }
}

/// The site of that moment in the network that the corrected plan describes: addresses that it names are there, and
/// the machines are what they were.
fn in_new_surroundings(moment: &Snapshot, change: &Change) -> SimulatedSite {
    let (mut new, old) = (json!(twin_of(&plan(change).bytes())), json!(twin_of(&full().bytes())));
    // A BMC is where the plan says: that it is elsewhere is another story.
    let planned = new["hosts"].as_array().cloned().unwrap_or_default();
    let bmcs: Vec<(String, Value)> = (0..)
        .zip(&planned)
        .map(|(index, host): (usize, _)| (format!("/twin/hosts/{index}/bmc_ip"), host["bmc_ip"].clone()))
        .collect();
    for machine in ["hosts", "version", "patch", "arch", "tiered"] {
        new[machine] = old[machine].clone();
    }
    for (host, (_, bmc)) in new["hosts"].as_array_mut().into_iter().flatten().zip(&bmcs) {
        host["bmc_ip"] = bmc.clone();
    }
    let mut changes = vec![("/twin/plan", new)];
    changes.extend(bmcs.iter().map(|(pointer, bmc)| (pointer.as_str(), bmc.clone())));
    SimulatedSite::restored_with(moment, &changes)
}

fn plan(change: &Change) -> Workbook {
    full().edit(&change.edits.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Whether the site is what a first run with the corrected plan makes of it.
fn same_as_fresh(site: &SimulatedSite, correction: &Correction<'_>) -> Result<bool, String> {
    let fresh = in_new_surroundings(&moments()[0].before, correction.change);
    plan(correction.change).write(fresh.folder.path(), "plan.xlsx");
    let ran = fresh.run().args(["--to", correction.moment.stage]).run();
    if ran.status.code() != Some(0) {
        return Err(format!("a fresh run does not even end well: {ran}"));
    }
    let (site, fresh) = (without_orphans(site.state()), without_orphans(fresh.state()));
    match first_difference(&site, &fresh, String::new()) {
        None => Ok(true),
        Some(difference) => Err(difference),
    }
}

fn first_difference(site: &Value, fresh: &Value, at: String) -> Option<String> {
    match (site, fresh) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            keys.into_iter().find_map(|key| first_difference(&site[key], &fresh[key], format!("{at}/{key}")))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut pairs = one.iter().zip(other).enumerate();
            pairs.find_map(|(index, (one, other))| first_difference(one, other, format!("{at}/{index}")))
        }
        _ if site == fresh => None,
        _ => Some(format!("{at} is {site}, and after a fresh run {fresh}")),
    }
}

fn said(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

/// The values of an option in the advice that the tool printed.
fn printed(ran: &Ran, option: &str) -> Vec<String> {
    let said = said(ran);
    let advice = said.lines().filter(|line| line.contains(option) && !line.contains("  next  "));
    let words: Vec<&str> = advice.flat_map(str::split_whitespace).collect();
    let values = words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].to_owned());
    values.collect::<BTreeSet<String>>().into_iter().collect()
}
