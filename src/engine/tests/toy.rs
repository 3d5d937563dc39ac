//! The toy world, and a bench that runs stages on it again and again over one journal.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use futures_util::future::LocalBoxFuture;
use tokio_util::sync::CancellationToken;

use crate::{
    engine::{
        event::{Event, EventKind, Outcome, Resumed, RunSummary, Sink},
        journal::{Journal, MemoryStorage, Storage},
        question::Answerer,
        *,
    },
    failure::{Failure, Kind, Result},
    text::Text,
};

pub const SECOND: Duration = Duration::from_secs(1);

/// How the site treats the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Accepted,
    /// Accepted, shown only after so many seconds.
    Late(u64),
    /// The lying server.
    AcceptedAndNothingDone,
    Refused,
    LostBefore,
    LostAfter,
    KilledBefore,
    KilledAfter,
    /// Waits until the run was asked to stop, then ends as usual.
    Interrupted,
    /// Never answers.
    Silent,
}

/// What is at the site. The readable part of the world.
#[derive(Default)]
pub struct Site {
    values: RefCell<BTreeMap<String, (String, Duration)>>,
    /// How often each name was set.
    pub effects: RefCell<BTreeMap<String, usize>>,
    pub requests: RefCell<Vec<String>>,
    fates: RefCell<VecDeque<Fate>>,
    /// Looks that answer *unknown* before one that tells.
    pub unknown_looks: Cell<usize>,
    pub looks: Cell<usize>,
    in_flight: RefCell<BTreeMap<String, usize>>,
    pub most_in_flight: RefCell<BTreeMap<String, usize>>,
    death: RefCell<CancellationToken>,
    clock: RefCell<Option<Clock>>,
    cancel: RefCell<Cancel>,
}

impl Site {
    pub fn get(&self, name: &str) -> Option<String> {
        let now = self.now();
        self.values.borrow().get(name).filter(|(_, from)| *from <= now).map(|(value, _)| value.clone())
    }

    pub fn put(&self, name: &str, value: &str) {
        self.values.borrow_mut().insert(name.to_owned(), (value.to_owned(), Duration::ZERO));
    }

    pub fn effects_of(&self, name: &str) -> usize {
        self.effects.borrow().get(name).copied().unwrap_or(0)
    }

    fn now(&self) -> Duration {
        self.clock.borrow().as_ref().map_or(Duration::ZERO, Clock::elapsed)
    }

    fn set(&self, name: &str, value: &str, delay: Duration) {
        let shown = self.now() + delay;
        self.values.borrow_mut().insert(name.to_owned(), (value.to_owned(), shown));
        *self.effects.borrow_mut().entry(name.to_owned()).or_default() += 1;
    }

    pub fn fate(&self, fates: impl IntoIterator<Item = Fate>) {
        *self.fates.borrow_mut() = fates.into_iter().collect();
    }
}

#[derive(Default)]
pub struct Toy {
    pub site: Rc<Site>,
    pub fields: RefCell<BTreeMap<String, Content>>,
}

impl World for Toy {
    type Read = Rc<Site>;

    fn read(&self) -> &Self::Read {
        &self.site
    }

    fn field(&self, key: &str) -> Option<FieldValue> {
        let planned = self.fields.borrow().get(key).cloned();
        let content = planned.unwrap_or_else(|| Content::Plain("wanted".to_owned()));
        Some(FieldValue { content, cells: vec![format!("Sheet!{key}")] })
    }
}

impl Toy {
    pub fn plan(&self, key: &str, value: &str) {
        self.fields.borrow_mut().insert(key.to_owned(), Content::Plain(value.to_owned()));
    }

    /// The planned value of `key`, or `wanted`.
    pub fn planned(&self, key: &str) -> String {
        match self.fields.borrow().get(key) {
            Some(Content::Plain(value)) => value.clone(),
            _ => "wanted".to_owned(),
        }
    }

    /// One request that sets `name`; it takes a second.
    pub async fn write(&self, name: &str, value: &str, handle: &Handle) -> Result<()> {
        let site = &self.site;
        site.requests.borrow_mut().push(format!("{name}={value}"));
        let service = handle.manifest().service.clone().unwrap_or_default();
        let count = |by: isize| {
            let mut all = site.in_flight.borrow_mut();
            let now = all.entry(service.clone()).or_default();
            *now = now.checked_add_signed(by).unwrap();
            let mut most = site.most_in_flight.borrow_mut();
            let most = most.entry(service.clone()).or_default();
            *most = (*most).max(*now);
        };
        count(1);
        let fate = site.fates.borrow_mut().pop_front().unwrap_or(Fate::Accepted);
        handle.clock().sleep(SECOND).await;
        let result = self.meet(fate, name, value).await;
        count(-1);
        result
    }

    async fn meet(&self, fate: Fate, name: &str, value: &str) -> Result<()> {
        let set = |delay| self.site.set(name, value, delay);
        let failure = || Failure::new(Kind::Site, Text::same("writing"));
        match fate {
            Fate::Accepted => set(Duration::ZERO),
            Fate::Late(seconds) => set(SECOND * seconds as u32),
            Fate::AcceptedAndNothingDone => {}
            Fate::Refused => return Err(failure()),
            Fate::LostBefore => return Err(failure().answer_lost()),
            Fate::LostAfter => {
                set(Duration::ZERO);
                return Err(failure().answer_lost());
            }
            Fate::KilledBefore => self.die().await,
            Fate::KilledAfter => {
                set(Duration::ZERO);
                self.die().await;
            }
            Fate::Interrupted => {
                let cancel = self.site.cancel.borrow().clone();
                cancel.request(Reason::Interrupted);
                set(Duration::ZERO);
            }
            Fate::Silent => {
                set(Duration::ZERO);
                std::future::pending::<()>().await;
            }
        }
        Ok(())
    }

    async fn die(&self) {
        self.site.death.borrow().cancel();
        std::future::pending().await
    }
}

/// A probe of a setting: done when `name` has the planned value.
pub fn probe_setting(
    name: &'static str,
) -> impl AsyncFn(&Rc<Site>, &Handle) -> Result<ChangeProbe> + use<> + 'static {
    async move |site: &Rc<Site>, _handle: &Handle| {
        site.looks.set(site.looks.get() + 1);
        if site.unknown_looks.get() > 0 {
            site.unknown_looks.set(site.unknown_looks.get() - 1);
            return Ok(ChangeProbe::Unknown(Text::same("restarting")));
        }
        Ok(match site.get(name).as_deref() {
            None => ChangeProbe::Absent,
            Some("somebody-else") => ChangeProbe::Conflict(Text::same("not ours")),
            Some("wanted") => {
                ChangeProbe::Done(Facts::none().with(&Fact::<String>::new(name), &"wanted".into()))
            }
            Some(found) => ChangeProbe::Differs(vec![Difference {
                what: Text::same(name),
                found: found.to_owned(),
                planned: "wanted".to_owned(),
                cell: Some("规划!A1".to_owned()),
            }]),
        })
    }
}

pub fn act_setting(name: &'static str) -> impl AsyncFn(&Toy, &Handle) -> Result<()> + 'static {
    async move |toy: &Toy, handle: &Handle| toy.write(name, "wanted", handle).await
}

pub fn send_setting(name: &'static str) -> impl AsyncFn(&Toy, &Handle) -> Result<Sent> + 'static {
    async move |toy: &Toy, handle: &Handle| {
        toy.write(name, &toy.planned(name), handle).await?;
        Ok(Sent::Sent(Facts::none()))
    }
}

/// A probe that can prove what happened.
pub fn probe_thing(name: &'static str) -> impl AsyncFn(&Rc<Site>, &Handle) -> Result<OnceProbe> + 'static {
    async move |site: &Rc<Site>, _handle: &Handle| {
        site.looks.set(site.looks.get() + 1);
        Ok(match site.get(name) {
            Some(value) => OnceProbe::Done(Facts::none().with(&Fact::<String>::new(name), &value)),
            None => OnceProbe::Unproved(Text::same("nothing to be seen")),
        })
    }
}

/// A probe that never can.
pub async fn probe_nothing(_site: &Rc<Site>, _handle: &Handle) -> Result<OnceProbe> {
    Ok(OnceProbe::Unproved(Text::same("the site does not tell")))
}

/// A stage from a manifest's steps (TOML after the id) and its code.
pub fn stage(number: u8, id: &str, steps: &[(&str, &str)], code: Steps<Toy>) -> Stage<Toy> {
    let mut text = format!("id='{id}'\nnumber={number}\ntitle={{zh='{id}',en='{id}'}}\n");
    for (id, more) in steps {
        text += &format!("[[steps]]\nid='{id}'\ntitle={{zh='{id}',en='{id}'}}\n");
        if !more.contains("timeout") {
            text += "timeout='10m'\n";
        }
        text += &format!("{more}\n");
    }
    Stage::new(toml::from_str(&text).unwrap(), code).unwrap()
}

/// A stage `s` of one setting, with effects visible within 20 s.
pub fn one_change() -> Vec<Stage<Toy>> {
    let code = Steps::new().change("a", probe_setting("a"), act_setting("a"));
    vec![stage(1, "s", &[("a", "visible_within='20s'\nservice='x'")], code)]
}

pub fn one_once(provable: bool) -> Vec<Stage<Toy>> {
    let steps = Steps::new();
    let code = if provable {
        steps.once("a", probe_thing("a"), act_setting("a"))
    } else {
        steps.once("a", probe_nothing, act_setting("a"))
    };
    vec![stage(1, "s", &[("a", "visible_within='20s'\ngives=['a_id']")], code)]
}

pub fn one_repeat() -> Vec<Stage<Toy>> {
    vec![stage(1, "s", &[("a", "uses=['a']")], Steps::new().repeat("a", send_setting("a")))]
}

/// Runs stages over one journal, as one engineer's runs at one site.
pub struct Bench {
    pub toy: Toy,
    pub storage: MemoryStorage,
    pub key: RefCell<SecretKey>,
    pub cancel: RefCell<Cancel>,
    events: Rc<RefCell<Vec<Event>>>,
    clock: Clock,
    runs: Cell<usize>,
}

struct Collect(Rc<RefCell<Vec<Event>>>);

impl Sink for Collect {
    fn event(&self, event: &Event) {
        self.0.borrow_mut().push(event.clone());
    }
}

struct NobodyThere;

impl Answerer for NobodyThere {
    fn answer<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Result<Answer>> {
        Box::pin(async { Err(Failure::new(Kind::Decision, question.title.clone())) })
    }
}

impl Bench {
    pub fn new() -> Self {
        let clock = Clock::instant();
        let toy = Toy::default();
        *toy.site.clock.borrow_mut() = Some(clock.clone());
        Self {
            toy,
            storage: MemoryStorage::default(),
            key: RefCell::new(SecretKey::random()),
            cancel: RefCell::default(),
            events: Rc::default(),
            clock,
            runs: Cell::new(0),
        }
    }

    /// Another bench with the same site and runs behind it, for one of several ways to go on.
    pub fn after(&self) -> Self {
        let other = Self::new();
        let now = self.elapsed();
        let values = self.site().values.borrow();
        let from_now = values
            .iter()
            .map(|(name, (value, from))| (name.clone(), (value.clone(), from.saturating_sub(now))));
        *other.site().values.borrow_mut() = from_now.collect();
        *other.site().effects.borrow_mut() = self.site().effects.borrow().clone();
        *other.site().requests.borrow_mut() = self.site().requests.borrow().clone();
        *other.key.borrow_mut() = self.key.borrow().clone();
        other.runs.set(self.runs.get());
        other
    }

    pub fn site(&self) -> &Site {
        &self.toy.site
    }

    pub fn setup(&self, storage: Box<dyn Storage>) -> Setup {
        self.runs.set(self.runs.get() + 1);
        self.events.borrow_mut().clear();
        *self.cancel.borrow_mut() = Cancel::new();
        *self.site().cancel.borrow_mut() = self.cancel.borrow().clone();
        *self.site().death.borrow_mut() = CancellationToken::new();
        self.site().in_flight.borrow_mut().clear();
        Setup {
            journal: Journal::open(storage, "site", &format!("r{}", self.runs.get())).unwrap(),
            key: self.key.borrow().clone(),
            sinks: vec![Rc::new(Collect(self.events.clone()))],
            answerer: Rc::new(NobodyThere),
            clock: self.clock.clone(),
            cancel: self.cancel.borrow().clone(),
            lock: None,
        }
    }

    pub async fn run(&self, stages: &[Stage<Toy>]) -> RunSummary {
        self.run_with(stages, Options::default()).await
    }

    pub async fn run_with(&self, stages: &[Stage<Toy>], options: Options) -> RunSummary {
        let setup = self.setup(Box::new(self.storage.clone()));
        run(&self.toy, stages, setup, &options).await
    }

    /// A run that is killed, by the site's fate or at a crash point; panics when it survives.
    pub async fn killed(&self, stages: &[Stage<Toy>], at: Option<(&str, CrashPoint)>) {
        let setup = self.setup(Box::new(self.storage.clone()));
        let death = self.site().death.borrow().clone();
        let crash = match at {
            None => CrashPlan::none(),
            Some((step, point)) => {
                let death = death.clone();
                CrashPlan::die_by(step, point, move || {
                    death.cancel();
                    std::future::pending()
                })
            }
        };
        let options = Options { crash, ..Options::default() };
        tokio::select! {
            biased;
            () = death.cancelled() => {}
            summary = run(&self.toy, stages, setup, &options) => panic!("survived: {summary:?}"),
        }
    }

    /// How each step of the last run ended, in order.
    pub fn outcomes(&self) -> Vec<(String, &'static str)> {
        let events = self.events.borrow();
        let name = |outcome: &Outcome| match outcome {
            Outcome::Passed => "passed",
            Outcome::AlreadyDone => "already-done",
            Outcome::Changed => "changed",
            Outcome::Sent => "sent",
            Outcome::AlreadySent => "already-sent",
            Outcome::Ready => "ready",
            Outcome::Skipped { .. } => "skipped",
            Outcome::Settled { .. } => "settled",
            Outcome::Failed { .. } => "failed",
            Outcome::NotRun { .. } => "not-run",
        };
        let ends = events.iter().filter_map(|event| match &event.kind {
            EventKind::StepFinished { step, outcome, .. } => Some((step.clone(), name(outcome))),
            _ => None,
        });
        ends.collect()
    }

    pub fn outcome(&self, step: &str) -> &'static str {
        let ends = self.outcomes();
        ends.iter().rev().find(|(id, _)| id == step).map_or("none", |(_, outcome)| outcome)
    }

    /// The last word of the last run on what it does with a step that an earlier run touched.
    pub fn resumed(&self, step: &str) -> Option<Resumed> {
        self.events.borrow().iter().rev().find_map(|event| match &event.kind {
            EventKind::Resumed { step: id, how } if id == step => Some(*how),
            _ => None,
        })
    }

    pub fn events(&self) -> Vec<EventKind> {
        self.events.borrow().iter().map(|event| event.kind.clone()).collect()
    }

    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}
