//! Findings about a plan, as lines for the operator.

use crate::{
    cli::session::Session,
    messages::message,
    plan::{Diagnostic, Severity},
    text::Text,
    ui::screen::Tint,
};

/// Every finding of two or three lines: what and where, what is wrong, what to do. Hints only with `-v`.
pub fn lines(session: &Session, findings: &[Diagnostic]) -> Vec<String> {
    let shown = |finding: &&Diagnostic| finding.severity != Severity::Info || session.global.verbose > 0;
    findings.iter().filter(shown).flat_map(|finding| of(session, finding)).collect()
}

fn of(session: &Session, finding: &Diagnostic) -> Vec<String> {
    let screen = &session.screen;
    let (word, tint) = match finding.severity {
        Severity::Error => (message("cli.plan.error", &[]), Tint::Bad),
        Severity::Warning => (message("cli.plan.warning", &[]), Tint::Warn),
        Severity::Info => (message("cli.plan.info", &[]), Tint::Dim),
    };
    let mut head = format!("{} {}", screen.tint(tint, screen.say(&word)), finding.id);
    let value = finding.value.as_ref().map(|value| format!("{value:?}"));
    for part in [finding.place(), value].into_iter().flatten() {
        head.push_str("  ");
        head.push_str(&part);
    }
    let mut lines = vec![head, format!("    {}", screen.wrapped(screen.say(&finding.message), 4))];
    let help = screen.say(&finding.help);
    if !help.is_empty() {
        lines.push(format!("    → {}", screen.wrapped(help, 6)));
    }
    lines
}

/// `2 errors, 1 warning`.
pub fn count(findings: &[Diagnostic]) -> Text {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    message("cli.plan.count", &[("errors", &of(Severity::Error)), ("warnings", &of(Severity::Warning))])
}
