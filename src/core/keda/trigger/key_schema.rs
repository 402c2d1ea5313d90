//! The keys that a table or index must have for the query of an `aws-dynamodb` trigger.

use super::{attribute::AttributeValue, dynamodb::DynamoDbMetadata};
use crate::core::{
    error::{Error, Result},
    table::{KeyAttribute, KeyKind, KeySchema},
};

/// What the query asks of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition<'a> {
    /// The attribute, or its placeholder.
    name: &'a str,
    /// The placeholder of a value that it is compared with.
    value: &'a str,
    /// Whether it must be equal: only the partition's key must, and it always.
    is_equality: bool,
}

impl DynamoDbMetadata {
    /// The keys of what is queried: of the index where `indexName` names one, else of the table.
    ///
    /// Where both keys are compared by `=`, the first is taken for the partition's, as DynamoDB's own examples write them.
    ///
    /// # Errors
    /// `Input`, when the expression is no key condition, or names or values are missing or of no key's type.
    pub fn key_schema(&self) -> Result<KeySchema> {
        let refused = |why: String| Error::input("keyConditionExpression", &self.key_condition_expression, why);
        let tokens = tokens(&self.key_condition_expression).map_err(refused)?;
        let conditions = conditions(&tokens).map_err(refused)?;
        let first = conditions.iter().position(|condition| condition.is_equality);
        let first = first.ok_or_else(|| refused("no key is compared by `=`, as the partition's key must be".to_owned()))?;
        let partition = self.attribute(&conditions[first]).map_err(refused)?;
        let others: Vec<&Condition<'_>> = conditions.iter().enumerate().filter(|(index, _)| *index != first).map(|(_, one)| one).collect();
        match others[..] {
            [] => Ok(KeySchema { partition, sort: None }),
            [other] => {
                let sort = self.attribute(other).map_err(refused)?;
                if sort.name == partition.name {
                    return Err(refused(format!("`{}` is compared twice", sort.name)));
                }
                Ok(KeySchema { partition, sort: Some(sort) })
            }
            _ => Err(refused(format!("it compares {} keys, and there are two at most", conditions.len()))),
        }
    }

    fn attribute(&self, condition: &Condition<'_>) -> Result<KeyAttribute, String> {
        let name = if condition.name.starts_with('#') {
            self.expression_attribute_names.get(condition.name).map(String::as_str).filter(|name| !name.is_empty())
        } else {
            Some(condition.name)
        };
        let name = name.ok_or_else(|| format!("`expressionAttributeNames` does not have `{}`", condition.name))?;
        let kind = match self.expression_attribute_values.get(condition.value) {
            Some(AttributeValue::S(_)) => KeyKind::S,
            Some(AttributeValue::N(_)) => KeyKind::N,
            Some(AttributeValue::B(_)) => KeyKind::B,
            Some(_) => return Err(format!("a key is of type S, N or B, and the value `{}` is not", condition.value)),
            None => return Err(format!("`expressionAttributeValues` does not have `{}`", condition.value)),
        };
        Ok(KeyAttribute::new(name, kind))
    }
}

/// Names, placeholders and operators. Parentheses and commas only group: whether they do so rightly is for DynamoDB to say.
fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '<' | '>' | '=' => rest.find(|c| !"<>=".contains(c)).unwrap_or(rest.len()),
            '(' | ')' | ',' => 1,
            c if is_word(c) || c == '#' || c == ':' => {
                rest.char_indices().skip(1).find(|(_, c)| !is_word(*c)).map_or(rest.len(), |(at, _)| at)
            }
            other => return Err(format!("`{other}` has no place in a key condition")),
        };
        let (token, after) = rest.split_at(length);
        if !matches!(token, "(" | ")" | ",") {
            tokens.push(token);
        }
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-' || c == '.'
}

fn conditions<'a>(tokens: &[&'a str]) -> Result<Vec<Condition<'a>>, String> {
    let mut found = Vec::new();
    let mut rest = tokens;
    loop {
        let (condition, after) = condition(rest)?;
        found.push(condition);
        rest = match after {
            [] => return Ok(found),
            [and, after @ ..] if and.eq_ignore_ascii_case("AND") => after,
            [other, ..] => return Err(format!("`{other}` stands where only AND may")),
        };
    }
}

/// The first condition of `tokens`, and what follows it.
fn condition<'a, 'b>(tokens: &'b [&'a str]) -> Result<(Condition<'a>, &'b [&'a str]), String> {
    let wrong = || format!("a condition such as `#key = :value` was expected at `{}`", tokens.first().unwrap_or(&"its end"));
    let (name, value, is_equality, after) = match tokens {
        ["begins_with", name, value, after @ ..] => (name, value, false, after),
        [name, between, low, and, _, after @ ..] if is(between, "BETWEEN") && is(and, "AND") => (name, low, false, after),
        [name, operator @ ("=" | "<" | "<=" | ">" | ">="), value, after @ ..] if name.starts_with(':') => {
            (value, name, *operator == "=", after)
        }
        [name, operator @ ("=" | "<" | "<=" | ">" | ">="), value, after @ ..] => (name, value, *operator == "=", after),
        _ => return Err(wrong()),
    };
    if name.starts_with(':') || !value.starts_with(':') {
        return Err(wrong());
    }
    Ok((Condition { name, value, is_equality }, after))
}

fn is(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::core::keda::metadata::Sources;

    fn metadata(expression: &str, names: &str, values: &str) -> DynamoDbMetadata {
        let pairs = [
            ("tableName", "t"),
            ("awsRegion", "us-east-1"),
            ("targetValue", "1"),
            ("keyConditionExpression", expression),
            ("expressionAttributeNames", names),
            ("expressionAttributeValues", values),
        ];
        let trigger = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let none = BTreeMap::new();
        DynamoDbMetadata::parse(Sources { trigger: &trigger, auth: &none, env: &none }).expect("valid")
    }

    const NAMES: &str = r##"{"#k": "key", "#s": "sort"}"##;
    const VALUES: &str = r#"{":k": {"S": "a"}, ":n": {"N": "1"}, ":m": {"N": "2"}, ":b": {"B": "x"}, ":l": {"BOOL": true}}"#;

    fn keys(expression: &str) -> Result<String> {
        metadata(expression, NAMES, VALUES).key_schema().map(|keys| keys.to_string())
    }

    #[test]
    fn the_query_tells_names_and_types_of_its_keys() {
        for (expression, wanted) in [
            ("#k = :k", "key (S)"),
            ("year=:n", "year (N)"),
            ("#k = :k AND #s = :n", "key (S), sort (N)"),
            ("#s > :n and #k = :k", "key (S), sort (N)"),
            ("(#k = :b) AND (#s BETWEEN :n AND :m)", "key (B), sort (N)"),
            ("#k = :k AND begins_with(#s, :k)", "key (S), sort (S)"),
            (":k = #k AND :n <= #s", "key (S), sort (N)"),
        ] {
            assert_eq!(keys(expression).as_deref(), Ok(wanted), "{expression}");
        }
    }

    #[test]
    fn what_is_no_key_condition_is_refused_with_its_reason() {
        for (expression, part) in [
            ("#k > :k", "no key is compared by `=`"),
            ("#k = :none", "does not have `:none`"),
            ("#none = :k", "does not have `#none`"),
            ("#k = :l", "of type S, N or B"),
            ("#k = :k AND #s = :n AND x = :n", "3 keys"),
            ("#k = :k AND #k < :k", "compared twice"),
            ("#k = :k OR #s = :n", "`OR`"),
            ("#k + :k", "`+`"),
            ("#k", "was expected at `#k`"),
            ("#k = :k AND", "was expected at `its end`"),
            ("#k = #s", "was expected"),
        ] {
            let error = keys(expression).expect_err(expression);
            assert!(error.exit_code() == 2 && error.why.contains(part), "{expression}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_expression_is_read_without_panic(expression in "[#:a-z=<>() ANDBETWEEN,.]{1,40}") {
            let mut metadata = metadata("#k = :k", NAMES, VALUES);
            metadata.key_condition_expression = expression;
            let _ = metadata.key_schema();
        }

        #[test]
        fn the_order_of_two_conditions_does_not_matter_where_one_is_no_equality(operator in "[<>]=?") {
            let (one, other) = (format!("#k = :k AND #s {operator} :n"), format!("#s {operator} :n AND #k = :k"));
            prop_assert_eq!(keys(&one).expect("valid"), keys(&other).expect("valid"));
        }
    }
}
