//! The display for a terminal: one live line for the run and one per running step, finished lines above them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{
    columns::{fit, width},
    display::{Display, Verbosity},
    live::Live,
    progress::Active,
    screen::Screen,
    sentences::Sentences,
};
use crate::{
    engine::event::{Event, Sink},
    messages::message,
    text::Say,
};

/// Where the bars are drawn; asked for again after each prompt.
pub type Target = Box<dyn Fn() -> ProgressDrawTarget>;

pub struct Bars {
    screen: Rc<Screen>,
    verbosity: Verbosity,
    target: Target,
    bars: MultiProgress,
    run: ProgressBar,
    state: RefCell<State>,
    /// A prompt has the terminal.
    paused: Cell<bool>,
}

#[derive(Default)]
struct State {
    live: Live,
    steps: BTreeMap<String, ProgressBar>,
    /// Lines that came while a prompt had the terminal.
    held: Vec<String>,
}

impl Bars {
    pub fn new(screen: Rc<Screen>, verbosity: Verbosity, target: Target) -> Self {
        let bars = MultiProgress::with_draw_target(target());
        let run = bars.add(live_line());
        Self { screen, verbosity, target, bars, run, state: RefCell::default(), paused: Cell::new(false) }
    }

    /// On standard error, where no pipe takes them.
    pub fn on_terminal(screen: Rc<Screen>, verbosity: Verbosity) -> Self {
        Self::new(screen, verbosity, Box::new(ProgressDrawTarget::stderr))
    }

    /// Prints above the bars. A terminal that went away misses it; the log and the journal do not.
    fn print(&self, state: &mut State, lines: Vec<String>) {
        if self.paused.get() {
            state.held.extend(lines);
        } else {
            for line in lines {
                let _ = self.bars.println(line);
            }
        }
    }

    fn redraw(&self, state: &mut State) {
        let State { live, steps, .. } = state;
        let Live { outline, progress, .. } = &*live;
        steps.retain(|step, bar| {
            let running = progress.active.contains_key(step);
            if !running {
                bar.finish_and_clear();
                self.bars.remove(bar);
            }
            running
        });
        // The spinner and its blank take two columns.
        let room = self.screen.width.unwrap_or(80).saturating_sub(2);
        for (step, active) in &progress.active {
            let bar =
                steps.entry(step.clone()).or_insert_with(|| self.bars.insert_before(&self.run, live_line()));
            let title = outline.title(step, self.screen.lang);
            bar.set_message(step_line(title, active, &self.screen, room));
        }
        self.run.set_message(run_line(live, &self.screen, room));
    }
}

/// `6/66 steps, 11s, 02 init-cluster, 04 deploy-cloudtower`, at most `room` columns.
fn run_line(live: &Live, screen: &Screen, room: usize) -> String {
    let done = live.progress.finished();
    let (all, time) = (live.outline.selected.max(done), live.spent());
    let args: [(&str, &dyn Say); 3] = [("done", &done), ("all", &all), ("time", &time)];
    let steps = message("ui.progress.steps", &args);
    let said = |stage: &String| match stage.as_str() {
        "" => screen.say(&steps).to_owned(),
        _ => screen.say(&message("ui.progress.run", &[("steps", &steps), ("stage", stage)])).to_owned(),
    };
    let [all, longest, _] = live.stages(screen.lang).each_ref().map(said);
    if width(&all) <= room { all } else { fit(&longest, room) }
}

/// A line with a spinner that its message follows.
pub(super) fn live_line() -> ProgressBar {
    // The template is constant and valid; the plain style is only there to satisfy the type.
    let style =
        ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style.tick_chars("|/-\\ "));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// `Upload the image: [#####-----] 3.7 GiB of 7.3 GiB …`, at most `room` columns.
fn step_line(title: &str, active: &Active, screen: &Screen, room: usize) -> String {
    const CELLS: usize = 20;
    let whole = active.say(screen.lang);
    match active.transfer() {
        Some(transfer) if width(title) + CELLS + 5 + width(&whole) <= room => {
            let filled = transfer.percent() as usize * CELLS / 100;
            format!("{title}: [{}{}] {whole}", "#".repeat(filled), "-".repeat(CELLS - filled))
        }
        _ => active.fitted(title, screen.lang, room),
    }
}

impl Sink for Bars {
    fn event(&self, event: &Event) {
        let mut state = self.state.borrow_mut();
        state.live.learn(event);
        let (screen, outline) = (&*self.screen, &state.live.outline);
        let lines = Sentences { screen, outline, verbosity: self.verbosity }.of(event);
        self.print(&mut state, lines);
        self.redraw(&mut state);
    }
}

impl Display for Bars {
    fn say(&self, line: &str) {
        self.print(&mut self.state.borrow_mut(), vec![line.to_owned()]);
    }

    fn tick(&self) {
        let mut state = self.state.borrow_mut();
        state.live.tick();
        self.redraw(&mut state);
    }

    fn pause(&self) {
        self.paused.set(true);
        // Failing to clear leaves an old line on the screen and nothing else.
        let _ = self.bars.clear();
        self.bars.set_draw_target(ProgressDrawTarget::hidden());
    }

    fn resume(&self) {
        self.bars.set_draw_target((self.target)());
        self.paused.set(false);
        let mut state = self.state.borrow_mut();
        let held = std::mem::take(&mut state.held);
        self.print(&mut state, held);
        self.redraw(&mut state);
    }

    fn close(&self) {
        let mut state = self.state.borrow_mut();
        for (_, bar) in std::mem::take(&mut state.steps) {
            bar.finish_and_clear();
        }
        self.run.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use indicatif::TermLike;

    use super::*;
    use crate::{
        engine::event::EventKind,
        text::Lang,
        ui::{
            progress::Progress,
            testing::{at, run_of_two_stages, run_started, screen, waiting},
        },
    };

    /// A terminal that keeps every line it was given.
    #[derive(Clone, Debug)]
    struct Tape {
        width: u16,
        lines: Arc<Mutex<Vec<String>>>,
    }

    impl Tape {
        fn text(&self) -> String {
            self.lines.lock().expect("no writer panicked").join("\n")
        }
    }

    impl TermLike for Tape {
        fn width(&self) -> u16 {
            self.width
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, line: &str) -> io::Result<()> {
            self.write_str(line)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.lines.lock().expect("no writer panicked").push(text.to_owned());
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn bars(columns: u16) -> (Bars, Tape) {
        let tape = Tape { width: columns, lines: Arc::default() };
        let (screen, _) = screen(Lang::En, Some(usize::from(columns)));
        let target = tape.clone();
        // Faster than any test: no redraw may be left out.
        let target = move || ProgressDrawTarget::term_like_with_hz(Box::new(target.clone()), 255);
        (Bars::new(screen, Verbosity::Normal, Box::new(target)), tape)
    }

    fn transfer(sent: u64) -> Active {
        let mut progress = Progress::default();
        for (second, sent) in [(0, 0), (4, sent)] {
            let (step, name) = ("s.upload".to_owned(), "image.iso".to_owned());
            progress.learn(&at(second, EventKind::Transfer { step, name, sent, total: 8 << 30 }));
        }
        progress.active.remove("s.upload").expect("a transfer")
    }

    #[test]
    fn finished_steps_scroll_above_the_bars() {
        let (bars, tape) = bars(100);
        bars.event(&run_started());
        bars.event(&at(1, EventKind::StageStarted { stage: "init-cluster".into() }));
        bars.close();
        assert!(tape.text().contains("== 02 init-cluster  Deploy the cluster"), "{}", tape.text());
    }

    #[test]
    fn the_live_line_names_the_stages_at_work_as_far_as_there_is_room() {
        let mut live = Live::default();
        live.learn(&run_of_two_stages());
        let (screen, _) = screen(Lang::En, None);
        assert_eq!(run_line(&live, &screen, 78), "0/3 steps, 0.0s real");
        for step in ["deploy-cloudtower.upload", "init-cluster.deploy"] {
            live.learn(&at(1, EventKind::StepStarted { step: step.into() }));
        }
        let both = "0/3 steps, 0.0s real, 02 init-cluster, 04 deploy-cloudtower";
        assert_eq!(run_line(&live, &screen, 59), both);
        assert_eq!(run_line(&live, &screen, 58), "0/3 steps, 0.0s real, 04 deploy-cloudtower");
    }

    #[test]
    fn in_a_rehearsal_our_own_time_is_marked_and_at_a_real_site_there_is_one_clock() {
        for (simulated, en, zh) in
            [(true, "0/2 steps, 6.0s real", "0/2 步，实际 6.0s"), (false, "0/2 steps, 6.0s", "0/2 步，6.0s")]
        {
            let mut live = Live::default();
            let mut event = run_started();
            if let EventKind::RunStarted(run) = &mut event.kind {
                run.simulated = simulated;
            }
            live.learn(&event);
            (0..6).for_each(|_| live.tick());
            let said = |lang| run_line(&live, &screen(lang, None).0, 78);
            assert_eq!([said(Lang::En), said(Lang::Zh)], [en, zh]);
        }
    }

    #[test]
    fn what_happens_during_a_prompt_is_shown_after_it() {
        let (bars, tape) = bars(100);
        bars.event(&run_started());
        bars.pause();
        bars.event(&at(1, EventKind::StageStarted { stage: "init-cluster".into() }));
        assert!(!tape.text().contains("== 02"), "the prompt has the terminal: {}", tape.text());
        bars.resume();
        assert!(tape.text().contains("== 02"), "{}", tape.text());
        bars.close();
    }

    #[test]
    fn a_transfer_has_a_bar_where_there_is_room_and_fits_forty_columns_where_there_is_not() {
        let (screen, _) = screen(Lang::En, None);
        let wide = step_line("Upload the image", &transfer(4 << 30), &screen, 120);
        assert!(
            wide.starts_with("Upload the image: [##########----------] image.iso 4.0 GiB of 8.0 GiB"),
            "{wide}"
        );
        let narrow = step_line("Upload the image", &transfer(4 << 30), &screen, 38);
        assert!(width(&narrow) <= 38 && !narrow.contains('['), "{narrow}");
    }

    #[test]
    fn on_a_narrow_terminal_the_title_gives_way_to_the_reason_and_the_limit() {
        let (screen, _) = screen(Lang::Zh, None);
        let mut progress = Progress::default();
        progress.learn(&at(1, waiting("s.deploy", 95_000)));
        let line = step_line("部署集群并等待其服务", &progress.active["s.deploy"], &screen, 44);
        assert!(line.ends_with("等待部署（1m35s，上限 40m00s）"), "{line}");
        assert!(width(&line) <= 44, "{line}");
    }
}
