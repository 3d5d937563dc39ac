//! The keyboard that all clusters share: a line is the answer to the question that stands, or else names a cluster of
//! which more is to be told.

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
};

use tokio::sync::{
    mpsc::{UnboundedReceiver, unbounded_channel},
    oneshot,
};

use crate::{engine::Cancel, ui::prompts::ReadLine};

type Line = io::Result<Option<String>>;

pub struct Keyboard {
    typed: RefCell<UnboundedReceiver<Line>>,
    asked: Rc<Asked>,
    cancel: Cancel,
}

/// Who waits for a line.
#[derive(Default)]
struct Asked {
    tell: RefCell<Option<oneshot::Sender<Line>>>,
    /// Nothing more will be typed.
    over: Cell<bool>,
}

impl Keyboard {
    /// Reads from standard input from now on, on a thread of its own: a read that nobody waits for any more must not hold
    /// up the end of the program.
    pub fn new(cancel: Cancel) -> Self {
        let (tell, typed) = unbounded_channel();
        std::thread::spawn(move || {
            loop {
                let mut line = String::new();
                let read = io::stdin().read_line(&mut line).map(|bytes| (bytes > 0).then_some(line));
                let last = !matches!(read, Ok(Some(_)));
                if tell.send(read).is_err() || last {
                    return;
                }
            }
        });
        Self { typed: RefCell::new(typed), asked: Rc::default(), cancel }
    }

    /// For prompts: the next line that is typed.
    pub fn lines(&self) -> ReadLine {
        let (asked, cancel) = (self.asked.clone(), self.cancel.clone());
        Box::new(move || {
            let (tell, told) = oneshot::channel();
            if !asked.over.get() {
                asked.tell.replace(Some(tell));
            }
            let cancel = cancel.clone();
            Box::pin(async move {
                tokio::select! {
                    line = told => line.unwrap_or(Ok(None)),
                    () = cancel.until_requested() => Err(io::ErrorKind::Interrupted.into()),
                }
            })
        })
    }

    /// The next line that answers no question.
    async fn wanted(&self) -> Option<String> {
        loop {
            // Nobody else reads, and the borrow ends with the line.
            let line = std::future::poll_fn(|context| self.typed.borrow_mut().poll_recv(context)).await;
            let line = line.unwrap_or(Ok(None));
            let over = !matches!(line, Ok(Some(_)));
            self.asked.over.set(over);
            match self.asked.tell.take() {
                Some(tell) => drop(tell.send(line)),
                None => match line {
                    Ok(Some(line)) => return Some(line.trim().to_owned()),
                    _ => return None,
                },
            }
            if over {
                return None;
            }
        }
    }
}

/// What is typed and answers no question; never, where nothing can be.
pub async fn wanted(keyboard: Option<&Keyboard>) -> String {
    let over = keyboard.is_none_or(|keyboard| keyboard.asked.over.get());
    match keyboard.filter(|_| !over) {
        Some(keyboard) => match keyboard.wanted().await {
            Some(line) => line,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}
