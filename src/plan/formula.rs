//! The few formulas that are evaluated here when the workbook has no cached value (planning-sheet 2.6).
//!
//! A direct reference, `IF(ISNUMBER(Qn),Qn+1,"")`, `Qn+1`, and joins of references and text with `&`; nothing else.

use super::{
    cell::{CellRef, parse_a1},
    normalise,
    sheet::Content,
};

#[derive(Clone, Debug, PartialEq)]
enum Expression {
    Reference(CellRef),
    /// The unit above a rack unit; guarded, it is blank unless the cell holds a number.
    Next {
        of: CellRef,
        guarded: bool,
    },
    Join(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(String),
    Reference(CellRef),
}

/// The value of formula `text` in `sheet`; `lookup` answers for other cells, `None` where they have no value either.
/// `None` when the formula is none of the known forms.
pub fn evaluate(
    text: &str,
    sheet: &str,
    lookup: &mut dyn FnMut(&CellRef) -> Option<Content>,
) -> Option<Content> {
    match parse(text, sheet)? {
        Expression::Reference(cell) => lookup(&cell),
        Expression::Next { of, guarded } => match lookup(&of)? {
            Content::Number(stored) => {
                let value: f64 = stored.parse().ok()?;
                Some(Content::Number((value + 1.0).to_string()))
            }
            _ if guarded => Some(Content::Blank),
            Content::Blank => Some(Content::Number("1".to_owned())),
            _ => None,
        },
        Expression::Join(parts) => {
            let mut joined = String::new();
            for part in parts {
                match part {
                    Part::Literal(text) => joined.push_str(&text),
                    Part::Reference(cell) => match lookup(&cell)? {
                        Content::Blank => {}
                        Content::Text(text) => joined.push_str(&text),
                        Content::Number(stored) => joined.push_str(&normalise::number(&stored)?),
                        _ => return None,
                    },
                }
            }
            Some(if joined.is_empty() { Content::Blank } else { Content::Text(joined) })
        }
    }
}

fn parse(text: &str, sheet: &str) -> Option<Expression> {
    let text = text.trim().trim_start_matches('=');
    if let Some(cell) = reference(text, sheet) {
        return Some(Expression::Reference(cell));
    }
    if let Some(of) = text.strip_suffix("+1").and_then(|of| reference(of, sheet)) {
        return Some(Expression::Next { of, guarded: false });
    }
    guarded(text, sheet).or_else(|| join(text, sheet))
}

/// `IF(ISNUMBER(Q3),Q3+1,"")`, both cells the same.
fn guarded(text: &str, sheet: &str) -> Option<Expression> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let head = "IF(ISNUMBER(";
    let body = plain
        .get(..head.len())
        .filter(|start| start.eq_ignore_ascii_case(head))
        .map(|_| &plain[head.len()..])?;
    let (tested, rest) = body.split_once("),")?;
    let raised = rest.strip_suffix("+1,\"\")")?;
    let of = reference(tested, sheet)?;
    (reference(raised, sheet)? == of).then_some(Expression::Next { of, guarded: true })
}

fn join(text: &str, sheet: &str) -> Option<Expression> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let part_end;
        if let Some(literal) = rest.strip_prefix('"') {
            let mut value = String::new();
            let mut chars = literal.char_indices().peekable();
            loop {
                match chars.next()? {
                    (_, '"') if chars.peek().is_some_and(|(_, c)| *c == '"') => {
                        chars.next();
                        value.push('"');
                    }
                    (at, '"') => {
                        part_end = at + 2;
                        break;
                    }
                    (_, c) => value.push(c),
                }
            }
            parts.push(Part::Literal(value));
        } else {
            part_end = outside_quotes(rest, '&').unwrap_or(rest.len());
            parts.push(Part::Reference(reference(&rest[..part_end], sheet)?));
        }
        rest = rest[part_end..].trim_start();
        if rest.is_empty() {
            return Some(Expression::Join(parts));
        }
        rest = rest.strip_prefix('&')?.trim_start();
    }
}

/// `'?Sheet'?!$?A$?1`; without a sheet the formula's own.
fn reference(text: &str, sheet: &str) -> Option<CellRef> {
    let text = text.trim();
    let (sheet, a1) = match text.rsplit_once('!') {
        Some((name, a1)) => match name.strip_prefix('\'') {
            Some(quoted) => (quoted.strip_suffix('\'')?.replace("''", "'"), a1),
            None if name.contains(['\'', '"', '&', '(']) => return None,
            None => (name.to_owned(), a1),
        },
        None => (sheet.to_owned(), text),
    };
    let (row, column) = parse_a1(a1)?;
    Some(CellRef::new(sheet, row, column))
}

fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, c)| {
        quoted ^= c == '\'';
        (c == wanted && !quoted).then_some(at)
    })
}

/// A shared formula's text for a row that is `rows` further down: relative rows move, `$` ones stay. `None` when a
/// row would leave the sheet.
pub fn moved(text: &str, rows: i64) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote: Option<char> = None;
    while let Some(c) = rest.chars().next() {
        if quote.is_none()
            && (c.is_ascii_alphabetic() || c == '$')
            && !out.ends_with(|before: char| before.is_alphanumeric() || matches!(before, '_' | '.' | '$'))
        {
            let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '$')).unwrap_or(rest.len());
            let token = &rest[..len];
            let follows = rest[len..].chars().next();
            if parse_a1(token).is_some()
                && !follows.is_some_and(|c| c == '(' || c == '!' || c.is_alphanumeric())
            {
                out.push_str(&moved_reference(token, rows)?);
            } else {
                out.push_str(token);
            }
            rest = &rest[len..];
            continue;
        }
        quote = match quote {
            None if matches!(c, '"' | '\'') => Some(c),
            Some(open) if open == c => None,
            other => other,
        };
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    Some(out)
}

fn moved_reference(token: &str, rows: i64) -> Option<String> {
    let digits = token.find(|c: char| c.is_ascii_digit())?;
    let (column, row) = token.split_at(digits);
    if column.len() > 1 && column.ends_with('$') {
        return Some(token.to_owned());
    }
    let row = row.parse::<i64>().ok()?.checked_add(rows)?;
    (1..=1_048_576).contains(&row).then(|| format!("{column}{row}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<Content> {
        evaluate(text, "主机规划", &mut |cell| {
            Some(match (cell.sheet.as_str(), cell.a1().as_str()) {
                ("虚拟网络", "B3") => Content::Text("Cls01".into()),
                ("主机规划", "Q3") => Content::Number("1".into()),
                ("主机规划", "Q4") => Content::Text("3".into()),
                ("It's", "A1") => Content::Text("quoted".into()),
                ("主机规划", "Z9") => return None,
                _ => Content::Blank,
            })
        })
    }

    fn text(text: &str) -> Option<Content> {
        Some(Content::Text(text.into()))
    }

    #[test]
    fn a_direct_reference_has_the_value_of_its_cell() {
        for formula in ["虚拟网络!B3", "=虚拟网络!$B$3", "'虚拟网络'!B3", " '虚拟网络'!$B3 "]
        {
            assert_eq!(value(formula), text("Cls01"), "{formula}");
        }
        assert_eq!(value("'It''s'!A1"), text("quoted"));
        assert_eq!(value("虚拟网络!B4"), Some(Content::Blank), "a blank stays blank, where Excel shows 0");
    }

    #[test]
    fn the_rack_unit_formulas_add_one() {
        let two = Some(Content::Number("2".into()));
        assert_eq!(value("IF(ISNUMBER(Q3),Q3+1,\"\")"), two);
        assert_eq!(value("if( isnumber(Q3), Q3+1, \"\" )"), two);
        assert_eq!(value("Q3+1"), two);
        assert_eq!(value("IF(ISNUMBER(Q5),Q5+1,\"\")"), Some(Content::Blank));
        assert_eq!(value("IF(ISNUMBER(Q4),Q4+1,\"\")"), Some(Content::Blank));
        assert_eq!(value("Q5+1"), Some(Content::Number("1".into())));
    }

    #[test]
    fn joins_take_references_and_literals() {
        assert_eq!(value("虚拟网络!B3&\"-\"&Q3&\"号\""), text("Cls01-1号"));
        assert_eq!(value("\"say \"\"hi\"\"\"&Q3"), text("say \"hi\"1"));
        assert_eq!(value("\"x\""), text("x"));
    }

    #[test]
    fn anything_else_is_not_guessed() {
        for formula in [
            "SUM(A1:A3)",
            "Q3+2",
            "IF(ISNUMBER(Q3),Q4+1,\"\")",
            "A1:B2",
            "VLOOKUP(A1,B:C,2)",
            "",
            "\"open",
            "Q3&",
            "Z9",
        ] {
            assert_eq!(value(formula), None, "{formula}");
        }
    }

    #[test]
    fn a_shared_formula_moves_its_relative_rows() {
        assert_eq!(moved("IF(ISNUMBER(Q4),Q4+1,\"\")", 3).as_deref(), Some("IF(ISNUMBER(Q7),Q7+1,\"\")"));
        assert_eq!(moved("虚拟网络!$B$3&\"Q4\"&Q4", 1).as_deref(), Some("虚拟网络!$B$3&\"Q4\"&Q5"));
        assert_eq!(moved("$Q4+LOG10(Q4)", 2).as_deref(), Some("$Q6+LOG10(Q6)"));
        assert_eq!(moved("Q1", -1), None);
    }
}
