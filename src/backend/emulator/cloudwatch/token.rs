//! The words of metric math and Metrics Insights.

use super::error::validation;
use crate::backend::emulator::error::ServiceError;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// An id, a function or a keyword.
    Word(String),
    /// A number.
    Number(f64),
    /// Text in single quotes.
    Text(String),
    /// A name in double quotes.
    Name(String),
    /// `!=`.
    Differs,
    /// Anything else.
    Sign(char),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Name(name) => write!(f, "\"{name}\""),
            Self::Differs => f.write_str("!="),
            Self::Sign(sign) => write!(f, "{sign}"),
        }
    }
}

/// Takes `text` apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ServiceError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' | '"' => {
                let inside = &rest[1..];
                let end =
                    inside.find(first).ok_or_else(|| validation(format!("Error in expression: {first} is not closed in `{text}`.")))?;
                let quoted = inside[..end].to_owned();
                (if first == '\'' { Token::Text(quoted) } else { Token::Name(quoted) }, end + 2)
            }
            '0'..='9' | '.' => {
                let length = length_of(rest, |c| c.is_ascii_digit() || c == '.');
                let number = rest[..length].parse();
                (
                    Token::Number(number.map_err(|_| validation(format!("Error in expression: `{}` is no number.", &rest[..length])))?),
                    length,
                )
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = length_of(rest, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                (Token::Word(rest[..length].to_owned()), length)
            }
            '!' if rest.starts_with("!=") => (Token::Differs, 2),
            other => (Token::Sign(other), other.len_utf8()),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Tokens that are read one after the other.
pub(super) struct Reader<'a> {
    tokens: &'a [Token],
}

impl<'a> Reader<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Takes `token` if it is the next one; keywords compare without case.
    pub(super) fn takes(&mut self, token: &Token) -> bool {
        let is_it = match (self.peek(), token) {
            (Some(Token::Word(word)), Token::Word(wanted)) => word.eq_ignore_ascii_case(wanted),
            (found, wanted) => found == Some(wanted),
        };
        if is_it {
            self.next();
        }
        is_it
    }

    /// Takes `token`, which must be the next one.
    pub(super) fn expect(&mut self, token: &Token) -> Result<(), ServiceError> {
        if self.takes(token) { Ok(()) } else { Err(self.unexpected(&token.to_string())) }
    }

    /// A refusal that names what stands where `wanted` should.
    pub(super) fn unexpected(&self, wanted: &str) -> ServiceError {
        let found = self.peek().map_or("its end".to_owned(), |token| format!("`{token}`"));
        validation(format!("Error in expression: {found} where {wanted} is expected."))
    }
}
