//! `--window` and `--until`: when the operator may change the site, in this machine's local time.

use std::{sync::Arc, time::Duration};

use clap::Args;
use jiff::{
    Timestamp, Zoned,
    civil::{DateTime, Time},
    tz::TimeZone,
};

use crate::{
    cli::usage,
    clients::{dial::Dialler, gate::Gate},
    engine::{Window, clock::Dates},
    failure::Result,
    messages::message,
    text::Text,
};

/// An end given as a time alone that has passed so short a while ago is not meant for tomorrow: the command of
/// a run that has just been stopped by it would begin at once.
const JUST_PASSED: Duration = Duration::from_secs(6 * 3600);

#[derive(Args, Clone, Debug, Default)]
pub struct WindowOptions {
    #[arg(long, value_name = "HH:MM-HH:MM", conflicts_with = "until", help = "cli.option.window")]
    pub window: Option<String>,
    #[arg(long, value_name = "TIME", help = "cli.option.until")]
    pub until: Option<String>,
    /// Rehearsals only: the local date and time that the run begins at.
    #[arg(long, value_name = "DATE-TIME", hide = true)]
    pub now: Option<String>,
}

/// The window of one run.
pub struct Scheduled {
    pub window: Option<Window>,
    /// Where the run has its dates from.
    pub dates: Dates,
    /// The command names an end, which will have passed.
    until: bool,
}

impl WindowOptions {
    /// The window as it stands at the beginning of the run.
    ///
    /// # Errors
    /// A usage failure for what is no time, for an end that has passed, and for `--now` at a real site.
    pub fn resolve(&self, rehearsal: bool, speed: f64) -> Result<Scheduled> {
        let zone = TimeZone::system();
        let began = match &self.now {
            Some(text) if !rehearsal => {
                return Err(usage::wrong_value("--now", text, message("cli.window.now-real", &[])));
            }
            Some(text) => Some(instant(date_time("--now", text)?, &zone)?),
            None => None,
        };
        let dates = Dates::of(speed, began);
        let now = dates.now().to_zoned(zone.clone());
        let window = match (&self.window, &self.until) {
            (Some(text), _) => Some(hours(text, &now)?),
            (None, Some(text)) => Some((now.timestamp(), until(text, &now)?)),
            (None, None) => None,
        };
        let window = window.map(|(opens, closes)| Window::new(opens, closes, zone));
        Ok(Scheduled { window, dates, until: self.until.is_some() })
    }
}

impl Scheduled {
    /// The hours to go on in on another day, `22:00-02:00`, where the command's own will not do: its end has passed, or a
    /// step needs more than all of it.
    pub fn again(&self) -> Option<String> {
        let window = self.window.as_ref()?;
        if !self.until && window.needed().is_none() {
            return None;
        }
        let (opens, closes) = window.hours()?;
        let [from, to] = [opens, closes].map(|at| at.strftime("%H:%M").to_string());
        // A whole day, or days of them, cannot be told as hours.
        (from != to).then(|| format!("{from}-{to}"))
    }

    /// The same way to the site, shut for changes outside the window.
    pub fn gated(&self, dialler: Dialler) -> Dialler {
        match &self.window {
            Some(window) => dialler.gated(Arc::new(WindowGate { window: window.clone(), dates: self.dates })),
            None => dialler,
        }
    }
}

/// The window of those hours that is open, or else the next one.
fn hours(text: &str, now: &Zoned) -> Result<(Timestamp, Timestamp)> {
    let wrong = || usage::wrong_value("--window", text, message("cli.window.form", &[]));
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    let (from, to) = (time(from).ok_or_else(wrong)?, time(to).ok_or_else(wrong)?);
    if from == to {
        return Err(wrong());
    }
    // Yesterday's may reach over midnight into today.
    let mut day = now.date().yesterday().map_err(|_| wrong())?;
    loop {
        let last = if from < to { day } else { day.tomorrow().map_err(|_| wrong())? };
        let at = |date: DateTime| instant(date, now.time_zone());
        let (opens, closes) = (at(day.to_datetime(from))?, at(last.to_datetime(to))?);
        if closes > now.timestamp() {
            return Ok((opens, closes));
        }
        day = day.tomorrow().map_err(|_| wrong())?;
    }
}

/// A date and time, or the next time of that name.
fn until(text: &str, now: &Zoned) -> Result<Timestamp> {
    let zone = now.time_zone();
    let passed = || usage::wrong_value("--until", text, message("cli.window.passed", &[]));
    let Some(time) = time(text) else {
        // With an offset or a zone of its own it is a moment, wherever this laptop is.
        let named = text.trim().parse::<Zoned>().map(|at| at.timestamp());
        let at = match named.or_else(|_| text.trim().parse::<Timestamp>()) {
            Ok(at) => at,
            Err(_) => instant(date_time("--until", text)?, zone)?,
        };
        return if at > now.timestamp() { Ok(at) } else { Err(passed()) };
    };
    let today = instant(now.date().to_datetime(time), zone)?;
    if today > now.timestamp() {
        return Ok(today);
    }
    let since = Duration::try_from(now.timestamp().duration_since(today)).unwrap_or_default();
    let tomorrow = now.date().tomorrow().map_err(|_| passed())?;
    if since < JUST_PASSED { Err(passed()) } else { instant(tomorrow.to_datetime(time), zone) }
}

/// `22:00`; `24:00` is midnight.
fn time(text: &str) -> Option<Time> {
    let text = text.trim();
    if text == "24:00" { Some(Time::midnight()) } else { Time::strptime("%H:%M", text).ok() }
}

/// `2026-11-30T22:00`, with a blank instead of the letter too.
fn date_time(option: &'static str, text: &str) -> Result<DateTime> {
    let wrong = || usage::wrong_value(option, text, message("cli.window.time-form", &[]));
    // A date alone would be its midnight, which nobody means by an end.
    text.contains(':').then(|| text.trim().parse().ok()).flatten().ok_or_else(wrong)
}

/// A local time that a change of the clocks leaves out or doubles is the one that the calendar would take.
fn instant(local: DateTime, zone: &TimeZone) -> Result<Timestamp> {
    zone.to_timestamp(local).map_err(|_| {
        usage::wrong_value("--window / --until", &local.to_string(), message("cli.window.time-form", &[]))
    })
}

/// The window as the clients know it.
#[derive(Debug)]
struct WindowGate {
    window: Window,
    dates: Dates,
}

impl Gate for WindowGate {
    fn shut(&self) -> Option<Text> {
        let now = self.dates.now();
        if self.window.opens_in(now).is_some() {
            return Some(message("cli.window.not-open", &[("time", &self.window.opens_at())]));
        }
        self.window.is_over(now).then(|| message("cli.window.ended", &[("time", &self.window.closes_at())]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(text: &str) -> Zoned {
        text.parse::<DateTime>().unwrap().to_zoned(TimeZone::UTC).unwrap()
    }

    fn window(text: &str, at: &str) -> String {
        match hours(text, &now(at)) {
            Ok((opens, closes)) => format!("{opens} {closes}"),
            Err(failure) => format!("{:?}", failure.kind),
        }
    }

    #[test]
    fn a_window_over_midnight_is_the_one_that_is_open_or_the_next() {
        let tonight = "2026-11-30T22:00:00Z 2026-12-01T02:00:00Z";
        assert_eq!(window("22:00-02:00", "2026-11-30T18:00"), tonight);
        assert_eq!(window("22:00-02:00", "2026-11-30T23:59"), tonight);
        assert_eq!(window("22:00-02:00", "2026-12-01T01:59"), tonight);
        assert_eq!(window("22:00-02:00", "2026-11-30T02:00"), tonight, "its end is not in it");
    }

    #[test]
    fn a_window_within_a_day_and_one_to_midnight() {
        assert_eq!(window("09:00-12:30", "2026-11-30T09:00"), "2026-11-30T09:00:00Z 2026-11-30T12:30:00Z");
        assert_eq!(window("09:00-12:30", "2026-11-30T12:30"), "2026-12-01T09:00:00Z 2026-12-01T12:30:00Z");
        assert_eq!(window("20:00-24:00", "2026-11-30T21:00"), "2026-11-30T20:00:00Z 2026-12-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for wrong in ["22:00", "22-02", "25:00-02:00", "22:00-22:00", "22:00-02:60", "a-b", ""] {
            assert_eq!(window(wrong, "2026-11-30T18:00"), "Usage", "{wrong}");
        }
    }

    #[test]
    fn an_end_is_the_next_time_of_that_name_unless_it_has_just_passed() {
        let end = |text: &str, at: &str| until(text, &now(at)).map(|at| at.to_string()).map_err(|f| f.kind);
        let usage = Err(crate::failure::Kind::Usage);
        assert_eq!(end("02:00", "2026-11-30T22:00"), Ok("2026-12-01T02:00:00Z".to_owned()));
        assert_eq!(end("02:00", "2026-11-30T01:00"), Ok("2026-11-30T02:00:00Z".to_owned()));
        assert_eq!(end("02:00", "2026-11-30T02:05"), usage);
        assert_eq!(end("2026-12-01T02:00", "2026-11-30T02:05"), Ok("2026-12-01T02:00:00Z".to_owned()));
        assert_eq!(end("2026-12-01 02:00", "2026-11-30T02:05"), Ok("2026-12-01T02:00:00Z".to_owned()));
        assert_eq!(end("2026-11-30T02:00", "2026-11-30T02:05"), usage);
        assert_eq!(end("soon", "2026-11-30T02:05"), usage);
        assert_eq!(end("2026-12-01", "2026-11-30T02:05"), usage);
    }

    #[test]
    fn an_end_with_an_offset_is_that_moment() {
        let end =
            |text: &str| until(text, &now("2026-11-30T15:00")).map(|at| at.to_string()).map_err(|f| f.kind);
        assert_eq!(end("2026-11-30T23:59:00+08:00"), Ok("2026-11-30T15:59:00Z".to_owned()));
        assert_eq!(end("2026-11-30T23:59Z"), Ok("2026-11-30T23:59:00Z".to_owned()));
        assert_eq!(end("2026-12-01T02:00[Asia/Shanghai]"), Ok("2026-11-30T18:00:00Z".to_owned()));
        assert_eq!(end("2026-11-30T22:59:00+08:00"), Err(crate::failure::Kind::Usage), "it has passed");
    }
}
