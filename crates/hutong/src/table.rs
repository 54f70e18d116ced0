//! Aligned columns for a terminal, where a Chinese character is as wide as two Latin ones.

use std::io::{self, Write};

/// Rows of cells, printed when all widths are known.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// A heading that ends with `>` aligns its column to the right.
    pub(crate) fn print(&self, headings: &[&str], out: &mut impl Write) -> io::Result<()> {
        let names: Vec<String> = headings.iter().map(|heading| heading.trim_end_matches('>').to_owned()).collect();
        let all = || std::iter::once(&names).chain(&self.rows);
        let widest = |column: usize| all().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..headings.len()).map(widest).collect();
        for row in all() {
            let padded: Vec<String> = row
                .iter()
                .zip(headings.iter().zip(&widths))
                .map(|(cell, (heading, room))| pad(cell, *room, heading.ends_with('>')))
                .collect();
            writeln!(out, "{}", padded.join("  ").trim_end())?;
        }
        out.flush()
    }
}

/// Control characters would move the cursor and are shown as `?`.
fn pad(cell: &str, room: usize, right: bool) -> String {
    let shown: String = cell.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let blank = " ".repeat(room.saturating_sub(width(&shown)));
    if right { blank + &shown } else { shown + &blank }
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

/// East Asian wide and full-width blocks. Combining marks do not occur in what is printed here.
fn is_wide(c: char) -> bool {
    matches!(u32::from(c), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stay_aligned_behind_chinese_text_and_control_characters() {
        let mut table = Table::default();
        table.push(vec!["账单.csv".to_owned(), "1".to_owned()]);
        table.push(vec!["a\u{1b}[2J".to_owned(), "1000".to_owned()]);
        let mut out = Vec::new();
        table.print(&["FILE", "ROWS>"], &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "FILE      ROWS\n账单.csv     1\na?[2J     1000\n");
    }
}
