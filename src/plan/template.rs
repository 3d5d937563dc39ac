//! The blank planning workbook: the four sheets that are read, open where a person fills in, locked elsewhere.
//!
//! What stands where is data (`templates/template.toml`); the same bytes come out on every run.

use std::{collections::BTreeMap, path::Path};

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationErrorStyle, DocProperties, ExcelDateTime, Format, FormatAlign,
    FormatBorder, Formula, ProtectionOptions, Workbook, Worksheet, XlsxError,
};
use serde::Deserialize;

use super::cell::{CellRef, parse_a1};
use crate::{
    embed,
    failure::{Failure, Kind, Result},
    messages::message,
};

/// What is typed into cells of a sheet, by `(row, column)`, both from 1.
type Cells = BTreeMap<(u32, u32), String>;

/// Writes the blank workbook.
pub fn write_template(path: &Path) -> Result<()> {
    write_filled(path, &[])
}

/// Writes the workbook with these values typed in; digits alone become a number. The made-up plans of `examples/` come
/// from here.
pub fn write_filled(path: &Path, values: &[(CellRef, String)]) -> Result<()> {
    let doing = || message("plan.template.write", &[("path", &path.display())]);
    let layout: Layout =
        toml::from_str(embed::TEMPLATE).map_err(|e| Failure::new(Kind::Bug, doing()).because(&e))?;
    build(&layout, values)
        .and_then(|mut workbook| workbook.save(path))
        .map_err(|e| Failure::on_disk(doing(), path.display(), &e))
}

/// `templates/template.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Layout {
    sheet: Vec<Sheet>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    name: String,
    /// Column letters → width in characters.
    widths: BTreeMap<String, f64>,
    merges: Vec<Area>,
    /// What may be edited under protection (planning-sheet 1.4).
    open: Vec<Area>,
    headings: Vec<Area>,
    #[serde(default)]
    titles: Vec<Area>,
    /// Bordered cells.
    #[serde(default)]
    body: Vec<Area>,
    notes: Vec<Area>,
    #[serde(default)]
    active: bool,
    cells: BTreeMap<String, String>,
    #[serde(default)]
    rows: Vec<Rows>,
    #[serde(default)]
    lists: Vec<List>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    from: u32,
    to: u32,
    cells: BTreeMap<String, String>,
}

/// A drop-down list (planning-sheet 1.6).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    ranges: Vec<Area>,
    items: Vec<String>,
}

/// `B3:N18` or `B3`.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Area {
    first: (u32, u32),
    last: (u32, u32),
}

impl TryFrom<String> for Area {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let (first, last) = text.split_once(':').unwrap_or((&text, &text));
        match (parse_a1(first), parse_a1(last)) {
            (Some(first), Some(last)) => Ok(Self { first, last }),
            _ => Err(format!("{text:?} is no range")),
        }
    }
}

impl Area {
    fn contains(&self, (row, column): (u32, u32)) -> bool {
        (self.first.0..=self.last.0).contains(&row) && (self.first.1..=self.last.1).contains(&column)
    }

    fn cells(self) -> impl Iterator<Item = (u32, u32)> {
        (self.first.0..=self.last.0)
            .flat_map(move |row| (self.first.1..=self.last.1).map(move |column| (row, column)))
    }

    /// The corners as the writer counts them, from 0.
    fn corners(&self) -> (u32, u16, u32, u16) {
        (self.first.0 - 1, from_zero(self.first.1), self.last.0 - 1, from_zero(self.last.1))
    }
}

fn build(layout: &Layout, values: &[(CellRef, String)]) -> std::result::Result<Workbook, XlsxError> {
    let mut book: BTreeMap<&str, Cells> = BTreeMap::new();
    for sheet in &layout.sheet {
        let mut cells = sheet.fixed_cells();
        let typed = values.iter().filter(|(cell, _)| cell.sheet == sheet.name);
        cells.extend(typed.map(|(cell, text)| ((cell.row, cell.column), text.clone())));
        book.insert(&sheet.name, cells);
    }
    let mut workbook = Workbook::new();
    let created = ExcelDateTime::from_ymd(2026, 1, 5)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
    for sheet in &layout.sheet {
        sheet.write(workbook.add_worksheet(), &book)?;
    }
    Ok(workbook)
}

impl Sheet {
    fn fixed_cells(&self) -> Cells {
        let mut cells = Cells::new();
        for rows in &self.rows {
            for row in rows.from..=rows.to {
                let n = row - rows.from + 1;
                for (letters, text) in &rows.cells {
                    let text = text.replace("{row}", &row.to_string()).replace("{n}", &n.to_string());
                    cells.extend(parse_a1(&format!("{letters}{row}")).map(|at| (at, text)));
                }
            }
        }
        cells.extend(self.cells.iter().filter_map(|(at, text)| Some((parse_a1(at)?, text.clone()))));
        cells
    }

    fn write(
        &self,
        worksheet: &mut Worksheet,
        book: &BTreeMap<&str, Cells>,
    ) -> std::result::Result<(), XlsxError> {
        worksheet.set_name(&self.name)?;
        worksheet.set_formula_result_default("");
        for (letters, width) in &self.widths {
            if let Some((_, column)) = parse_a1(&format!("{letters}1")) {
                worksheet.set_column_width(from_zero(column), *width)?;
            }
        }
        for merge in &self.merges {
            let (top, left, bottom, right) = merge.corners();
            worksheet.merge_range(top, left, bottom, right, "", &self.format(merge.first))?;
        }
        for area in [&self.headings, &self.titles, &self.body, &self.notes, &self.open].into_iter().flatten()
        {
            for at in area.cells().filter(|at| !self.merges.iter().any(|m| m.contains(*at))) {
                worksheet.write_blank(at.0 - 1, from_zero(at.1), &self.format(at))?;
            }
        }
        for (at, text) in book.get(self.name.as_str()).into_iter().flatten() {
            let (row, column, format) = (at.0 - 1, from_zero(at.1), self.format(*at));
            match (text.strip_prefix('='), text.parse::<u32>()) {
                (Some(formula), _) => {
                    let formula = Formula::new(formula).set_result(result(formula, &self.name, book));
                    worksheet.write_formula_with_format(row, column, formula, &format)?
                }
                (None, Ok(number)) => worksheet.write_number_with_format(row, column, number, &format)?,
                (None, Err(_)) => worksheet.write_string_with_format(row, column, text, &format)?,
            };
        }
        self.validate(worksheet)?;
        worksheet.protect_with_options(&ProtectionOptions { format_cells: true, ..ProtectionOptions::new() });
        if self.active {
            worksheet.set_active(true);
        }
        Ok(())
    }

    fn validate(&self, worksheet: &mut Worksheet) -> std::result::Result<(), XlsxError> {
        for list in &self.lists {
            let rule = DataValidation::new()
                .allow_list_strings(&list.items)?
                .ignore_blank(true)
                .set_error_style(DataValidationErrorStyle::Stop)
                .set_error_title("内容无效")?
                .set_error_message(format!("请从列表中选择：{}", list.items.join("、")))?
                .set_input_message("请从下拉列表中选择")?;
            for range in &list.ranges {
                let (top, left, bottom, right) = range.corners();
                worksheet.add_data_validation(top, left, bottom, right, &rule)?;
            }
        }
        Ok(())
    }

    fn format(&self, at: (u32, u32)) -> Format {
        let within = |areas: &[Area]| areas.iter().any(|area| area.contains(at));
        let plain = Format::new().set_align(FormatAlign::VerticalCenter).set_text_wrap();
        let boxed = || plain.clone().set_border(FormatBorder::Thin);
        if within(&self.titles) {
            plain.set_bold().set_font_size(16).set_align(FormatAlign::Center)
        } else if within(&self.headings) {
            boxed().set_bold().set_font_color(Color::White).set_background_color(Color::RGB(0x1D_31_6C))
        } else if within(&self.open) {
            boxed().set_background_color(Color::RGB(0xFF_F8_DC)).set_unlocked()
        } else if within(&self.notes) {
            plain.set_font_color(Color::RGB(0x59_59_59))
        } else {
            boxed()
        }
    }
}

/// The result of a formula as Excel would keep it, for the forms of planning-sheet 2.6; a blank source gives a blank.
fn result(formula: &str, sheet: &str, book: &BTreeMap<&str, Cells>) -> String {
    if let Some(rest) = formula.strip_prefix("IF(ISNUMBER(") {
        let source = rest.split_once(')').map_or("", |(source, _)| source);
        let number = look_up(source, sheet, book).parse::<u32>();
        return number.map_or(String::new(), |n| (n + 1).to_string());
    }
    let parts = formula.split('&').map(|part| match part.strip_prefix('"') {
        Some(literal) => literal.trim_end_matches('"').to_owned(),
        None => look_up(part, sheet, book),
    });
    parts.collect()
}

fn look_up(reference: &str, sheet: &str, book: &BTreeMap<&str, Cells>) -> String {
    let (sheet, a1) = reference.split_once('!').unwrap_or((sheet, reference));
    let cell = parse_a1(a1).and_then(|at| book.get(sheet)?.get(&at));
    cell.cloned().unwrap_or_default()
}

/// A column as the writer counts it; the file format ends far below `u16::MAX`.
fn from_zero(column: u32) -> u16 {
    u16::try_from(column - 1).unwrap_or(u16::MAX)
}
