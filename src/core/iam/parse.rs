//! Strict reading of documents: every field known, every value of its kind, with the place of a fault.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{
    condition::{Condition, Operator},
    document::{Document, Effect, Patterns, Principal, Statement, Version},
    malformed::Malformed,
};

type Read<T> = Result<T, Malformed>;

impl Document {
    /// Reads any policy or trust document, without the rules of either kind; see [`Document::identity`] and [`Document::trust`].
    ///
    /// # Errors
    /// [`Malformed`] when the JSON or the policy language's syntax is broken.
    pub fn parse(text: &str) -> Read<Self> {
        let value = serde_json::from_str(text).map_err(|error| Malformed::syntax("", format!("not JSON: {error}")))?;
        Self::from_value(&value)
    }

    /// Like [`Document::parse`], for JSON that was read already.
    ///
    /// # Errors
    /// [`Malformed`] when the policy language's syntax is broken.
    pub fn from_value(value: &Value) -> Read<Self> {
        let mut reader = Reader::default();
        let document = reader.document(value)?;
        reader.late.map_or(Ok(document), Err)
    }

    /// Reads, and hands a fault that IAM only reports after its own checks to `late`.
    pub(super) fn parse_with_late(text: &str) -> Read<(Self, Option<Malformed>)> {
        let value = serde_json::from_str(text).map_err(|error| Malformed::syntax("", format!("not JSON: {error}")))?;
        let mut reader = Reader::default();
        Ok((reader.document(&value)?, reader.late))
    }
}

impl FromStr for Document {
    type Err = Malformed;
    fn from_str(text: &str) -> Read<Self> {
        Self::parse(text)
    }
}

#[derive(Default)]
struct Reader {
    late: Option<Malformed>,
}

impl Reader {
    fn document(&mut self, value: &Value) -> Read<Document> {
        let object = object(value, "", &["Version", "Id", "Statement"])?;
        let version = match object.get("Version") {
            None => Version::V2008,
            Some(Value::String(text)) if text == "2012-10-17" => Version::V2012,
            Some(Value::String(text)) if text == "2008-10-17" => Version::V2008,
            Some(other) => return Err(Malformed::syntax("Version", format!("{other} is neither \"2012-10-17\" nor \"2008-10-17\""))),
        };
        let id = object.get("Id").map(|value| text(value, "Id")).transpose()?;
        let statements = match object.get("Statement") {
            Some(Value::Array(list)) if !list.is_empty() => {
                list.iter().enumerate().map(|(i, value)| self.statement(value, &format!("Statement[{i}]"))).collect::<Read<_>>()?
            }
            Some(value @ Value::Object(_)) => vec![self.statement(value, "Statement")?],
            Some(_) => return Err(Malformed::syntax("Statement", "must be a statement or a list of at least one")),
            None => return Err(Malformed::syntax("", "has no Statement")),
        };
        Ok(Document { version, id, statements })
    }

    fn statement(&mut self, value: &Value, path: &str) -> Read<Statement> {
        let fields = ["Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
        let object = object(value, path, &fields)?;
        let sid = object.get("Sid").map(|value| text(value, &format!("{path}.Sid"))).transpose()?;
        let effect = self.effect(object.get("Effect"), path)?;
        let principals = object.get("Principal").map_or(Ok(Vec::new()), |value| principals(value, &format!("{path}.Principal")))?;
        let actions = patterns(object, path, "Action")?.unwrap_or_else(|| Patterns::Any(Vec::new()));
        let resources = patterns(object, path, "Resource")?;
        let conditions = match object.get("Condition") {
            None => Vec::new(),
            Some(value) => self.conditions(value, &format!("{path}.Condition"))?,
        };
        Ok(Statement { sid, effect, principals, actions, resources, conditions })
    }

    fn effect(&mut self, value: Option<&Value>, path: &str) -> Read<Effect> {
        let path = format!("{path}.Effect");
        let written = match value {
            Some(value) => text(value, &path)?,
            None => return Err(Malformed::syntax(&path, "is missing")),
        };
        let effect = match written.to_ascii_lowercase().as_str() {
            "allow" => Effect::Allow,
            "deny" => Effect::Deny,
            _ => return Err(Malformed::syntax(&path, format!("`{written}` is neither Allow nor Deny"))),
        };
        if written != format!("{effect:?}") {
            self.late.get_or_insert_with(|| Malformed::legacy(&path, format!("write `{effect:?}`, not `{written}`")));
        }
        Ok(effect)
    }

    fn conditions(&mut self, value: &Value, path: &str) -> Read<Vec<Condition>> {
        let Value::Object(operators) = value else {
            return Err(Malformed::syntax(path, "must be an object of operators"));
        };
        let mut conditions = Vec::new();
        for (name, keys) in operators {
            let path = format!("{path}.{name}");
            let Value::Object(keys) = keys else {
                return Err(Malformed::syntax(&path, "must be an object of condition keys"));
            };
            if keys.is_empty() {
                continue;
            }
            let operator = Operator::parse(name).ok_or_else(|| Malformed::syntax(&path, "is no condition operator"))?;
            for (key, values) in keys {
                let path = format!("{path}.{key}");
                let values = scalars(values, &path)?;
                let bad_date =
                    |value: &&String| operator.comparison.is_date() && super::date::parse(value).is_none() && !value.contains("${");
                if let Some(bad) = values.iter().find(bad_date) {
                    self.late.get_or_insert_with(|| Malformed::legacy(&path, format!("`{bad}` is no date")));
                }
                conditions.push(Condition { operator, key: key.clone(), values });
            }
        }
        Ok(conditions)
    }
}

fn object<'a>(value: &'a Value, path: &str, fields: &[&str]) -> Read<&'a Map<String, Value>> {
    let Value::Object(object) = value else { return Err(Malformed::syntax(path, "must be an object")) };
    match object.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(unknown) => Err(Malformed::syntax(path, format!("has a field `{unknown}`; known are {}", fields.join(", ")))),
        None => Ok(object),
    }
}

fn text(value: &Value, path: &str) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or_else(|| Malformed::syntax(path, "must be text"))
}

/// Text, or a list of text; IAM skips nulls in lists.
fn texts(value: &Value, path: &str) -> Read<Vec<String>> {
    match value {
        Value::Array(list) => list.iter().filter(|value| !value.is_null()).map(|value| text(value, path)).collect(),
        value => Ok(vec![text(value, path)?]),
    }
}

/// Like [`texts`], with booleans and numbers as their text.
fn scalars(value: &Value, path: &str) -> Read<Vec<String>> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(Malformed::syntax(path, "must be text, a number or a boolean, or a list of those")),
    };
    match value {
        Value::Array(list) => list.iter().map(scalar).collect(),
        value => Ok(vec![scalar(value)?]),
    }
}

fn patterns(object: &Map<String, Value>, path: &str, name: &str) -> Read<Option<Patterns>> {
    let not = format!("Not{name}");
    match (object.get(name), object.get(&not)) {
        (Some(_), Some(_)) => Err(Malformed::syntax(path, format!("has both {name} and {not}"))),
        (Some(value), None) => Ok(Some(Patterns::Any(texts(value, &format!("{path}.{name}"))?))),
        (None, Some(value)) => Ok(Some(Patterns::AllBut(texts(value, &format!("{path}.{not}"))?))),
        (None, None) => Ok(None),
    }
}

fn principals(value: &Value, path: &str) -> Read<Vec<Principal>> {
    let Value::Object(kinds) = value else {
        return match value.as_str() {
            Some("*") => Ok(vec![Principal::Everyone]),
            _ => Err(Malformed::syntax(path, "must be \"*\" or an object of AWS, Federated or Service")),
        };
    };
    let mut principals = Vec::new();
    for (kind, names) in kinds {
        let path = format!("{path}.{kind}");
        let make: fn(String) -> Principal = match kind.as_str() {
            "AWS" => |name| if name == "*" { Principal::Everyone } else { Principal::Aws(name) },
            "Federated" => Principal::Federated,
            "Service" => Principal::Service,
            _ => return Err(Malformed::syntax(&path, "is no kind of principal; known are AWS, Federated, Service")),
        };
        principals.extend(texts(names, &path)?.into_iter().map(make));
    }
    if principals.is_empty() { Err(Malformed::syntax(path, "names nobody")) } else { Ok(principals) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_read_the_same() {
        let one =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*","Condition":{"Bool":{"k":true}}}}"#;
        let many = r#"{"Statement":[{"Condition":{"Bool":{"k":["true"]}},"Resource":["*"],"Action":["sqs:*"],"Effect":"Allow"}],"Version":"2012-10-17"}"#;
        assert_eq!(Document::parse(one), Document::parse(many));
    }

    #[test]
    fn faults_name_their_place() {
        for (text, place) in [
            ("{", "not JSON"),
            (r#"{"Statement":[{"Effect":"Allow","Actions":"a:b"}]}"#, "Statement[0]"),
            (r#"{"Statement":{"Effect":"Allow","Action":"a:b","Condition":{"StringEqual":{"k":"v"}}}}"#, "Statement.Condition.StringEqual"),
            (r#"{"Statement":{"Effect":"allow","Action":"a:b"}}"#, "Statement.Effect"),
            (r#"{"Statement":{"Effect":"Allow","Principal":{"Aws":"*"},"Action":"a:b"}}"#, "Statement.Principal.Aws"),
        ] {
            let error = Document::parse(text).expect_err(text);
            assert!(error.detail.contains(place), "{error:?}");
        }
    }

    #[test]
    fn canonical_forms_ignore_order_case_and_repeats() {
        let a = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":["sts:TagSession","sts:AssumeRole"],
            "Condition":{"StringEquals":{"A:sub":"x"}}},{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}"#;
        let b = r#"{"Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"Action":["STS:*"]},{"Effect":"Allow",
            "Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Action":["sts:assumerole","sts:TagSession","sts:tagsession"],
            "Condition":{"StringEquals":{"a:sub":["x"]}}}]}"#;
        let (a, b) = (Document::parse(a).expect("valid"), Document::parse(b).expect("valid"));
        assert_ne!(a, b);
        assert_eq!(a.canonical(), b.canonical());
    }

    #[test]
    fn writing_and_reading_keeps_the_document() {
        let text = r#"{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"s","Effect":"Deny","Principal":{"Federated":"f","Service":["x","y"]},
            "NotAction":"a:b","NotResource":["r","s"],"Condition":{"StringLike":{"k":"v","l":["1","2"]}}}]}"#;
        let document = Document::parse(text).expect("valid");
        let again: Document = serde_json::from_str(&serde_json::to_string(&document).expect("writes")).expect("reads");
        assert_eq!(document, again);
    }
}
