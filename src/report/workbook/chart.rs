//! The timeline in cells: labels at the left, bars of filled cells, time from left to right.

use std::time::Duration;

use rust_xlsxwriter::XlsxError;

use super::{
    grid::{CHART_LABELS, WHOLE},
    sheet::Sheet,
};
use crate::{
    report::{
        document::Chart,
        timeline::{Bar, TICKS},
    },
    units,
};

/// Cells of the axis.
const CELLS: u8 = WHOLE - CHART_LABELS;
/// Points: of a lane, and of all lanes on one upright page under the heads of sheet and section. A page is 602 wide
/// and, at the scale at which that fits, 850 high.
const LANE: f64 = 12.0;
const ROOM: f64 = 650.0;

pub fn write(sheet: &mut Sheet<'_>, chart: &Chart) -> Result<(), XlsxError> {
    let timeline = &chart.timeline;
    if timeline.lanes.is_empty() {
        let note = sheet.style.note();
        sheet.put(0, WHOLE, &chart.empty, &note)?;
        sheet.row += 1;
        return Ok(());
    }
    let axis = sheet.style.axis();
    let part = CELLS / TICKS;
    for tick in 0..TICKS {
        let time = timeline.length.mul_f64(f64::from(tick) / f64::from(TICKS));
        let from = CHART_LABELS + tick * part;
        sheet.put(from, from + part, &units::duration(time), &axis)?;
    }
    sheet.row += 1;
    // A timeline is read as a whole: it never goes on on a second page.
    let height = LANE.min(ROOM / timeline.lanes.len() as f64);
    for lane in &timeline.lanes {
        let format = sheet.style.lane(lane.is_stage, height / LANE);
        sheet.put(0, CHART_LABELS, lane.title.get(chart.lang), &format)?;
        for bar in &lane.bars {
            let format = sheet.style.bar(bar.shade);
            let (first, last) = cells(bar, timeline.length);
            for cell in first..=last {
                let (column, _) = sheet.grid.span(CHART_LABELS + cell, CHART_LABELS + cell + 1);
                sheet.out.write_blank(sheet.row, column, &format)?;
            }
        }
        sheet.out.set_row_height(sheet.row, height)?;
        sheet.row += 1;
    }
    legend(sheet, chart)
}

/// The cells that a bar fills: one at least.
fn cells(bar: &Bar, length: Duration) -> (u8, u8) {
    let cell = |time: Duration| {
        let share = if length.is_zero() { 0.0 } else { time.as_secs_f64() / length.as_secs_f64() };
        // At most the last cell: the number fits.
        (share * f64::from(CELLS)).floor().clamp(0.0, f64::from(CELLS - 1)) as u8
    };
    let first = cell(bar.start);
    // A bar that ends where the next cell begins does not reach into it.
    let last = cell(bar.end.saturating_sub(Duration::from_millis(1)));
    (first, last.max(first))
}

fn legend(sheet: &mut Sheet<'_>, chart: &Chart) -> Result<(), XlsxError> {
    sheet.row += 1;
    let room = CELLS / u8::try_from(chart.legend.len().max(1)).unwrap_or(1);
    let (note, mut from) = (sheet.style.note(), CHART_LABELS);
    for (shade, word) in &chart.legend {
        let (column, _) = sheet.grid.span(from, from + 1);
        let format = sheet.style.bar(*shade);
        sheet.out.write_blank(sheet.row, column, &format)?;
        sheet.put(from + 1, from + room, word, &note)?;
        from += room;
    }
    sheet.row += 1;
    Ok(())
}
