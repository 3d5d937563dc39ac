//! The display of several clusters on a terminal: one live line each, what has to be known at once above them.

use std::{cell::RefCell, rc::Rc};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::{
    bars::{Target, live_line},
    columns::{fit, pad, width},
    display::{Display, Verbosity},
    outline::Outline,
    progress::{Active, Progress},
    screen::Screen,
    sentences::{Sentences, time},
};
use crate::{
    engine::event::{Event, EventKind, RunSummary, Sink},
    messages::message,
    text::Say,
};

/// The terminal that all clusters share.
pub struct Fleet {
    target: Target,
    bars: MultiProgress,
    /// Columns of the longest name.
    names: usize,
    paused: RefCell<Paused>,
}

/// A prompt has the terminal, and what came meanwhile.
#[derive(Default)]
struct Paused {
    now: bool,
    held: Vec<String>,
}

/// One cluster's line.
pub struct Row {
    fleet: Rc<Fleet>,
    screen: Rc<Screen>,
    name: String,
    bar: ProgressBar,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    outline: Outline,
    progress: Progress,
    /// The stage that began last.
    stage: String,
    seconds: u64,
    end: Option<RunSummary>,
}

impl Fleet {
    /// On standard error, where no pipe takes them; for clusters of these names.
    pub fn on_terminal<'a>(names: impl IntoIterator<Item = &'a str>) -> Rc<Self> {
        Self::new(names, Box::new(ProgressDrawTarget::stderr))
    }

    fn new<'a>(names: impl IntoIterator<Item = &'a str>, target: Target) -> Rc<Self> {
        let bars = MultiProgress::with_draw_target(target());
        let names = names.into_iter().map(width).max().unwrap_or(0);
        Rc::new(Self { target, bars, names, paused: RefCell::default() })
    }

    /// The line of one cluster, below those that there are; its screen is the labelled one.
    pub fn row(self: &Rc<Self>, name: &str, screen: Rc<Screen>) -> Row {
        let bar = self.bars.add(live_line());
        let row =
            Row { fleet: self.clone(), screen, name: pad(name, self.names), bar, state: RefCell::default() };
        row.redraw(&row.state.borrow());
        row
    }

    /// Prints above the lines.
    pub fn print(&self, lines: Vec<String>) {
        let mut paused = self.paused.borrow_mut();
        if paused.now {
            paused.held.extend(lines);
            return;
        }
        for line in lines {
            // A terminal that went away misses it; the log and the journal do not.
            let _ = self.bars.println(line);
        }
    }

    /// Leaves the terminal for good.
    pub fn close(&self) {
        // Failing to clear leaves old lines on the screen and nothing else.
        let _ = self.bars.clear();
    }
}

impl Row {
    fn redraw(&self, state: &State) {
        // The label takes its share of a screen's width, and the spinner and its blank two columns.
        let taken = width(self.name.trim_end()) + 3;
        let room = (self.screen.width.map_or(80, |width| width + taken)).saturating_sub(2);
        self.bar.set_message(fit(&self.line(state), room));
    }

    /// `Cls01  03 config-cluster  12/95  1m35s  Set the VIP: …`.
    fn line(&self, state: &State) -> String {
        let spent = time(state.seconds * 1000);
        let said = match &state.end {
            Some(end) if end.exit_code == 0 => message("ui.fleet.done", &[("time", &spent)]),
            Some(end) => message("ui.fleet.stopped", &[("code", &end.exit_code), ("time", &spent)]),
            None => {
                let now = state.now(&self.screen);
                let all = state.outline.selected.max(state.progress.finished);
                let args: [(&str, &dyn Say); 5] = [
                    ("stage", &state.stage),
                    ("done", &state.progress.finished),
                    ("all", &all),
                    ("time", &spent),
                    ("now", &now),
                ];
                message("ui.fleet.running", &args)
            }
        };
        format!("{}  {}", self.name, self.screen.say(&said))
    }
}

impl State {
    /// The step that has been running longest, and how many others run beside it.
    fn now(&self, screen: &Screen) -> String {
        let longest = self.progress.active.iter().max_by_key(|(_, active): &(_, &Active)| active.seconds);
        let Some((step, active)) = longest else { return String::new() };
        let said = format!("{}: {}", self.outline.title(step, screen.lang), active.say(screen.lang));
        match self.progress.active.len() - 1 {
            0 => said,
            others => format!("{said} (+{others})"),
        }
    }
}

impl Sink for Row {
    fn event(&self, event: &Event) {
        let mut state = self.state.borrow_mut();
        state.outline.learn(event);
        state.progress.learn(event);
        match &event.kind {
            EventKind::RunStarted(run) => {
                if let Some(folder) = &run.run_folder {
                    let log = folder.join("voyager.log");
                    let said = message("ui.fleet.details", &[("log", &log.display())]);
                    self.say(self.screen.say(&said));
                }
            }
            EventKind::StageStarted { stage } => state.stage = state.outline.number(stage),
            EventKind::RunFinished(end) => state.end = Some(end.clone()),
            _ => {}
        }
        // What is no news of one cluster is on its line, and in its own log.
        let sentences =
            Sentences { screen: &self.screen, outline: &state.outline, verbosity: Verbosity::Quiet };
        let lines = sentences.of(event).iter().map(|line| self.screen.marked(line)).collect();
        self.fleet.print(lines);
        self.redraw(&state);
    }
}

impl Display for Row {
    fn say(&self, line: &str) {
        self.fleet.print(vec![self.screen.marked(line)]);
    }

    fn tick(&self) {
        let mut state = self.state.borrow_mut();
        if state.end.is_none() {
            state.seconds += 1;
        }
        state.progress.tick();
        self.redraw(&state);
    }

    fn pause(&self) {
        self.fleet.paused.borrow_mut().now = true;
        let _ = self.fleet.bars.clear();
        self.fleet.bars.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn resume(&self) {
        self.fleet.bars.set_draw_target((self.fleet.target)());
        let held = {
            let mut paused = self.fleet.paused.borrow_mut();
            paused.now = false;
            std::mem::take(&mut paused.held)
        };
        self.fleet.print(held);
        self.redraw(&self.state.borrow());
    }

    fn close(&self) {
        // The line stays until the whole fleet is done.
        self.bar.disable_steady_tick();
        self.redraw(&self.state.borrow());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        text::Lang,
        ui::testing::{at, run_started, screen, waiting},
    };

    #[test]
    fn a_line_tells_name_stage_progress_time_and_the_step_at_hand() {
        let (screen, _) = screen(Lang::En, Some(120));
        let fleet = Fleet::new(["Cls01", "Cls02-long"], Box::new(ProgressDrawTarget::hidden));
        let row = fleet.row("Cls01", Rc::new(screen.labelled("Cls01")));
        row.event(&run_started());
        row.event(&at(1, EventKind::StageStarted { stage: "init-cluster".into() }));
        row.event(&at(2, waiting("init-cluster.deploy", 95_000)));
        (0..61).for_each(|_| row.tick());
        assert_eq!(
            row.line(&row.state.borrow()),
            "Cls01       02 init-cluster  0/2  1m01s  Deploy: the deployment is running (1m35s of at most 40m00s)"
        );
    }
}
