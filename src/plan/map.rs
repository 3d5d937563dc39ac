//! The cell map: which field stands in which cell, from `templates/workbook.toml`.

use std::{collections::BTreeMap, sync::OnceLock};

use serde::Deserialize;

use super::cell::{self, CellRef};
use crate::{embed, text::Text};

/// The sheets that are read, in reading order (planning-sheet §7).
pub const SHEETS: [&str; 4] = ["文档描述", "虚拟网络", "主机规划", "集群管理信息"];
pub const PROJECT: &str = SHEETS[0];
pub const NETWORKS: &str = SHEETS[1];
pub const HOSTS: &str = SHEETS[2];
pub const MANAGEMENT: &str = SHEETS[3];

/// How a cell's text is cleaned up before it is parsed (planning-sheet 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// NFKC, invisible characters dropped, spaces collapsed.
    Ident,
    /// As `Ident`, then `。` becomes `.` and spaces go: addresses, ranges, CIDR.
    Address,
    /// As `Ident`, then the spaces around separators go: NIC lists.
    Nics,
    /// As `Ident`; a number stored as text is worth an info: VLAN ids and rack units.
    Number,
    /// As `Ident` without NFKC.
    Name,
    /// As `Name`, and placeholders are content: free text.
    Text,
    /// As stored, but for the edges.
    Secret,
}

/// One field of planning-sheet §3, or one column of a repeated row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// `主机规划!I19`, or a range where the row or list repeats: `主机规划!I3:I18`.
    pub cell: String,
    pub class: Class,
    /// Must be filled when its row or feature is active.
    #[serde(default)]
    pub required: bool,
    /// What a blank means (PLAN-032).
    pub default: Option<String>,
    /// A blank that takes its default is worth a warning, not an info.
    #[serde(default)]
    pub default_warns: bool,
    /// Not a cell of its own: computed from the named one (planning-sheet 6).
    #[serde(default)]
    pub derived: bool,
    /// A serial that the tool itself writes (planning-sheet 9); no part of the plan's digest.
    #[serde(default)]
    pub written_back: bool,
    pub title: Text,
    #[serde(skip)]
    area: Area,
}

/// The cells of a field: one, or a run down a column.
#[derive(Clone, Debug, Default)]
struct Area {
    sheet: String,
    column: u32,
    first: u32,
    last: u32,
}

impl Field {
    /// The field's cell, or its first one.
    pub fn cell(&self) -> CellRef {
        self.at(self.area.first)
    }

    /// The field's cell in a row of its range.
    pub fn at(&self, row: u32) -> CellRef {
        CellRef::new(&self.area.sheet, row, self.area.column)
    }

    /// All cells, top down.
    pub fn cells(&self) -> impl Iterator<Item = CellRef> + '_ {
        self.rows().map(|row| self.at(row))
    }

    pub fn rows(&self) -> std::ops::RangeInclusive<u32> {
        self.area.first..=self.area.last
    }

    fn holds(&self, cell: &CellRef) -> bool {
        self.area.sheet == cell.sheet && self.area.column == cell.column && self.rows().contains(&cell.row)
    }
}

/// The whole map.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Sheet → cell → label (planning-sheet 2.1).
    pub anchors: BTreeMap<String, BTreeMap<String, String>>,
    /// Anchors whose mismatch is a warning only.
    pub soft_anchors: Vec<String>,
    /// Key → field; `[]` in a key stands for a repeated row.
    pub fields: BTreeMap<String, Field>,
}

impl Map {
    /// The field of a key with `[]` for the index.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.get(key)
    }

    /// The cell of a key; `row` chooses the row of a repeated one.
    pub fn cell(&self, key: &str, row: Option<u32>) -> Option<CellRef> {
        self.field(key).map(|field| row.map_or_else(|| field.cell(), |row| field.at(row)))
    }
}

/// The map of the supported template.
pub fn map() -> &'static Map {
    static MAP: OnceLock<Map> = OnceLock::new();
    // The file is compiled in and a test parses it.
    MAP.get_or_init(|| parse(embed::WORKBOOK).unwrap_or_default())
}

/// What the operator calls the value in this cell; empty for a cell that holds no field.
pub fn title(cell: &CellRef) -> Text {
    let fields = map().fields.values();
    fields
        .filter(|field| !field.derived)
        .find(|field| field.holds(cell))
        .map_or_else(Text::default, |field| field.title.clone())
}

fn parse(text: &str) -> Result<Map, String> {
    let mut map: Map = toml::from_str(text).map_err(|error| error.to_string())?;
    for (key, field) in &mut map.fields {
        field.area = area(&field.cell).ok_or_else(|| format!("{key}: no cell: {}", field.cell))?;
    }
    Ok(map)
}

fn area(text: &str) -> Option<Area> {
    let (sheet, range) = text.split_once('!')?;
    let (first, last) = range.split_once(':').unwrap_or((range, range));
    let ((first, column), (last, _)) = (cell::parse_a1(first)?, cell::parse_a1(last)?);
    Some(Area { sheet: sheet.to_owned(), column, first, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_map_parses_and_names_known_sheets() {
        let map = parse(embed::WORKBOOK).unwrap();
        for (key, field) in &map.fields {
            assert!(SHEETS.contains(&field.area.sheet.as_str()), "{key}");
            assert_eq!(key.contains("[]"), field.area.first != field.area.last, "{key}");
        }
        for (sheet, anchors) in &map.anchors {
            assert!(SHEETS.contains(&sheet.as_str()));
            assert!(anchors.keys().all(|cell| cell::parse_a1(cell).is_some()));
        }
    }

    #[test]
    fn a_cell_in_a_repeated_row_knows_its_title() {
        assert_eq!(title(&CellRef::parse("主机规划!I7").unwrap()).zh, "管理地址");
        assert_eq!(title(&CellRef::parse("主机规划!I19").unwrap()).zh, "集群 VIP");
        assert_eq!(title(&CellRef::parse("主机规划!Z99").unwrap()).zh, "");
    }
}
