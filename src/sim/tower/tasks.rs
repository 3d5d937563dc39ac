//! Tasks: PENDING, EXECUTING, then SUCCEEDED or FAILED; a failed one takes back what it had begun (§7.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{clock::Moment, durations, fault::Action, site::State},
    Tower,
    fate::TaskFate,
    racks::Slot,
    visit::Visit,
};

/// What a task does when it ends well, to things that existed before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It has happened already: what it creates is there from the start, as CREATING.
    Nothing,
    /// Cluster and its new datacenter.
    MoveCluster(String, String),
    SetHa(String, bool),
    /// A network that CloudTower makes on the cluster, by its id.
    MakeNetwork(String),
    /// Chassis, its new rack and position.
    MoveBrick(String, Option<String>, i64),
    /// Node and its new place.
    MoveNode(String, Slot),
}

/// The thing that a task is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Resource {
    kind: String,
    pub id: String,
    /// CREATE or UPDATE.
    mutation: String,
}

impl Resource {
    pub fn new(kind: &str, id: &str, mutation: &str) -> Self {
        Self { kind: kind.to_owned(), id: id.to_owned(), mutation: mutation.to_owned() }
    }
}

/// A task about to start.
pub struct NewTask {
    pub description: String,
    pub resource: Resource,
    pub seconds: f64,
    pub fate: Option<TaskFate>,
    pub error: Option<&'static str>,
    pub change: Change,
    /// The id of what disappears when the task fails.
    pub undo: Option<String>,
    /// Keys of its steps, in order.
    pub steps: &'static [&'static str],
    /// Seconds until it shows at all.
    pub delay: f64,
    /// Its progress says nothing.
    pub stays_at_zero: bool,
}

impl NewTask {
    /// A task of the usual length that changes nothing by itself.
    pub fn ordinary(visit: &Visit<'_>, description: &str, resource: Resource) -> Self {
        let seconds = visit.state.durations.tower.task;
        let description = description.to_owned();
        Self {
            description,
            resource,
            seconds,
            fate: None,
            error: None,
            change: Change::Nothing,
            undo: None,
            steps: &[],
            delay: 0.0,
            stays_at_zero: false,
        }
    }

    /// A task that creates its resource, and takes it back on failure.
    pub fn creating(visit: &Visit<'_>, description: &str, kind: &str, id: &str) -> Self {
        let resource = Resource::new(kind, id, "CREATE");
        Self { undo: Some(id.to_owned()), ..Self::ordinary(visit, description, resource) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    id: String,
    description: String,
    resource: Resource,
    since: Moment,
    until: Moment,
    fate: Option<TaskFate>,
    error: Option<String>,
    change: Change,
    undo: Option<String>,
    #[serde(default)]
    steps: Vec<String>,
    #[serde(default)]
    stays_at_zero: bool,
    applied: bool,
    /// Whether a list has met it: the first one does not show it.
    met: bool,
}

impl Tower {
    /// Takes over the tasks of a lie, which will do nothing.
    pub fn adopt_tasks(&mut self, lie: Self) {
        let known = self.tasks.len();
        let begun = lie.tasks.into_iter().skip(known);
        self.tasks.extend(begun.map(|task| Task { change: Change::Nothing, undo: None, ..task }));
    }
}

impl Task {
    fn status(&self, now: Moment) -> &'static str {
        let tenth = self.since.plus(self.until.since(self.since) / 10);
        match self.fate {
            _ if now < tenth => "PENDING",
            Some(TaskFate::Stuck) => "EXECUTING",
            _ if now < self.until => "EXECUTING",
            Some(TaskFate::Failed | TaskFate::FailedJob) => "FAILED",
            _ => "SUCCESSED",
        }
    }

    fn is_open(&self, now: Moment) -> bool {
        matches!(self.status(now), "PENDING" | "EXECUTING")
    }

    fn error_message(&self) -> String {
        let inner = self.error.as_deref().unwrap_or("the cluster did not carry it out");
        if self.fate != Some(TaskFate::FailedJob) {
            return inner.to_owned();
        }
        let job = json!({"job": {
            "state": "failed", "error_code": "SIM_JOB_FAILED", "error_msg": inner,
            "task_list": [{"state": "failed", "error_code": "SIM_NO_RESOURCE", "error_msg": inner}],
        }});
        format!("request failed, message: {job}")
    }

    /// Each step has an equal share of the time; one that was reached in a task that failed is never finished.
    fn step_rows(&self, now: Moment) -> Vec<Value> {
        let (all, count) = (self.until.since(self.since), u32::try_from(self.steps.len()).unwrap_or(1));
        let row = |(index, key): (usize, &String)| {
            let end = self.since.plus(all / count * (u32::try_from(index).unwrap_or(0) + 1));
            let finished = end <= now && matches!(self.fate, None | Some(TaskFate::Late));
            json!({"key": key, "finished": finished, "per_second": null, "total": null, "unit": null})
        };
        self.steps.iter().enumerate().map(row).collect()
    }

    fn row(&self, now: Moment, cluster: &Value) -> Value {
        let status = self.status(now);
        let failed = status == "FAILED";
        let ended = !self.is_open(now);
        let length = self.until.since(self.since).as_secs_f64();
        let share = if length > 0.0 { now.since(self.since).as_secs_f64() / length } else { 1.0 };
        let progress = match status {
            _ if self.stays_at_zero => 0.0,
            "PENDING" => 0.0,
            "SUCCESSED" => 1.0,
            _ => share.min(0.9),
        };
        json!({
            "id": self.id, "description": self.description, "status": status, "progress": progress,
            "error_code": failed.then_some("SIM_TASK_FAILED"),
            "error_message": failed.then(|| self.error_message()),
            "resource_id": self.resource.id, "resource_type": self.resource.kind,
            "resource_mutation": self.resource.mutation, "local_created_at": self.since.iso(),
            "started_at": (status != "PENDING").then(|| self.since.iso()),
            "finished_at": ended.then(|| self.until.iso()), "steps": self.step_rows(now),
            "args": {}, "internal": false,
            "snapshot": "{}", "key": null, "type": null, "user": null, "cluster": cluster,
            "sim_added_in_4_7": null,
        })
    }
}

impl Tower {
    /// Whether a list meets this task for the first time.
    pub(super) fn first_look(&mut self, id: &str) -> bool {
        let task = self.tasks.iter_mut().find(|task| task.id == id);
        task.is_some_and(|task| !std::mem::replace(&mut task.met, true))
    }

    /// Removes what a failed task had begun to make.
    fn remove(&mut self, id: &str) {
        self.clusters.retain(|cluster| cluster.id != id);
        self.views.retain(|view| view.id != id);
        self.graphs.retain(|graph| graph.id != id);
        self.racks.retain(|rack| rack.id != id);
        self.bricks.retain(|brick| brick.id != id);
        self.new_networks.retain(|network| network.id != id);
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Nothing | Change::MakeNetwork(_) => {}
            Change::MoveCluster(id, datacenter) => {
                let cluster = self.clusters.iter_mut().find(|cluster| cluster.id == id);
                cluster.into_iter().for_each(|cluster| cluster.datacenter_id = Some(datacenter.clone()));
            }
            Change::SetHa(id, ha) => {
                let cluster = self.clusters.iter_mut().find(|cluster| cluster.id == id);
                cluster.into_iter().for_each(|cluster| cluster.settings.ha = Some(ha));
            }
            Change::MoveBrick(id, rack, position) => {
                let brick = self.bricks.iter_mut().find(|brick| brick.id == id);
                brick.into_iter().for_each(|brick| brick.move_to(rack.clone(), position));
            }
            Change::MoveNode(id, slot) => {
                self.slots.insert(id, slot);
            }
        }
    }
}

impl Visit<'_> {
    /// Starts a task; answers with its id. A fault of this request may change how it goes.
    pub fn start_task(&mut self, new: NewTask) -> String {
        let fate = self.task_fate().or(new.fate);
        self.begin_task(NewTask { fate, ..new })
    }

    /// What a fault of this request does to the task that it starts.
    pub fn task_fate(&self) -> Option<TaskFate> {
        self.course.actions.iter().find_map(|action| match action {
            Action::Task(fate) => Some(*fate),
            _ => None,
        })
    }

    /// Starts a task that faults of this request leave alone.
    pub fn begin_task(&mut self, new: NewTask) -> String {
        const LATE: f64 = 300.0;
        let more = if new.fate == Some(TaskFate::Late) { LATE } else { 0.0 };
        let id = self.state.new_cuid(self.now);
        let since = self.now.plus(durations::seconds(new.delay));
        self.state.tower.tasks.push(Task {
            id: id.clone(),
            description: new.description,
            resource: new.resource,
            since,
            until: since.plus(durations::seconds(new.seconds + more)),
            fate: new.fate,
            error: new.error.map(str::to_owned),
            change: new.change,
            undo: new.undo,
            steps: new.steps.iter().map(|step| (*step).to_owned()).collect(),
            stays_at_zero: new.stays_at_zero,
            applied: false,
            met: false,
        });
        id
    }
}

impl State {
    /// Applies the tasks that have ended by now.
    pub(super) fn finish_tasks(&mut self, now: Moment) {
        for index in 0..self.tower.tasks.len() {
            let task = &mut self.tower.tasks[index];
            if task.applied || task.is_open(now) {
                continue;
            }
            task.applied = true;
            match (task.status(now), task.undo.clone()) {
                ("SUCCESSED", _) => {
                    let change = task.change.clone();
                    if let Change::MakeNetwork(id) = &change {
                        self.make_network(id);
                    }
                    self.tower.apply(change);
                }
                (_, Some(begun)) => self.tower.remove(&begun),
                _ => {}
            }
        }
    }

    pub(super) fn task_rows(&self, now: Moment) -> Vec<Value> {
        let begun = self.tower.tasks.iter().filter(|task| task.since <= now);
        begun.map(|task| task.row(now, &Value::Null)).collect()
    }

    /// `entityAsyncStatus` of a resource: what an open task, or a lock, does to it; null when it is free.
    pub(super) fn async_status(&self, now: Moment, id: &str) -> Value {
        if self.tower.locks.get(id).is_some_and(|until| now < *until) {
            return json!("UPDATING");
        }
        let open = self.tower.tasks.iter().find(|task| task.resource.id == id && task.is_open(now));
        match open.map(|task| task.resource.mutation.as_str()) {
            Some("CREATE") => json!("CREATING"),
            Some(_) => json!("UPDATING"),
            None => Value::Null,
        }
    }
}
