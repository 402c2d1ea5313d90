//! The text of an expression, cut into tokens.

use super::Fault;

/// One token and where it is in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare name or keyword.
    Word(String),
    /// `#name`, with its sign.
    Name(String),
    /// `:value`, with its sign.
    Value(String),
    Index(String),
    /// One of `= <> < <= > >= ( ) , . [ ] + -`.
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", ",", ".", "[", "]", "+", "-"];

/// The tokens of `text`, closed with [`Kind::End`].
///
/// # Errors
/// A syntax error at the first character that begins no token.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut found: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_ascii_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let length_of = |allowed: fn(char) -> bool, skip: usize| skip + rest[skip..].find(|c| !allowed(c)).unwrap_or(rest.len() - skip);
        let word: fn(char) -> bool = |c| c.is_ascii_alphanumeric() || c == '_';
        let (kind, length) = match first {
            '#' | ':' => {
                let length = length_of(word, 1);
                let text = rest[..length].to_owned();
                (if first == '#' { Kind::Name(text) } else { Kind::Value(text) }, length)
            }
            c if c.is_ascii_digit() => {
                let length = length_of(|c| c.is_ascii_digit(), 0);
                (Kind::Index(rest[..length].to_owned()), length)
            }
            c if word(c) => {
                let length = length_of(word, 0);
                (Kind::Word(rest[..length].to_owned()), length)
            }
            _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (Kind::Sign(sign), sign.len()),
                None => return Err(unknown(text, found.last(), (at, at + first.len_utf8()))),
            },
        };
        if length == 1 && matches!(kind, Kind::Name(_) | Kind::Value(_)) {
            return Err(unknown(text, found.last(), (at, at + 1)));
        }
        found.push(Token { kind, start: at, end: at + length });
        at += length;
    }
    found.push(Token { kind: Kind::End, start: text.len(), end: text.len() });
    Ok(found)
}

fn unknown(text: &str, before: Option<&Token>, (start, end): (usize, usize)) -> Fault {
    let rest = &text[end..];
    let near_end = end + rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    syntax(&text[start..end], &text[before.map_or(start, |token| token.start)..near_end])
}

/// The syntax error at token `index`, with its neighbours.
pub(super) fn unexpected(text: &str, tokens: &[Token], index: usize) -> Fault {
    let token = &tokens[index];
    let from = index.checked_sub(1).map_or(token.start, |before| tokens[before].start);
    let to = tokens.get(index + 1).map_or(token.end, |after| after.end);
    let shown = if token.kind == Kind::End { "<EOF>" } else { &text[token.start..token.end] };
    syntax(shown, &text[from..to])
}

fn syntax(token: &str, near: &str) -> Fault {
    Fault(format!("Syntax error; token: \"{token}\", near: \"{near}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        tokens(text).expect("tokens").into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn signs_need_no_blanks() {
        let wanted = [
            Kind::Name("#a".to_owned()),
            Kind::Sign("<>"),
            Kind::Value(":b".to_owned()),
            Kind::Word("AND".to_owned()),
            Kind::Word("c".to_owned()),
            Kind::Sign("["),
            Kind::Index("0".to_owned()),
            Kind::Sign("]"),
            Kind::Sign(">="),
            Kind::Value(":d".to_owned()),
            Kind::End,
        ];
        assert_eq!(kinds("#a<>:b AND c[0]>=:d"), wanted);
    }

    #[test]
    fn an_unknown_character_is_named_with_what_is_around_it() {
        let fault = tokens("a = !b").expect_err("unknown");
        assert_eq!(fault.0, "Syntax error; token: \"!\", near: \"= !b\"");
        assert!(tokens("# = :v").is_err());
        assert!(tokens("ä = :v").is_err());
    }
}
