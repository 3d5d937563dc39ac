//! Findings about a plan, as lines for the operator.

use crate::{
    cli::session::Session,
    messages::message,
    plan::{Diagnostic, Severity, between::Collision},
    text::Text,
    ui::screen::Tint,
};

/// Every finding of two or three lines: what and where, what is wrong, what to do. Hints only with `-v`.
pub fn lines(session: &Session, findings: &[Diagnostic]) -> Vec<String> {
    let shown = |finding: &&Diagnostic| finding.severity != Severity::Info || session.global.verbose > 0;
    findings.iter().filter(shown).flat_map(|finding| of(session, finding)).collect()
}

/// What two plans take from each other: both places, what is wrong, what to do.
pub fn between(session: &Session, collisions: &[Collision]) -> Vec<String> {
    let lines = |collision: &Collision| {
        let [one, two] = &collision.sides;
        let mut head = head(session, collision.severity, collision.id);
        head.push_str(&format!("  {} {}  {} {}", one.file, one.cell, two.file, two.cell));
        told(session, head, &collision.message, &collision.help)
    };
    collisions.iter().flat_map(lines).collect()
}

/// `error PLAN-105`.
fn head(session: &Session, severity: Severity, id: &str) -> String {
    let screen = &session.screen;
    let (word, tint) = match severity {
        Severity::Error => (message("cli.plan.error", &[]), Tint::Bad),
        Severity::Warning => (message("cli.plan.warning", &[]), Tint::Warn),
        Severity::Info => (message("cli.plan.info", &[]), Tint::Dim),
    };
    format!("{} {id}", screen.tint(tint, screen.say(&word)))
}

fn told(session: &Session, head: String, message: &Text, help: &Text) -> Vec<String> {
    let screen = &session.screen;
    let mut lines = vec![head, format!("    {}", screen.wrapped(screen.say(message), 4))];
    let help = screen.say(help);
    if !help.is_empty() {
        lines.push(format!("    → {}", screen.wrapped(help, 6)));
    }
    lines
}

fn of(session: &Session, finding: &Diagnostic) -> Vec<String> {
    let mut head = head(session, finding.severity, finding.id);
    let value = finding.value.as_ref().map(|value| format!("{value:?}"));
    for part in [finding.place(), value].into_iter().flatten() {
        head.push_str("  ");
        head.push_str(&part);
    }
    told(session, head, &finding.message, &finding.help)
}

/// `2 errors, 1 warning`.
pub fn count(findings: &[Diagnostic]) -> Text {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    message("cli.plan.count", &[("errors", &of(Severity::Error)), ("warnings", &of(Severity::Warning))])
}
