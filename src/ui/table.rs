//! Tables whose columns line up with Chinese text, and which turn into records on a narrow terminal.

use super::columns;

/// Rows under headings. On a terminal that is too narrow the text of wide columns wraps; on one that is
/// narrower still each row becomes a record of `heading: value` lines.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: usize = 2;
/// A column is never wrapped below this.
const NARROWEST: usize = 12;

impl Table {
    pub fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(|&heading| heading.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are headings.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines of the table; `limit` is the terminal's width, `None` where nothing limits a line.
    pub fn lines(&self, limit: Option<usize>) -> Vec<String> {
        match widths(&self.natural_widths(), limit) {
            Some(widths) => {
                let all = std::iter::once(&self.headings).chain(&self.rows);
                all.flat_map(|cells| aligned(cells, &widths)).collect()
            }
            None => self.records(limit.unwrap_or(usize::MAX)),
        }
    }

    fn natural_widths(&self) -> Vec<usize> {
        (0..self.headings.len())
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.chain(self.headings.get(column)).map(|cell| columns::width(cell)).max().unwrap_or(0)
            })
            .collect()
    }

    fn records(&self, limit: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for row in &self.rows {
            for (heading, cell) in self.headings.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                let wrapped = columns::wrap(&format!("{heading}: {cell}"), limit.saturating_sub(GAP));
                let indents = std::iter::once("").chain(std::iter::repeat("  "));
                lines.extend(indents.zip(wrapped).map(|(indent, line)| format!("{indent}{line}")));
            }
            lines.push(String::new());
        }
        lines.pop();
        lines
    }
}

/// Widths that fit the limit, taken from the widest columns first; `None` when no such widths exist.
fn widths(natural: &[usize], limit: Option<usize>) -> Option<Vec<usize>> {
    let mut widths = natural.to_vec();
    let room = match limit {
        Some(limit) => limit.checked_sub(GAP * widths.len().saturating_sub(1))?,
        None => return Some(widths),
    };
    while widths.iter().sum::<usize>() > room {
        let widest = widths.iter_mut().max()?;
        if *widest <= NARROWEST {
            return None;
        }
        *widest -= 1;
    }
    Some(widths)
}

/// One row, of several lines where a cell wraps.
fn aligned(cells: &[String], widths: &[usize]) -> Vec<String> {
    let wrapped: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, &width)| columns::wrap(cell, width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    (0..height)
        .map(|line| {
            let parts = wrapped
                .iter()
                .zip(widths)
                .map(|(cell, &width)| columns::pad(cell.get(line).map_or("", String::as_str), width));
            parts.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Table {
        let mut table = Table::new(&["主机名", "管理地址"]);
        table.row(vec!["node-01".into(), "10.0.20.11".into()]);
        table.row(vec!["主机二".into(), "10.0.20.12".into()]);
        table
    }

    #[test]
    fn columns_line_up_with_chinese_text_in_them() {
        let lines = hosts().lines(None);
        assert_eq!(lines, ["主机名   管理地址", "node-01  10.0.20.11", "主机二   10.0.20.12"]);
        let starts: Vec<usize> =
            lines.iter().map(|line| columns::width(&line[..line.rfind(' ').expect("two columns")])).collect();
        assert_eq!(starts, [8, 8, 8]);
    }

    #[test]
    fn a_narrow_terminal_gets_wrapped_cells_and_a_narrower_one_records() {
        let mut table = Table::new(&["step", "title"]);
        table.row(vec!["init-cluster.deploy".into(), "Deploy the cluster and wait for it".into()]);
        let wrapped = table.lines(Some(40));
        assert!(wrapped.len() > 2 && wrapped.iter().all(|line| columns::width(line) <= 40), "{wrapped:?}");
        let records = table.lines(Some(20));
        assert!(records.iter().all(|line| columns::width(line) <= 20), "{records:?}");
        assert!(records[0].starts_with("step:"), "{records:?}");
    }

    #[test]
    fn records_are_separated_and_omit_empty_cells() {
        let mut table = Table::new(&["name of field", "cell", "value"]);
        table.row(vec!["cluster.vip".into(), "主机规划!I19".into(), String::new()]);
        table.row(vec!["cluster.name".into(), "虚拟网络!B3".into(), "HCI-1".into()]);
        let lines = table.lines(Some(24)).join("\n");
        assert_eq!(lines.split("\n\n").count(), 2, "{lines}");
        assert_eq!(lines.matches("value:").count(), 1, "{lines}");
    }
}
