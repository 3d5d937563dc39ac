//! Answers to questions: by flag, on a terminal, or not at all, which is a failure that names the flag.

use std::{cell::RefCell, io, rc::Rc};

use futures_util::future::LocalBoxFuture;

use super::{display::Display, screen::Screen};
use crate::{
    engine::question::{Answer, Answerer, Form, Question},
    failure::{Failure, Kind, Result},
    messages::message,
    text::Text,
};

/// Reads one line, without its end; `None` at the end of the input. `Interrupted`: the run is being stopped.
pub type ReadLine = Box<dyn FnMut() -> LocalBoxFuture<'static, io::Result<Option<String>>>>;

/// How often a typed name may be wrong before it counts as *no*.
const ATTEMPTS: usize = 3;

pub struct Prompts {
    screen: Rc<Screen>,
    /// The display that must leave the terminal while a question stands.
    display: Rc<dyn Display>,
    yes: bool,
    input: Option<RefCell<ReadLine>>,
}

impl Prompts {
    /// `input` only where a person can answer; `yes` is the flag `--yes`.
    pub fn new(screen: Rc<Screen>, display: Rc<dyn Display>, yes: bool, input: Option<ReadLine>) -> Self {
        Self { screen, display, yes, input: input.map(RefCell::new) }
    }

    async fn decide(&self, question: &Question) -> Result<Answer> {
        let choosable = matches!(question.form, Form::Choose(_));
        if self.yes && !choosable {
            return Ok(Answer::Yes);
        }
        let Some(input) = &self.input else { return Err(undecided(question)) };
        self.display.pause();
        let answer = self.ask(question, input).await;
        self.display.resume();
        answer
    }

    async fn ask(&self, question: &Question, input: &RefCell<ReadLine>) -> Result<Answer> {
        let say = |text: &Text| self.screen.say(text).to_owned();
        self.screen.line("");
        self.screen.line(&say(&question.title));
        for detail in &question.details {
            self.screen.line(&format!("  {}", say(detail)));
        }
        if let Form::Choose(choices) = &question.form {
            for (index, choice) in choices.iter().enumerate() {
                self.screen.line(&format!("  {}) {}", index + 1, say(choice)));
            }
        }
        let prompt = match &question.form {
            Form::Confirm => message("ui.prompt.confirm", &[]),
            Form::Type(name) => message("ui.prompt.type", &[("name", name)]),
            Form::Choose(choices) => message("ui.prompt.choose", &[("last", &choices.len())]),
        };
        for _ in 0..ATTEMPTS {
            self.screen.raw(format!("{} ", say(&prompt)).as_bytes());
            // The borrow ends before the wait: questions come one at a time, but nothing here relies on it.
            let reading = (input.borrow_mut())();
            let line = reading.await.map_err(|error| {
                let stopped = error.kind() == io::ErrorKind::Interrupted;
                let kind = if stopped { Kind::Interrupted } else { Kind::Local };
                Failure::new(kind, message("ui.prompt.doing", &[])).because(&error)
            })?;
            let Some(line) = line else { return Err(undecided(question)) };
            if let Some(answer) = understood(&question.form, line.trim()) {
                return Ok(answer);
            }
            self.screen.line(&say(&message("ui.prompt.again", &[])));
        }
        Ok(Answer::No)
    }
}

/// An empty line is *no*; `None` is neither and is asked again.
fn understood(form: &Form, line: &str) -> Option<Answer> {
    match form {
        _ if line.is_empty() => Some(Answer::No),
        Form::Confirm if ["y", "yes", "是"].contains(&line.to_lowercase().as_str()) => Some(Answer::Yes),
        Form::Confirm if ["n", "no", "否"].contains(&line.to_lowercase().as_str()) => Some(Answer::No),
        Form::Type(name) if line == name => Some(Answer::Yes),
        Form::Choose(choices) => {
            let number: usize = line.parse().ok()?;
            (1..=choices.len()).contains(&number).then(|| Answer::Chosen(number - 1))
        }
        _ => None,
    }
}

fn undecided(question: &Question) -> Box<Failure> {
    Failure::new(Kind::Decision, message("ui.prompt.undecided", &[("question", &question.title)]))
        .at(&question.step)
        .meaning(message("ui.prompt.nobody", &[]))
        .advise(message("ui.prompt.flag", &[("flag", &question.flag)]))
}

impl Answerer for Prompts {
    fn answer<'a>(&'a self, question: &'a Question) -> LocalBoxFuture<'a, Result<Answer>> {
        Box::pin(self.decide(question))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::{
        text::Lang,
        ui::{
            ndjson::Ndjson,
            testing::{Written, screen},
        },
    };

    fn question(form: Form) -> Question {
        Question {
            step: "init-cluster.confirm".into(),
            title: Text::new("以下磁盘将被清空", "These disks will be erased"),
            details: vec![Text::same("node-01  sda  SN1  1.0 TiB")],
            form,
            flag: "--yes".into(),
        }
    }

    async fn answer(form: Form, yes: bool, typed: Option<&[&str]>) -> (Result<Answer>, Written) {
        let (screen, written) = screen(Lang::En, None);
        let display = Rc::new(Ndjson::new(screen.clone()));
        let input = typed.map(|lines| {
            let mut lines: VecDeque<String> = lines.iter().map(|&line| line.to_owned()).collect();
            let read = move || -> LocalBoxFuture<'static, io::Result<Option<String>>> {
                Box::pin(std::future::ready(Ok(lines.pop_front())))
            };
            Box::new(read) as ReadLine
        });
        let prompts = Prompts::new(screen, display, yes, input);
        (prompts.answer(&question(form)).await, written)
    }

    fn name() -> Form {
        Form::Type("HCI-1".into())
    }

    #[tokio::test]
    async fn the_cluster_name_must_be_typed_exactly() {
        let (answered, written) = answer(name(), false, Some(&["hci-1", "HCI-1"])).await;
        assert_eq!(answered.expect("an answer"), Answer::Yes);
        let text = written.text();
        assert!(text.contains("These disks will be erased\n  node-01  sda  SN1  1.0 TiB\n"), "{text}");
        assert_eq!(text.matches("Type HCI-1 to go on").count(), 2, "{text}");
    }

    #[tokio::test]
    async fn three_wrong_names_or_an_empty_line_are_a_no() {
        assert_eq!(
            answer(name(), false, Some(&["a", "b", "c", "HCI-1"])).await.0.expect("an answer"),
            Answer::No
        );
        assert_eq!(answer(name(), false, Some(&[""])).await.0.expect("an answer"), Answer::No);
        assert_eq!(answer(Form::Confirm, false, Some(&["是"])).await.0.expect("an answer"), Answer::Yes);
    }

    #[tokio::test]
    async fn a_choice_is_made_by_number() {
        let form = Form::Choose(vec![Text::same("a"), Text::same("b")]);
        assert_eq!(answer(form, false, Some(&["3", "2"])).await.0.expect("an answer"), Answer::Chosen(1));
    }

    #[tokio::test]
    async fn without_a_terminal_the_failure_names_the_flag_and_yes_answers() {
        let failure = answer(name(), false, None).await.0.expect_err("nobody answers");
        assert_eq!(failure.kind, Kind::Decision);
        assert!(failure.advice[0].en.contains("--yes"), "{failure:?}");
        let failure = answer(name(), false, Some(&[])).await.0.expect_err("the input ended");
        assert_eq!(failure.kind, Kind::Decision);
        assert_eq!(answer(name(), true, None).await.0.expect("an answer"), Answer::Yes);
    }
}
