//! `--output json`: every event as one line of JSON; the first names the version of the schema.

use std::rc::Rc;

use super::{display::Display, screen::Screen};
use crate::engine::event::{Event, Sink};

pub struct Ndjson {
    screen: Rc<Screen>,
}

impl Ndjson {
    pub fn new(screen: Rc<Screen>) -> Self {
        Self { screen }
    }
}

impl Sink for Ndjson {
    fn event(&self, event: &Event) {
        self.screen.record(event);
    }
}

impl Display for Ndjson {
    fn say(&self, line: &str) {
        self.screen.aside(line);
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
    fn every_event_is_a_line_that_reads_back_and_the_first_names_the_schema() {
        let (screen, written) = screen(Lang::Zh, Some(40));
        let display = Ndjson::new(screen);
        display.event(&run_started());
        display.event(&at(1, waiting("init-cluster.deploy", 5)));
        let text = written.text();
        let lines: Vec<&str> = text.lines().collect();
        let first: serde_json::Value = serde_json::from_str(lines[0]).expect("JSON");
        assert_eq!((&first["event"], &first["schema"]), (&"run-started".into(), &"1.0".into()));
        for line in &lines {
            serde_json::from_str::<Event>(line).expect("an event of ours");
        }
        assert_eq!(lines.len(), 2);
    }
}
