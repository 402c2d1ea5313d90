//! Conditions as text, against items as JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Comparison, Condition, Fault, Operand, check, condition,
    path::{Path, Step},
    paths,
    placeholders::{Given, Placeholders},
    update_clauses,
};
use crate::backend::emulator::dynamodb::value::{Attribute, Item, read_item};

fn item(value: &Value) -> Item {
    read_item(value.as_object().expect("an object")).expect("an item")
}

fn given(names: &Value, values: &Value) -> Placeholders {
    let mut given = json!({});
    for (field, value) in [("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)] {
        if value.as_object().is_some_and(|value| !value.is_empty()) {
            given[field] = value.clone();
        }
    }
    let given: Given = serde_json::from_value(given).expect("well formed");
    Placeholders::read(&given, &[("FilterExpression", true)]).expect("valid")
}

fn read(text: &str, values: &Value) -> Result<Condition, Fault> {
    let condition = condition(text, &given(&json!({ "#n": "name", "#s": "status" }), values))?;
    check(&condition).map(|()| condition)
}

fn values() -> Value {
    json!({
        ":s": { "S": "abc" }, ":n": { "N": "10" }, ":m": { "N": "20.0" }, ":b": { "BOOL": true }, ":p": { "S": "a" }, ":t": { "S": "NS" },
        ":l": { "L": [] }, ":z": { "N": "3" },
    })
}

fn sample() -> Item {
    item(&json!({
        "name": { "S": "abc" }, "n": { "N": "1e1" }, "tags": { "SS": ["a", "b"] }, "ns": { "NS": ["3", "4"] },
        "deep": { "M": { "stages": { "L": [{ "N": "20" }, { "S": "a" }] } } }, "status": { "BOOL": true },
    }))
}

#[test]
fn conditions_hold_as_awss_guide_says() {
    for (text, wanted) in [
        ("#n = :s", true),
        ("#n <> :s", false),
        ("absent <> :s", true),
        ("absent = :s", false),
        ("NOT absent = :s", true),
        ("n = :n", true),
        ("n < :m AND n <= :n AND n >= :n AND NOT n > :n", true),
        ("n = :s", false),
        ("n <> :s", true),
        ("n < :s", false),
        ("n BETWEEN :z AND :m", true),
        ("n IN (:s, :n)", true),
        ("attribute_exists(deep.stages[1]) AND attribute_not_exists(deep.stages[2])", true),
        ("attribute_type(ns, :t)", true),
        ("begins_with(#n, :p)", true),
        ("begins_with(n, :p)", false),
        ("contains(#n, :p) AND contains(tags, :p) AND contains(ns, :z) AND contains(deep.stages, :p)", true),
        ("deep.stages[0] = :m", true),
        ("size(#n) = :z AND size(tags) < :z AND size(deep.stages) <> :z", true),
        ("size(n) = :z", false),
        ("#s = :b", true),
        ("absent = :s OR n = :n AND #n = :s", true),
        ("(absent = :s OR n = :n) AND #n = :p", false),
        ("NOT (n = :n AND absent = :s)", true),
        ("not n = :m and n between :z and :m", true),
    ] {
        let condition = read(text, &values()).unwrap_or_else(|fault| panic!("{text}: {}", fault.0));
        assert_eq!(condition.holds(&sample()), wanted, "{text}");
    }
}

#[test]
fn refusals_are_worded_as_aws_words_them() {
    for (text, wanted) in [
        ("", "The expression can not be empty;"),
        ("n =", "Syntax error; token: \"<EOF>\", near: \"=\""),
        ("n = = :n", "Syntax error; token: \"=\", near: \"= = :n\""),
        ("n :n", "Syntax error; token: \":n\", near: \"n :n\""),
        ("status = :s", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("f(n)", "Invalid function name; function: f"),
        ("#x = :n", "An expression attribute name used in the document path is not defined; attribute name: #x"),
        ("n = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
        ("((n = :n))", "The expression has redundant parentheses;"),
        (
            "begins_with(n)",
            "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1",
        ),
        ("begins_with(n, :n)", "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"),
        ("n < :b", "Incorrect operand type for operator or function; operator: <, operand type: BOOL"),
        ("attribute_exists(:n)", "Operator or function requires a document path; operator or function: attribute_exists"),
        ("size(n)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "n BETWEEN :m AND :n",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: \
             AttributeValue: {N:20}, upper bound operand: AttributeValue: {N:10}",
        ),
        ("attribute_type(n, :s)", "Invalid attribute type name found; type: abc, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
        (
            "n = n",
            "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [n]",
        ),
    ] {
        assert_eq!(read(text, &values()).expect_err(text).0, wanted, "{text}");
    }
}

#[test]
fn what_no_expression_uses_is_refused() {
    let all = given(&json!({ "#a": "a", "#b": "b" }), &json!({ ":v": { "S": "x" } }));
    condition("#a = :v", &all).expect("parses");
    let refusal = all.all_used().expect_err("#b is unused").message;
    assert_eq!(refusal, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}");
}

#[test]
fn nesting_ends_long_before_the_stack_does() {
    let deep = format!("{}n = :n", "NOT ".repeat(1000));
    assert!(read(&deep, &values()).is_err());
    let chain = vec!["n = :n"; 150].join(" OR ");
    assert!(read(&chain, &values()).is_ok());
    let chain = vec!["n = :n"; 200].join(" OR ");
    assert!(read(&chain, &values()).expect_err("399 operators").0.contains("too many operators"));
}

#[test]
fn a_projection_keeps_the_way_to_what_it_names() {
    let found = paths("deep.stages[1], n", &given(&json!({}), &json!({}))).expect("paths");
    let mut projected = Item::new();
    for path in &found {
        path.copy(&sample(), &mut projected);
    }
    let wanted = item(&json!({ "n": { "N": "10" }, "deep": { "M": { "stages": { "L": [{ "S": "a" }] } } } }));
    assert_eq!(projected, wanted);
}

#[test]
fn an_update_sees_the_item_as_it_was() {
    let values = json!({ ":one": { "N": "1" }, ":x": { "L": [{ "S": "x" }] }, ":a": { "SS": ["a"] } });
    let text = "SET n = n + :one, m = n, k = if_not_exists(k, :one), deep.stages = list_append(deep.stages, :x) REMOVE #n ADD c :one DELETE tags :a";
    let clauses = update_clauses(text, &given(&json!({ "#n": "name" }), &values)).expect("parses");
    let mut wanted = sample();
    wanted.remove("name");
    wanted.extend(item(&json!({
        "n": { "N": "11" }, "m": { "N": "10" }, "k": { "N": "1" }, "c": { "N": "1" }, "tags": { "SS": ["b"] },
        "deep": { "M": { "stages": { "L": [{ "N": "20" }, { "S": "a" }, { "S": "x" }] } } },
    })));
    assert_eq!(clauses.apply(&sample()).expect("applies"), wanted);
}

#[test]
fn paths_that_overlap_are_refused() {
    let values = json!({ ":v": { "S": "x" } });
    for text in ["SET a = :v, a = :v", "SET a = :v, a.b = :v", "SET a[0].b = :v REMOVE a[0]", "SET a = :v ADD a :v"] {
        let refusal = update_clauses(text, &given(&json!({}), &values)).expect_err(text).0;
        assert!(refusal.starts_with("Two document paths overlap with each other;"), "{text}: {refusal}");
    }
    assert!(update_clauses("SET a.b = :v, a.c = :v REMOVE a[0], a[1]", &given(&json!({}), &values)).is_ok());
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("n".to_owned()),
        Just("#n".to_owned()),
        Just(":n".to_owned()),
        "[()\\[\\].,=<>+-]",
        Just("AND".to_owned()),
        Just("OR".to_owned()),
        Just("NOT".to_owned()),
        Just("BETWEEN".to_owned()),
        Just("IN".to_owned()),
        Just("size".to_owned()),
        Just("contains".to_owned()),
        Just("SET".to_owned()),
        "[0-9]{1,30}",
    ]
}

/// A condition as text; parentheses only where they change the meaning, as more are refused.
fn written(condition: &Condition) -> String {
    let part = |inner: &Condition| match inner {
        Condition::And(_) | Condition::Or(_) => format!("({})", written(inner)),
        _ => written(inner),
    };
    let all = |parts: &[Condition], word: &str| parts.iter().map(part).collect::<Vec<_>>().join(word);
    let list = |operands: &[&Operand]| operands.iter().map(|operand| shown(operand)).collect::<Vec<_>>().join(", ");
    match condition {
        Condition::And(parts) => all(parts, " AND "),
        Condition::Or(parts) => all(parts, " OR "),
        Condition::Not(inner) => format!("NOT {}", part(inner)),
        Condition::Compare(left, comparison, right) => format!("{} {} {}", shown(left), comparison.sign(), shown(right)),
        Condition::Between(operand, low, high) => format!("{} BETWEEN {} AND {}", shown(operand), shown(low), shown(high)),
        Condition::In(operand, choices) => format!("{} IN ({})", shown(operand), list(&choices.iter().collect::<Vec<_>>())),
        Condition::Exists(path) => format!("attribute_exists({})", shown(path)),
        Condition::NotExists(path) => format!("attribute_not_exists({})", shown(path)),
        Condition::HasType(path, kind) => format!("attribute_type({})", list(&[path, kind])),
        Condition::BeginsWith(whole, start) => format!("begins_with({})", list(&[whole, start])),
        Condition::Contains(whole, part) => format!("contains({})", list(&[whole, part])),
    }
}

fn shown(operand: &Operand) -> String {
    let path = |path: &Path| {
        let step = |step: &Step| match step {
            Step::Field(name) => format!(".{name}"),
            Step::Index(index) => format!("[{index}]"),
        };
        path.first.clone() + &path.rest.iter().map(step).collect::<String>()
    };
    match operand {
        Operand::Path(inner) => path(inner),
        Operand::Size(inner) => format!("size({})", path(inner)),
        Operand::Value(value) => {
            let all = values();
            let mut placeholders = all.as_object().expect("an object").iter();
            placeholders.find(|(_, given)| Attribute::read(given).as_ref() == Ok(value)).expect("one of the values").0.clone()
        }
    }
}

fn operand() -> impl Strategy<Value = Operand> {
    let path = || {
        let step = prop_oneof!["x[m-q]{1,2}".prop_map(Step::Field), (0usize..20).prop_map(Step::Index)];
        ("x[m-q]{1,2}", prop::collection::vec(step, 0..3)).prop_map(|(first, rest)| Path { first, rest })
    };
    let value = (0usize..values().as_object().map_or(0, serde_json::Map::len)).prop_map(|index| {
        let all = values();
        Operand::Value(Attribute::read(all.as_object().expect("an object").values().nth(index).expect("in range")).expect("a value"))
    });
    prop_oneof![path().prop_map(Operand::Path), path().prop_map(Operand::Size), value]
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let signs = [Comparison::Equal, Comparison::NotEqual, Comparison::Less, Comparison::AtMost, Comparison::Greater, Comparison::AtLeast];
    let leaf = prop_oneof![
        (operand(), prop::sample::select(signs.to_vec()), operand()).prop_map(|(left, sign, right)| Condition::Compare(left, sign, right)),
        (operand(), operand(), operand()).prop_map(|(operand, low, high)| Condition::Between(operand, low, high)),
        (operand(), prop::collection::vec(operand(), 1..4)).prop_map(|(operand, choices)| Condition::In(operand, choices)),
        operand().prop_map(Condition::Exists),
        operand().prop_map(Condition::NotExists),
        (operand(), operand()).prop_map(|(path, kind)| Condition::HasType(path, kind)),
        (operand(), operand()).prop_map(|(whole, start)| Condition::BeginsWith(whole, start)),
        (operand(), operand()).prop_map(|(whole, part)| Condition::Contains(whole, part)),
    ];
    leaf.prop_recursive(3, 20, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(|inner| Condition::Not(Box::new(inner))),
            several.clone().prop_map(Condition::And),
            several.prop_map(Condition::Or),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(wanted in any_condition()) {
        let text = written(&wanted);
        let read = condition(&text, &given(&json!({}), &values()));
        prop_assert_eq!(read.as_ref(), Ok(&wanted), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,80}") {
        let _ = read(&text, &values());
        let none = Placeholders::default();
        let _ = (paths(&text, &none), update_clauses(&text, &none).map(|clauses| clauses.apply(&sample())));
    }

    #[test]
    fn no_heap_of_tokens_panics(words in proptest::collection::vec(word(), 0..60)) {
        let text = words.join(" ");
        if let Ok(condition) = read(&text, &values()) {
            let _ = condition.holds(&sample());
        }
        let all = given(&json!({ "#n": "name" }), &values());
        let _ = (paths(&text, &all), update_clauses(&text, &all).map(|clauses| clauses.apply(&sample())));
    }

    #[test]
    fn a_condition_and_its_denial_never_agree(index in 0usize..8) {
        let texts = ["n = :n", "n <> :m", "absent < :n", "contains(tags, :p)", "size(absent) = :n", "n IN (:m)", "#s = :b", "n BETWEEN :z AND :n"];
        let text = texts[index];
        let holds = read(text, &values()).expect("parses").holds(&sample());
        let denied = read(&format!("NOT {text}"), &values()).expect("parses").holds(&sample());
        prop_assert_ne!(holds, denied);
    }
}
