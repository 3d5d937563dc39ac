//! The timeline as a picture (SVG): one lane for each stage and step, time from left to right.

use std::time::Duration;

use super::{escape::escaped, push};
use crate::{
    report::{
        document::Chart,
        site_time::moment,
        timeline::{Lane, Shade, TICKS},
    },
    units,
};

/// The picture's own units; the page stretches it to its width.
const WIDTH: f64 = 1000.0;
const LABELS: f64 = 290.0;
const LANE: f64 = 18.0;
const HEAD: f64 = 24.0;
/// A bar is seen, however short the step.
const NARROWEST: f64 = 2.0;

pub fn render(out: &mut String, chart: &Chart) {
    let timeline = &chart.timeline;
    if timeline.lanes.is_empty() {
        push(out, format_args!("<p class=\"empty\">{}</p>\n", escaped(&chart.empty)));
        return;
    }
    let height = HEAD + LANE * timeline.lanes.len() as f64 + 4.0;
    push(out, format_args!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n"));
    for tick in 0..=TICKS {
        let time = timeline.length.mul_f64(f64::from(tick) / f64::from(TICKS));
        let x = place(time, timeline.length);
        let anchor = if tick == TICKS { "end" } else { "middle" };
        push(
            out,
            format_args!("<line class=\"tick\" x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{height}\"/>"),
        );
        let label = escaped(&units::duration(time));
        push(
            out,
            format_args!(
                "<text class=\"axis\" x=\"{x:.1}\" y=\"14\" text-anchor=\"{anchor}\">{label}</text>\n"
            ),
        );
    }
    for (run, start) in timeline.runs.iter().skip(1) {
        let x = place(*start, timeline.length);
        push(
            out,
            format_args!("<line class=\"run\" x1=\"{x:.1}\" y1=\"{HEAD}\" x2=\"{x:.1}\" y2=\"{height}\">"),
        );
        push(out, format_args!("<title>{}</title></line>\n", escaped(run)));
    }
    for (at, lane) in timeline.lanes.iter().enumerate() {
        self::lane(out, chart, lane, HEAD + LANE * at as f64);
    }
    out.push_str("</svg>\n<p class=\"legend\">");
    for (shade, word) in &chart.legend {
        push(out, format_args!("<span><i class=\"{}\"></i>{}</span>", class(*shade), escaped(word)));
    }
    out.push_str("</p>\n");
}

fn lane(out: &mut String, chart: &Chart, lane: &Lane, top: f64) {
    let (title, baseline) = (escaped(lane.title.get(chart.lang)), top + LANE - 5.0);
    let (style, indent) = if lane.is_stage { ("stage-title", 0.0) } else { ("step-title", 12.0) };
    push(out, format_args!("<text class=\"{style}\" x=\"{indent}\" y=\"{baseline:.1}\">{title}</text>"));
    let (inset, length) =
        if lane.is_stage { (6.0, chart.timeline.length) } else { (3.0, chart.timeline.length) };
    for bar in &lane.bars {
        let start = place(bar.start, length);
        let width = (place(bar.end, length) - start).max(NARROWEST);
        let took = units::duration(bar.end.saturating_sub(bar.start));
        push(
            out,
            format_args!(
                "<rect class=\"{}\" x=\"{start:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\"><title>{title}: {}, {}</title></rect>",
                class(bar.shade),
                top + inset,
                LANE - 2.0 * inset,
                escaped(&moment(bar.at)),
                escaped(&took),
            ),
        );
    }
    out.push('\n');
}

/// Where a moment of the axis lies in the picture.
fn place(time: Duration, length: Duration) -> f64 {
    let share = if length.is_zero() { 0.0 } else { time.as_secs_f64() / length.as_secs_f64() };
    LABELS + share.min(1.0) * (WIDTH - LABELS - NARROWEST)
}

fn class(shade: Shade) -> &'static str {
    match shade {
        Shade::Stage => "bar-stage",
        Shade::Looked => "bar-looked",
        Shade::Worked => "bar-worked",
        Shade::Failed => "bar-failed",
        Shade::Open => "bar-open",
    }
}
