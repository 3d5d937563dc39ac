//! Command lines as the guest's shell reads them: lists, pipes, redirections, quotes; no loops, no functions.

/// Stand in words for `$!` and `$?`, which are known only when the command runs.
pub const LAST_PID: char = '\u{e000}';
pub const LAST_STATUS: char = '\u{e001}';

/// A pipeline and how it hangs together with what stands before it.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    pub joined: Join,
    pub pipeline: Vec<Simple>,
    pub background: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    Always,
    /// After a success.
    And,
    /// After a failure.
    Or,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Simple {
    pub words: Vec<String>,
    pub redirections: Vec<Redirection>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Redirection {
    /// `< path`
    Input(String),
    /// `1> path`, `2>> path`
    Output { stream: u8, path: String, append: bool },
    /// `2>&1`
    Copy { stream: u8, of: u8 },
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// `;` `&` `&&` `||` `|`
    Operator(&'static str),
    /// The stream before a `>` or `<`, and whether it appends.
    Into(u8),
    Onto(u8),
    From,
    Copy(u8, u8),
}

/// Reads a line. Errors: a construct that this shell does not know, in words.
pub fn parse(line: &str) -> Result<Vec<Item>, String> {
    let mut tokens = tokens(line)?.into_iter();
    let mut items = Vec::new();
    let (mut joined, mut pipeline, mut simple) = (Join::Always, Vec::new(), Simple::default());
    loop {
        let token = tokens.next();
        let mut target = || match tokens.next() {
            Some(Token::Word(path)) => Ok(path),
            _ => Err("a redirection without a file".to_owned()),
        };
        match token {
            Some(Token::Word(word)) => simple.words.push(word),
            Some(Token::From) => simple.redirections.push(Redirection::Input(target()?)),
            Some(Token::Copy(stream, of)) => simple.redirections.push(Redirection::Copy { stream, of }),
            Some(Token::Into(stream)) => {
                simple.redirections.push(Redirection::Output { stream, path: target()?, append: false });
            }
            Some(Token::Onto(stream)) => {
                simple.redirections.push(Redirection::Output { stream, path: target()?, append: true });
            }
            Some(Token::Operator(operator)) => {
                if simple.words.is_empty() {
                    return Err(format!("nothing before {operator}"));
                }
                pipeline.push(std::mem::take(&mut simple));
                if operator == "|" {
                    continue;
                }
                items.push(Item {
                    joined,
                    pipeline: std::mem::take(&mut pipeline),
                    background: operator == "&",
                });
                joined = match operator {
                    "&&" => Join::And,
                    "||" => Join::Or,
                    _ => Join::Always,
                };
            }
            None => {
                if simple.words.is_empty() && (!pipeline.is_empty() || joined != Join::Always) {
                    return Err("nothing after the last operator".to_owned());
                }
                if !simple.words.is_empty() {
                    pipeline.push(simple);
                    items.push(Item { joined, pipeline, background: false });
                }
                return Ok(items);
            }
        }
    }
}

fn tokens(line: &str) -> Result<Vec<Token>, String> {
    let (mut tokens, mut word) = (Vec::new(), None::<String>);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let digit = word.as_deref().and_then(|word| word.parse::<u8>().ok());
        match c {
            '\'' => quoted(&mut chars, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut chars, '"', word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '$' => word.get_or_insert_default().push(variable(chars.next())?),
            '>' | '<' => {
                // `2>` names a stream only when the digit touches it.
                let stream = digit.map_or(u8::from(c == '>'), |digit| {
                    word = None;
                    digit
                });
                tokens.extend(word.take().map(Token::Word));
                tokens.push(match (c, chars.next_if(|next| ['&', '>'].contains(next))) {
                    ('>', None) => Token::Into(stream),
                    ('>', Some('>')) => Token::Onto(stream),
                    ('>', Some('&')) => {
                        let of =
                            chars.next().and_then(|of| of.to_digit(10)).and_then(|of| of.try_into().ok());
                        Token::Copy(stream, of.ok_or("a copy of no stream")?)
                    }
                    ('<', None) => Token::From,
                    _ => return Err("a redirection of an unknown kind".to_owned()),
                });
            }
            ';' | '\n' | '&' | '|' => {
                tokens.extend(word.take().map(Token::Word));
                let twice = chars.next_if_eq(&c).is_some();
                tokens.push(Token::Operator(match (c, twice) {
                    ('&', false) => "&",
                    ('&', true) => "&&",
                    ('|', false) => "|",
                    ('|', true) => "||",
                    _ => ";",
                }));
            }
            '(' | ')' | '`' => return Err(format!("{c} is not understood")),
            c if c.is_whitespace() => tokens.extend(word.take().map(Token::Word)),
            c => word.get_or_insert_default().push(c),
        }
    }
    tokens.extend(word.map(Token::Word));
    Ok(tokens)
}

fn quoted(chars: &mut impl Iterator<Item = char>, quote: char, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => return Ok(()),
            '$' if quote == '"' => word.push(variable(chars.next())?),
            // Before most letters it stands for itself there.
            '\\' if quote == '"' => match chars.next() {
                Some(escaped) if !['$', '`', '"', '\\', '\n'].contains(&escaped) => word.extend([c, escaped]),
                escaped => word.extend(escaped),
            },
            c => word.push(c),
        }
    }
    Err("a quote that is never closed".to_owned())
}

fn variable(name: Option<char>) -> Result<char, String> {
    match name {
        Some('!') => Ok(LAST_PID),
        Some('?') => Ok(LAST_STATUS),
        _ => Err("only $! and $? are understood".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simple(words: &[&str], redirections: Vec<Redirection>) -> Simple {
        Simple { words: words.iter().map(ToString::to_string).collect(), redirections }
    }

    #[test]
    fn a_detached_start_reads_as_one_background_command_with_both_streams_in_a_file() {
        let items = parse("umask 022; setsid nohup /x/installer deploy < /dev/null >/a.log 2>&1 & echo $!");
        let output = Redirection::Output { stream: 1, path: "/a.log".into(), append: false };
        let copy = Redirection::Copy { stream: 2, of: 1 };
        let start = simple(
            &["setsid", "nohup", "/x/installer", "deploy"],
            vec![Redirection::Input("/dev/null".into()), output, copy],
        );
        let item = |simple, background| Item { joined: Join::Always, pipeline: vec![simple], background };
        let echo = simple(&["echo", &LAST_PID.to_string()], vec![]);
        let umask = simple(&["umask", "022"], vec![]);
        assert_eq!(items.unwrap(), [item(umask, false), item(start, true), item(echo, false)]);
    }

    #[test]
    fn quotes_hold_words_together_and_pipes_join_commands() {
        let items = parse("test -e /a && grep -c 'a b' \"/c d\" | head -n 1 || true").unwrap();
        let joins: Vec<(Join, usize)> = items.iter().map(|item| (item.joined, item.pipeline.len())).collect();
        assert_eq!(joins, [(Join::Always, 1), (Join::And, 2), (Join::Or, 1)]);
        assert_eq!(items[1].pipeline[0].words, ["grep", "-c", "a b", "/c d"]);
    }

    #[test]
    fn what_this_shell_does_not_know_is_said() {
        for line in ["echo $HOME", "echo `id`", "( true )", "echo 'x", "true &&", "cat <", "| cat"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
