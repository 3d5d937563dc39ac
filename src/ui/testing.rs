//! Literal events and a screen that remembers, for the tests of the displays.

use std::{
    io::{self, Write},
    rc::Rc,
    sync::{Arc, Mutex},
};

use indicatif::TermLike;
use jiff::Timestamp;

use super::Screen;
use crate::{
    engine::event::{Event, EventKind, RunOutline, StageOutline, StepOutline},
    text::{Lang, Text},
};

/// What was written, shared with the writer.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer panicked").clone()).expect("displays write text")
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a terminal shows: it wraps, and whoever types moves its cursor.
#[derive(Clone, Debug)]
pub struct Grid {
    columns: usize,
    state: Arc<Mutex<Shown>>,
}

#[derive(Debug, Default)]
struct Shown {
    lines: Vec<String>,
    row: usize,
    column: usize,
}

impl Grid {
    pub fn new(columns: usize) -> Self {
        Self { columns, state: Arc::default() }
    }

    /// As the terminal repeats what is typed.
    pub fn echo(&self, typed: &str) {
        let mut shown = self.state.lock().expect("no writer panicked");
        typed.chars().for_each(|c| shown.put(c, self.columns));
    }

    /// Its lines, without the blanks at their ends.
    pub fn text(&self) -> String {
        let shown = self.state.lock().expect("no writer panicked");
        shown.lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

impl Shown {
    /// Single columns only.
    fn put(&mut self, c: char, columns: usize) {
        match c {
            '\r' => self.column = 0,
            '\n' => (self.row, self.column) = (self.row + 1, 0),
            c => {
                if self.column == columns {
                    (self.row, self.column) = (self.row + 1, 0);
                }
                let line = self.line();
                let mut cells: Vec<char> = line.chars().collect();
                cells.resize(cells.len().max(self.column + 1), ' ');
                cells[self.column] = c;
                *self.line() = cells.into_iter().collect();
                self.column += 1;
            }
        }
    }

    fn line(&mut self) -> &mut String {
        let rows = self.lines.len().max(self.row + 1);
        self.lines.resize(rows, String::new());
        &mut self.lines[self.row]
    }
}

impl TermLike for Grid {
    fn width(&self) -> u16 {
        u16::try_from(self.columns).expect("a terminal is no wider")
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        let mut shown = self.state.lock().expect("no writer panicked");
        shown.row = shown.row.saturating_sub(lines);
        Ok(())
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.state.lock().expect("no writer panicked").row += lines;
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_str(&format!("{line}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.echo(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        let mut shown = self.state.lock().expect("no writer panicked");
        shown.column = 0;
        shown.line().clear();
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

pub fn screen(lang: Lang, width: Option<usize>) -> (Rc<Screen>, Written) {
    let written = Written::default();
    let mut screen = Screen::new(lang, Box::new(written.clone()), Box::new(io::sink()));
    screen.width = width;
    (Rc::new(screen), written)
}

/// An event `second` seconds after the epoch.
pub fn at(second: i64, kind: EventKind) -> Event {
    Event { at: Timestamp::from_second(second).expect("a small number"), kind }
}

/// The first event of a run with one stage of two steps.
pub fn run_started() -> Event {
    let step = |id: &str, zh: &str, en: &str| StepOutline {
        id: id.to_owned(),
        title: Text::new(zh, en),
        expected_ms: None,
        past: 0,
        limit_ms: 2_400_000,
    };
    let stage = StageOutline {
        id: "init-cluster".to_owned(),
        number: 2,
        title: Text::new("初始化集群", "Deploy the cluster"),
        selected: true,
        steps: vec![
            step("init-cluster.scan", "扫描主机", "Scan the hosts"),
            step("init-cluster.deploy", "部署", "Deploy"),
        ],
    };
    at(
        0,
        EventKind::RunStarted(RunOutline {
            schema: "1.0".to_owned(),
            run: "r1".to_owned(),
            site: "s1".to_owned(),
            simulated: true,
            version: "0.1.0".to_owned(),
            run_folder: Some("artifacts/simulated/s1/runs/r1".into()),
            plan: None,
            stages: vec![stage],
        }),
    )
}

/// The first event of a run with a second stage beside that of `run_started`.
pub fn run_of_two_stages() -> Event {
    let mut event = run_started();
    if let EventKind::RunStarted(run) = &mut event.kind {
        let mut second = run.stages[0].clone();
        (second.id, second.number) = ("deploy-cloudtower".to_owned(), 4);
        second.title = Text::new("部署 CloudTower", "Deploy CloudTower");
        second.steps.truncate(1);
        second.steps[0].id = "deploy-cloudtower.upload".to_owned();
        second.steps[0].title = Text::new("上传", "Upload");
        run.stages.push(second);
    }
    event
}

pub fn waiting(step: &str, elapsed_ms: u64) -> EventKind {
    EventKind::Waiting {
        step: step.to_owned(),
        reason: Text::new("等待部署", "the deployment is running"),
        elapsed_ms,
        expected_ms: None,
        limit_ms: 2_400_000,
    }
}
