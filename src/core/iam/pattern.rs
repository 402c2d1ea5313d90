//! Wildcards and policy variables: `*`, `?`, `${aws:username}`.

use super::{context::Context, document::Version};

/// One element of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    One,
    Many,
}

/// A compiled pattern; `None` from [`Pattern::resolve`] means a variable that the request does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<Token>);

impl Pattern {
    /// `text` with wildcards, without variables.
    pub(super) fn wild(text: &str) -> Self {
        Self(text.chars().map(wildcard).collect())
    }

    /// `text` with its variables answered from `context`; their values are literal. `None` when one has no single answer.
    /// The language of 2008 has no variables.
    pub(super) fn resolve(text: &str, version: Version, context: &Context) -> Option<Self> {
        if version == Version::V2008 {
            return Some(Self::wild(text));
        }
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let Some(end) = rest[at..].find('}') else { break };
            tokens.extend(rest[..at].chars().map(wildcard));
            let value = variable(&rest[at + 2..at + end], context)?;
            tokens.extend(value.chars().map(Token::Literal));
            rest = &rest[at + end + 1..];
        }
        tokens.extend(rest.chars().map(wildcard));
        Some(Self(tokens))
    }

    /// The same pattern without wildcards, for the operators that compare whole strings.
    pub(super) fn literal(&self) -> String {
        let plain = |token: &Token| match token {
            Token::Literal(c) => *c,
            Token::One => '?',
            Token::Many => '*',
        };
        self.0.iter().map(plain).collect()
    }

    /// Whether the whole of `text` matches. Linear in practice, never exponential.
    pub(super) fn matches(&self, text: &str) -> bool {
        matches(&self.0, &text.chars().collect::<Vec<_>>())
    }

    /// Like [`Self::matches`], segment by segment of an ARN: a wildcard does not reach over the first five colons.
    pub(super) fn matches_arn(&self, text: &str) -> bool {
        let wanted: Vec<&[Token]> = self.0.splitn(6, |token| *token == Token::Literal(':')).collect();
        let chars: Vec<char> = text.chars().collect();
        let actual: Vec<&[char]> = chars.splitn(6, |c| *c == ':').collect();
        wanted.len() == 6 && actual.len() == 6 && wanted.iter().zip(actual).all(|(pattern, part)| matches(pattern, part))
    }
}

fn wildcard(c: char) -> Token {
    match c {
        '*' => Token::Many,
        '?' => Token::One,
        c => Token::Literal(c),
    }
}

fn variable(name: &str, context: &Context) -> Option<String> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''))),
        None => (name.trim(), None),
    };
    match context.get(key) {
        [only] => Some(only.clone()),
        [] => default.map(str::to_owned),
        _ => None,
    }
}

fn matches(pattern: &[Token], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Token::Many) => {
                retry = Some((p, t));
                p += 1;
            }
            Some(Token::One) => (p, t) = (p + 1, t + 1),
            Some(Token::Literal(c)) if *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                (p, t) = (star + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Many)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn star_spans_and_question_mark_takes_one() {
        for (pattern, text, wanted) in [
            ("*", "", true),
            ("?", "", false),
            ("sqs:*Message*", "sqs:SendMessageBatch", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxxb", true),
            ("*a*b", "xbxxa", false),
        ] {
            assert_eq!(Pattern::wild(pattern).matches(text), wanted, "{pattern} on {text}");
        }
    }

    #[test]
    fn variables_are_literal_once_answered() {
        let context = Context::new().with("aws:username", "a*");
        let pattern = Pattern::resolve("home/${aws:username}/*", Version::V2012, &context).expect("answered");
        assert!(pattern.matches("home/a*/x"));
        assert!(!pattern.matches("home/ab/x"));
        assert_eq!(Pattern::resolve("${aws:userid}", Version::V2012, &context), None);
        assert_eq!(Pattern::resolve("${aws:userid, 'x'}", Version::V2012, &context).map(|p| p.literal()).as_deref(), Some("x"));
        assert!(Pattern::resolve("${*}", Version::V2012, &context).expect("literal star").matches("*"));
    }

    #[test]
    fn arn_wildcard_stays_within_its_segment() {
        assert!(Pattern::wild("arn:aws:sqs:*:*:q*").matches_arn("arn:aws:sqs:us-east-1:1:queue"));
        assert!(!Pattern::wild("arn:*:queue").matches_arn("arn:aws:sqs:us-east-1:1:queue"));
    }

    proptest! {
        #[test]
        fn every_text_matches_itself_and_star(text in "[a-z:/*]{0,12}") {
            prop_assert!(Pattern::wild(&text).matches(&text));
            prop_assert!(Pattern::wild("*").matches(&text));
        }

        #[test]
        fn replacing_any_part_by_star_still_matches(text in "[a-z]{1,10}", from in 0usize..10, len in 0usize..10) {
            let from = from.min(text.len());
            let to = (from + len).min(text.len());
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(Pattern::wild(&pattern).matches(&text));
        }
    }
}
