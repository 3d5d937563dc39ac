//! Text measured in terminal columns: a Chinese character takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` followed by blanks up to `columns`; longer text is left alone.
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// At most `columns` of `text`, ending in `…` when something was cut.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// `text` in lines of at most `columns`. Breaks at blanks and between Chinese characters, and in the middle
/// of a word only when the word alone is too long.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        wrap_paragraph(paragraph, columns, &mut lines);
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn wrap_paragraph(paragraph: &str, columns: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    let mut used = 0;
    // Length of `line` up to which it may be broken.
    let mut breakable = 0;
    let mut previous = None;
    for c in paragraph.chars() {
        let wide = c.width().unwrap_or(0);
        if previous.is_some_and(|before| may_break_between(before, c)) {
            breakable = line.len();
        }
        if used + wide > columns && !line.is_empty() {
            let at = if breakable > 0 { breakable } else { line.len() };
            let rest = line.split_off(at);
            lines.push(line.trim_end().to_owned());
            line = rest.trim_start().to_owned();
            used = width(&line);
            breakable = 0;
            if c == ' ' && line.is_empty() {
                previous = Some(c);
                continue;
            }
        }
        line.push(c);
        used += wide;
        previous = Some(c);
    }
    lines.push(line.trim_end().to_owned());
}

fn may_break_between(before: char, after: char) -> bool {
    // Chinese closing marks never begin a line, opening ones never end it.
    if "，。、；：！？）》”’】」".contains(after) || "（《“‘【「".contains(before) {
        return false;
    }
    before == ' ' || before.width() == Some(2) || after.width() == Some(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_character_takes_two_columns() {
        assert_eq!(width("主机 a"), 6);
        assert_eq!(pad("主机", 6), "主机  ");
        assert_eq!(fit("部署集群", 5), "部署…");
        assert_eq!(fit("部署集群", 8), "部署集群");
    }

    #[test]
    fn lines_break_between_words_and_between_chinese_characters() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("等待集群服务启动，请稍候", 10), ["等待集群服", "务启动，请", "稍候"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
    }

    #[test]
    fn a_closing_mark_never_begins_a_line() {
        assert!(wrap("集群服务启动，完成。", 12).iter().all(|line| !line.starts_with(['，', '。'])));
    }
}
