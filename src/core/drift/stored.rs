//! What an API server may write its own way without changing what a manifest means.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

/// Switches that a server leaves out of its answers when they are off.
const OFF_WHEN_ABSENT: &[&str] =
    &["hostIPC", "hostNetwork", "hostPID", "paused", "preserveUnknownFields", "publishNotReadyAddresses", "readOnly", "stdin", "tty"];
/// Fields whose values are quantities, and fields whose values are tables of them.
const QUANTITIES: &[&str] = &["divisor", "sizeLimit"];
const QUANTITY_TABLES: &[&str] = &["capacity", "hard", "limits", "requests"];

/// Whether a server that was given `wanted` in the field at `path` may leave the field out.
pub(super) fn may_be_left_out(path: &str, wanted: &Value) -> bool {
    match wanted {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Bool(false) => OFF_WHEN_ABSENT.contains(&last(path)),
        _ => false,
    }
}

/// Whether two single values at `path` mean the same: numbers by value, quantities by amount.
pub(super) fn same(path: &str, wanted: &Value, actual: &Value) -> bool {
    if let (Value::Number(wanted), Value::Number(actual)) = (wanted, actual) {
        return wanted == actual || wanted.as_f64() == actual.as_f64();
    }
    is_quantity(path) && amount(wanted).is_some_and(|wanted| amount(actual) == Some(wanted))
}

/// The manifest with a Secret's `stringData` where the server puts it; anything else as it is.
pub(super) fn as_stored(wanted: &Value) -> Option<Value> {
    let plain = wanted.get("stringData").filter(|_| wanted["kind"] == "Secret")?.as_object()?;
    let mut stored = wanted.as_object()?.clone();
    stored.remove("stringData");
    let encoded = plain.iter().filter_map(|(key, value)| Some((key.clone(), STANDARD.encode(value.as_str()?).into())));
    let data = stored.entry("data").or_insert_with(|| Map::new().into());
    data.as_object_mut()?.extend(encoded);
    Some(stored.into())
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn is_quantity(path: &str) -> bool {
    let mut names = path.rsplit('.');
    names.next().is_some_and(|name| QUANTITIES.contains(&name)) || names.next().is_some_and(|name| QUANTITY_TABLES.contains(&name))
}

/// A quantity in thousandths, by the suffixes of Kubernetes; `None` when it is none, or too fine or too large to compare.
fn amount(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '+' || c == '-')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (factor, divisor): (i128, i128) = match suffix {
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1000),
        "" => (1, 1),
        "k" => (1000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        exponent => (10_i128.checked_pow(exponent.strip_prefix(['e', 'E'])?.parse().ok()?)?, 1),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let decimals = u32::try_from(fraction.len()).ok()?;
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 10_i128.checked_pow(decimals)?.checked_mul(divisor)?;
    let thousandths = mantissa.checked_mul(factor)?.checked_mul(1000)?;
    (thousandths % scale == 0).then_some(thousandths / scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_compared_by_amount_and_only_where_quantities_are() {
        let cpu = "spec.containers[0].resources.requests.cpu";
        for (wanted, actual) in
            [(json!("0.5"), json!("500m")), (json!(1), json!("1")), (json!(0.5), json!("500m")), (json!("1e3"), json!("1k"))]
        {
            assert!(same(cpu, &wanted, &actual), "{wanted} {actual}");
        }
        assert!(same("spec.limits.memory", &json!("1Gi"), &json!("1024Mi")));
        assert!(!same("spec.limits.memory", &json!("1G"), &json!("1Gi")));
        assert!(!same("metadata.labels.cpu", &json!("1"), &json!("1000m")));
        assert!(!same(cpu, &json!("many"), &json!("many more")));
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(same("a", &json!(1.0), &json!(1)));
        assert!(!same("a", &json!(1), &json!(2)));
    }

    #[test]
    fn a_switch_that_is_off_may_be_left_out_only_where_off_is_the_default() {
        assert!(may_be_left_out("spec.template.spec.hostNetwork", &json!(false)));
        assert!(!may_be_left_out("automountServiceAccountToken", &json!(false)));
        assert!(!may_be_left_out("spec.volumes[0].emptyDir", &json!({})));
    }

    #[test]
    fn plain_text_of_a_secret_is_looked_for_where_it_is_kept() {
        let wanted = json!({"kind": "Secret", "stringData": {"k": "v"}, "data": {"o": "eA=="}});
        assert_eq!(as_stored(&wanted), Some(json!({"kind": "Secret", "data": {"k": "dg==", "o": "eA=="}})));
        assert_eq!(as_stored(&json!({"kind": "ConfigMap", "data": {}})), None);
    }
}
