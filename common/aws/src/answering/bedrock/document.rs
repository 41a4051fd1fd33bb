//! JSON as the SDK holds it, and as the rest of the world does.

use aws_smithy_types::{Document, Number};
use serde_json::Value;

/// The SDK's form of `value`.
pub(super) fn of_json(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Bool(*value),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => Number::PosInt(value),
            (None, Some(value)) => Number::NegInt(value),
            (None, None) => Number::Float(number.as_f64().unwrap_or(f64::NAN)),
        }),
        Value::String(text) => Document::String(text.clone()),
        Value::Array(list) => Document::Array(list.iter().map(of_json).collect()),
        Value::Object(object) => {
            Document::Object(object.iter().map(|(name, value)| (name.clone(), of_json(value))).collect())
        }
    }
}

/// `document` as JSON; a number that JSON does not have is null, which no answer takes for a number.
pub(super) fn to_json(document: &Document) -> Value {
    match document {
        Document::Null => Value::Null,
        Document::Bool(value) => Value::Bool(*value),
        Document::Number(Number::PosInt(value)) => Value::from(*value),
        Document::Number(Number::NegInt(value)) => Value::from(*value),
        Document::Number(Number::Float(value)) => Value::from(*value),
        Document::String(text) => Value::String(text.clone()),
        Document::Array(list) => Value::Array(list.iter().map(to_json).collect()),
        Document::Object(object) => {
            Value::Object(object.iter().map(|(name, value)| (name.clone(), to_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_comes_back_as_it_went() {
        let value = json!({"a": [1, -2, 0.1, null, true, "x"], "b": {"c": {}}});
        assert_eq!(to_json(&of_json(&value)), value);
        assert_eq!(to_json(&Document::Number(Number::Float(f64::NAN))), Value::Null);
    }
}
