//! A terminal on which somebody types below the live lines.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use indicatif::{ProgressDrawTarget, TermLike};

/// What the last of the live lines says: what is typed stands behind it.
pub const PROMPT: &str = "> ";

/// Redraws in a second.
const RATE: u8 = 20;

/// Live lines are filled with blanks up to the edge, where the cursor then stays: what is typed there wraps, and the lines
/// below are one more than whoever draws them counts, so that a copy of one stays behind. Here blanks are written only
/// once something comes after them, which leaves the cursor behind the last words.
#[derive(Debug)]
struct Typing {
    terminal: Arc<dyn TermLike>,
    blanks: Mutex<String>,
}

/// Where live lines are drawn, on this terminal.
pub fn target(terminal: Arc<dyn TermLike>) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Typing { terminal, blanks: Mutex::default() }), RATE)
}

impl Typing {
    fn take_blanks(&self) -> String {
        std::mem::take(&mut self.blanks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those that came before what is written now.
    fn write_blanks(&self) -> io::Result<()> {
        match self.take_blanks() {
            blanks if blanks.is_empty() => Ok(()),
            blanks => self.terminal.write_str(&blanks),
        }
    }
}

impl TermLike for Typing {
    fn width(&self) -> u16 {
        self.terminal.width()
    }

    fn height(&self) -> u16 {
        self.terminal.height()
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.terminal.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.terminal.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.terminal.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.terminal.move_cursor_left(columns)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.write_blanks()?;
        self.terminal.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if !text.is_empty() && text.bytes().all(|byte| byte == b' ') {
            self.blanks.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
            return Ok(());
        }
        self.write_blanks()?;
        self.terminal.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.terminal.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        // Whatever follows is drawn anew or typed.
        self.take_blanks();
        self.terminal.flush()
    }
}
