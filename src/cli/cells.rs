//! Cells in few words: neighbours of one column as a range.

use crate::plan::CellRef;

/// `主机规划!I3`, `主机规划!I4`, `主机规划!I5` → `主机规划!I3:I5`; the order stays otherwise.
pub fn ranges(cells: &[String]) -> Vec<String> {
    let mut runs: Vec<(CellRef, u32)> = Vec::new();
    for cell in cells.iter().filter_map(|cell| CellRef::parse(cell)) {
        match runs.last_mut() {
            Some((first, last))
                if first.sheet == cell.sheet && first.column == cell.column && *last + 1 == cell.row =>
            {
                *last = cell.row;
            }
            _ => {
                let row = cell.row;
                runs.push((cell, row));
            }
        }
    }
    runs.into_iter()
        .map(|(first, last)| {
            let end = CellRef::new(first.sheet.clone(), last, first.column).a1();
            if last == first.row { first.to_string() } else { format!("{first}:{end}") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_a_column_become_a_range() {
        let cells =
            ["主机规划!I3", "主机规划!I4", "主机规划!I5", "主机规划!K5", "虚拟网络!I6"].map(String::from);
        assert_eq!(ranges(&cells), ["主机规划!I3:I5", "主机规划!K5", "虚拟网络!I6"]);
    }
}
