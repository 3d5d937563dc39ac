//! The display of several clusters on a terminal: one live line each, what has to be known at once above them.

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    rc::Rc,
    sync::Arc,
};

use console::Term;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::{
    bars::live_line,
    columns::{fit, pad, width},
    display::{Display, Verbosity},
    live::Live,
    screen::Screen,
    sentences::Sentences,
    told::Detail,
    typing,
};
use crate::{
    engine::event::{Event, EventKind, Sink},
    messages::message,
    text::Say,
};

/// The terminal that all clusters share.
pub struct Fleet {
    /// `None`: nowhere, in tests.
    terminal: Option<Arc<dyn TermLike>>,
    bars: MultiProgress,
    /// The last line, where the operator types.
    prompt: ProgressBar,
    /// Columns of the longest name.
    names: usize,
    /// Lines so far.
    count: Cell<usize>,
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
    /// From 1.
    number: usize,
    name: String,
    bar: ProgressBar,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    live: Live,
    log: Option<PathBuf>,
    /// The exit code, once it has ended.
    end: Option<u8>,
}

impl Fleet {
    /// On standard error, where no pipe takes them; for clusters of these names.
    pub fn on_terminal<'a>(names: impl IntoIterator<Item = &'a str>) -> Rc<Self> {
        Self::new(names, Some(Arc::new(Term::buffered_stderr())))
    }

    fn new<'a>(names: impl IntoIterator<Item = &'a str>, terminal: Option<Arc<dyn TermLike>>) -> Rc<Self> {
        let bars = MultiProgress::with_draw_target(target(terminal.as_ref()));
        let prompt = bars.add(live_line().with_style(typed_line()));
        prompt.set_message(typing::PROMPT);
        let names = names.into_iter().map(width).max().unwrap_or(0);
        Rc::new(Self { terminal, bars, prompt, names, count: Cell::new(0), paused: RefCell::default() })
    }

    /// The line of one cluster, below those that there are; its screen is the labelled one.
    pub fn row(self: &Rc<Self>, name: &str, screen: Rc<Screen>) -> Rc<Row> {
        let bar = self.bars.insert_before(&self.prompt, live_line());
        let number = self.count.get() + 1;
        self.count.set(number);
        let (fleet, name) = (self.clone(), pad(name, self.names));
        let row = Row { fleet, screen, number, name, bar, state: RefCell::default() };
        row.redraw(&row.state.borrow());
        Rc::new(row)
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

    /// Tells more of the clusters whose number or name was typed, or which ones there are.
    pub fn answer(&self, rows: &[Rc<Row>], typed: &str, screen: &Screen) {
        self.back_to_the_prompt(width(typed));
        // It came from a keyboard: nothing of it may move the cursor.
        let typed: String = typed.chars().filter(|c| !c.is_control()).collect();
        let mut meant = rows.iter().filter(|row| row.is(&typed)).peekable();
        if typed.is_empty() || meant.peek().is_some() {
            return meant.for_each(|row| row.tell_details());
        }
        let names: Vec<&str> = rows.iter().map(|row| row.name.trim_end()).collect();
        let args: [(&str, &dyn Say); 3] =
            [("typed", &typed), ("last", &rows.len()), ("names", &names.join(", "))];
        self.print(vec![screen.say(&message("ui.fleet.unknown", &args)).to_owned()]);
    }

    /// The end of a line of so many typed columns took the cursor below the lines.
    fn back_to_the_prompt(&self, typed: usize) {
        if let (Some(terminal), false) = (&self.terminal, self.paused.borrow().now) {
            let rows = (width(typing::PROMPT) + typed).div_ceil(usize::from(terminal.width()).max(1));
            // A terminal that went away has no lines to keep apart.
            let _ = terminal.move_cursor_up(rows.max(1)).and_then(|()| terminal.flush());
        }
    }

    /// Leaves the terminal for good.
    pub fn close(&self) {
        // Failing to clear leaves old lines on the screen and nothing else.
        let _ = self.bars.clear();
    }
}

fn target(terminal: Option<&Arc<dyn TermLike>>) -> ProgressDrawTarget {
    terminal.map_or_else(ProgressDrawTarget::hidden, |terminal| typing::target(terminal.clone()))
}

/// Words alone.
fn typed_line() -> ProgressStyle {
    // The template is constant and valid; the plain style is only there to satisfy the type.
    ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

impl Row {
    fn redraw(&self, state: &State) {
        // The label takes its share of a screen's width, and the spinner and its blank two columns.
        let taken = width(self.name.trim_end()) + 3;
        let room = (self.screen.width.map_or(80, |width| width + taken)).saturating_sub(2);
        self.bar.set_message(fit(&self.line(state, room), room));
    }

    /// `Cls01  03 config-cluster  12/95  1m35s  Set the VIP: …`.
    /// Within `room` columns: other stages, reason and title give way, and what the operator looks for stays.
    fn line(&self, state: &State, room: usize) -> String {
        let [all, longest, number] = state.live.stages(self.screen.lang);
        let whole = |stage| Some(self.line_in(state, stage, &state.now(&self.screen)));
        let within = |stage, detail| {
            let left = room.checked_sub(width(&self.line_in(state, stage, "")))?;
            Some(self.line_in(state, stage, &state.now_within(&self.screen, left, detail)?))
        };
        let fits = |line: &String| width(line) <= room;
        whole(&all)
            .filter(fits)
            .or_else(|| within(&longest, Detail::Full))
            .or_else(|| within(&longest, Detail::Short))
            .or_else(|| within(&number, Detail::Short))
            .unwrap_or_else(|| self.bare_line(state, &number, room))
    }

    /// With the times of its step alone, and without a stage where even those do not fit.
    fn bare_line(&self, state: &State, number: &str, room: usize) -> String {
        let times = state.times(&self.screen);
        let line = self.line_in(state, number, &times);
        let waits = state.live.progress.opening.is_some();
        if waits || width(&line) <= room { line } else { self.line_in(state, "", &times) }
    }

    fn line_in(&self, state: &State, stage: &str, now: &str) -> String {
        let spent = state.live.spent();
        let said = match &state.end {
            Some(0) => message("ui.fleet.done", &[("time", &spent)]),
            Some(code) => message("ui.fleet.stopped", &[("code", code), ("time", &spent)]),
            None => {
                let done = state.live.progress.finished();
                let all = state.live.outline.selected.max(done);
                let args: [(&str, &dyn Say); 5] =
                    [("stage", &stage), ("done", &done), ("all", &all), ("time", &spent), ("now", &now)];
                message("ui.fleet.running", &args)
            }
        };
        // Between two steps there is no stage to tell.
        let said = self.screen.say(&said).trim_start();
        format!("{:>2} {}  {said}", self.number, self.name)
    }

    /// Whether the operator means this one by a number or a part of a name.
    pub fn is(&self, wanted: &str) -> bool {
        match wanted.parse::<usize>() {
            Ok(number) => self.number == number,
            Err(_) => !wanted.is_empty() && self.name.to_lowercase().contains(&wanted.to_lowercase()),
        }
    }

    /// Everything that runs now, and where the rest is.
    pub fn tell_details(&self) {
        let state = self.state.borrow();
        let lang = self.screen.lang;
        let mut lines = vec![self.line(&state, usize::MAX)];
        let Live { outline, progress, .. } = &state.live;
        let running = progress.active.iter();
        lines.extend(running.map(|(step, active)| {
            format!("    {} ({step}): {}", outline.title(step, lang), active.say(lang))
        }));
        if let Some(log) = &state.log {
            let said = message("ui.fleet.details", &[("log", &log.display())]);
            lines.push(format!("    {}", self.screen.say(&said)));
        }
        self.fleet.print(lines);
    }

    /// It came to an end, or never began.
    pub fn ended(&self, code: u8) {
        let mut state = self.state.borrow_mut();
        state.end = Some(code);
        self.bar.disable_steady_tick();
        self.redraw(&state);
    }
}

impl State {
    /// The step that has been running longest, and how many others run beside it.
    fn now(&self, screen: &Screen) -> String {
        let Live { outline, progress, .. } = &self.live;
        let Some((step, active)) = progress.longest() else { return String::new() };
        format!("{}: {}{}", outline.title(step, screen.lang), active.say(screen.lang), self.others())
    }

    /// The same in at most `room` columns; `None` where they do not hold it.
    fn now_within(&self, screen: &Screen, room: usize, detail: Detail) -> Option<String> {
        let Live { outline, progress, .. } = &self.live;
        let Some((step, active)) = progress.longest() else { return Some(String::new()) };
        let others = self.others();
        let room = room.checked_sub(width(&others))?;
        let said = active.within(outline.title(step, screen.lang), screen.lang, room, detail)?;
        Some(said + &others)
    }

    /// Its times alone.
    fn times(&self, screen: &Screen) -> String {
        let longest = self.live.progress.longest();
        longest.map_or_else(String::new, |(_, active)| active.times(screen.lang))
    }

    /// ` (+2)`.
    fn others(&self) -> String {
        match self.live.progress.active.len().saturating_sub(1) {
            0 => String::new(),
            others => format!(" (+{others})"),
        }
    }
}

impl Sink for Row {
    fn event(&self, event: &Event) {
        let mut state = self.state.borrow_mut();
        state.live.learn(event);
        match &event.kind {
            EventKind::RunStarted(run) => {
                state.log = run.run_folder.as_ref().map(|folder| folder.join("voyager.log"));
            }
            EventKind::RunFinished(end) => state.end = Some(end.exit_code),
            _ => {}
        }
        // What is no news of one cluster is on its line, and in its own log.
        let (screen, outline) = (&*self.screen, &state.live.outline);
        let sentences = Sentences { screen, outline, verbosity: Verbosity::Quiet };
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
            state.live.tick();
        }
        self.redraw(&state);
    }

    fn pause(&self) {
        self.fleet.paused.borrow_mut().now = true;
        let _ = self.fleet.bars.clear();
        self.fleet.bars.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn resume(&self) {
        self.fleet.bars.set_draw_target(target(self.fleet.terminal.as_ref()));
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
        self.redraw(&self.state.borrow());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        text::{Lang, Text},
        ui::testing::{Grid, at, run_started, screen, waiting},
    };

    #[test]
    fn more_is_told_of_the_cluster_whose_number_or_name_is_typed() {
        let (screen, _) = screen(Lang::En, Some(120));
        let fleet = Fleet::new(["Cls01", "Cls02"], None);
        let rows = ["Cls01", "Cls02"].map(|name| fleet.row(name, Rc::new(screen.labelled(name))));
        let meant = |wanted: &str| rows.each_ref().map(|row| row.is(wanted));
        assert_eq!(
            [meant("2"), meant("cls01"), meant("cls"), meant("")],
            [[false, true], [true, false], [true, true], [false, false]]
        );
    }

    #[test]
    fn what_is_typed_leaves_no_line_behind_and_what_nobody_knows_is_answered() {
        let names = ["Cls01", "Cls02"];
        let (screen, _) = screen(Lang::En, Some(70));
        let grid = Grid::new(70);
        let fleet = Fleet::new(names, Some(Arc::new(grid.clone())));
        let rows = names.map(|name| fleet.row(name, Rc::new(screen.labelled(name))));
        fleet.print(vec!["the fleet begins".to_owned()]);
        let told = |typed: &str| {
            grid.echo(typed);
            // As when the lines are drawn again between two keys.
            fleet.print(vec!["news".to_owned()]);
            grid.echo("\n");
            fleet.answer(&rows, typed, &screen);
            fleet.print(vec!["more news".to_owned()]);
            grid.text()
        };
        let unknown = told("xyz");
        let said = "no cluster is called \"xyz\": type a number from 1 to 2, or a name or a part of one (Cls01, Cls02)";
        assert!(unknown.replace('\n', " ").contains(said), "{unknown}");
        assert_eq!(unknown.matches(" 1 Cls01").count(), 1, "{unknown}");
        assert_eq!(unknown.matches(" 2 Cls02").count(), 1, "{unknown}");
        let details = told("2");
        assert_eq!(details.matches(" 1 Cls01").count(), 1, "{details}");
        assert_eq!(details.matches(" 2 Cls02").count(), 2, "the line and its details: {details}");
        assert!(details.starts_with("the fleet begins\nnews\n") && details.ends_with("\n>"), "{details}");
    }

    #[test]
    fn from_80_to_110_columns_a_line_ends_with_the_times_of_the_wait() {
        for lang in [Lang::En, Lang::Zh] {
            let (screen, _) = screen(lang, Some(80));
            let fleet = Fleet::new(["QS-SZ-SMTX-Prod-Cls01"], None);
            let row = fleet.row("QS-SZ-SMTX-Prod-Cls01", Rc::new(screen.labelled("QS-SZ-SMTX-Prod-Cls01")));
            let mut wait = waiting("init-cluster.deploy", 95_000);
            if let EventKind::Waiting { expected_ms, .. } = &mut wait {
                *expected_ms = Some(1_200_000);
            }
            [run_started(), at(2, wait)].iter().for_each(|event| row.event(event));
            (0..700).for_each(|_| row.tick());
            for room in 76..=110 {
                let line = row.line(&row.state.borrow(), room);
                assert!(width(&line) <= room && (room < 78 || line.contains(" 02")), "{line}");
                for told in ["0/2", "11m40s", "20m00s", "40m00s"] {
                    assert!(line.contains(told), "{told}: {line}");
                }
            }
        }
    }

    #[test]
    fn a_cluster_that_waits_for_its_window_tells_until_when() {
        let (screen, _) = screen(Lang::En, Some(80));
        let fleet = Fleet::new(["Cls01"], None);
        let row = fleet.row("Cls01", Rc::new(screen.labelled("Cls01")));
        let mut wait = waiting("", 0);
        if let EventKind::Waiting { reason, .. } = &mut wait {
            *reason = Text::same("window opens 2026-11-30 23:00");
        }
        [run_started(), at(2, wait)].iter().for_each(|event| row.event(event));
        let line = row.line(&row.state.borrow(), 76);
        assert_eq!(line.trim_end(), " 1 Cls01  window opens 2026-11-30 23:00  0/2  0.0s real");
    }

    #[test]
    fn a_line_tells_name_stage_progress_time_and_the_step_at_hand() {
        let (screen, _) = screen(Lang::En, Some(120));
        let fleet = Fleet::new(["Cls01", "Cls02-long"], None);
        let row = fleet.row("Cls01", Rc::new(screen.labelled("Cls01")));
        row.event(&run_started());
        row.event(&at(1, EventKind::StageStarted { stage: "init-cluster".into() }));
        row.event(&at(2, waiting("init-cluster.deploy", 95_000)));
        (0..61).for_each(|_| row.tick());
        assert_eq!(
            row.line(&row.state.borrow(), 120),
            " 1 Cls01       02 init-cluster  0/2  1m01s real  Deploy: the deployment is running (2m36s of at most 40m00s)"
        );
    }
}
