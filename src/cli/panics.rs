//! What a panic may say. Its words can quote what was being worked on: a slice that is cut wrongly shows the text, a
//! failed conversion the value. No redactor knows a secret for sure at that moment, so nothing quoted is shown.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, Write},
    panic::{self, PanicHookInfo},
    thread,
};

/// From here on a panic tells where it was and what kind of mistake it is, and no value.
pub fn tell_no_values() {
    panic::set_hook(Box::new(|info| {
        let text = told(info, thread::current().name());
        // Nobody can be told that nothing can be told.
        let _ = io::stderr().write_all(text.as_bytes());
    }));
}

fn told(info: &PanicHookInfo<'_>, thread: Option<&str>) -> String {
    let payload = info.payload();
    let literal = payload.downcast_ref::<&str>().copied();
    let words =
        unquoted(literal.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or_default());
    let place = info.location().map_or_else(|| "?".to_owned(), ToString::to_string);
    let thread = thread.unwrap_or("?");
    let backtrace = Backtrace::capture();
    let trace = match backtrace.status() {
        BacktraceStatus::Captured => format!("{backtrace}\n"),
        _ => String::new(),
    };
    format!("\nthread '{thread}' panicked at {place}:\n{words}\n{trace}")
}

/// The words before the first value. A value of ours that is shown without quotes is masked by its type.
fn unquoted(words: &str) -> &str {
    words.split(['"', '\'', '`']).next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn the_words_of_a_panic_end_before_the_first_value() {
        let secret = "Canary-Passw0rd-é";
        let words = |act: &(dyn Fn() + std::panic::RefUnwindSafe)| {
            let panic = std::panic::catch_unwind(act).unwrap_err();
            panic.downcast_ref::<String>().unwrap().clone()
        };
        for (panic, begins) in [
            (words(&|| drop(secret[..secret.len() - 1].to_owned())), "end byte index"),
            (
                words(&|| assert_eq!(secret.parse::<u8>().map_err(|_| secret).expect("a number"), 0)),
                "a number",
            ),
        ] {
            assert!(panic.contains("Canary"), "it tells nothing as it is: {panic}");
            let shown = unquoted(&panic);
            assert!(!shown.contains("Canary") && shown.starts_with(begins), "{shown}");
        }
        assert_eq!(
            unquoted("index out of bounds: the len is 3 but the index is 5"),
            "index out of bounds: the len is 3 but the index is 5"
        );
    }
}
