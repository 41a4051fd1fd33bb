//! A CloudFormation or SAM template as one plain value, whichever way it is written.
//!
//! The short tags (`!Ref`, `!GetAtt` …) become their long forms, so that a rule is written once and holds for the source
//! and for what SAM makes of it. Nothing is evaluated: a rule sees what a reader sees.

pub(crate) mod rules;

use anyhow::{Context, Result, bail};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// A template.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    root: Value,
}

/// One resource of a template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resource<'a> {
    /// Its name in the template.
    pub(crate) name: &'a str,
    /// Such as `AWS::SQS::Queue`.
    pub(crate) kind: &'a str,
    /// Its properties; null if it has none.
    pub(crate) properties: &'a Value,
}

impl Template {
    /// Reads YAML or JSON.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text).context("the template is no YAML")?;
        let [document] = documents.as_slice() else {
            bail!("the template has {} documents: expected one", documents.len());
        };
        Ok(Template { root: long_form(document)? })
    }

    /// Every resource, in the template's order of names.
    pub(crate) fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.root.get("Resources").and_then(Value::as_object);
        resources.into_iter().flatten().map(|(name, body)| Resource {
            name,
            kind: body.get("Type").and_then(Value::as_str).unwrap_or_default(),
            properties: body.get("Properties").unwrap_or(&Value::Null),
        })
    }

    /// Every resource of a kind.
    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = Resource<'a>> {
        self.resources().filter(move |resource| resource.kind == kind)
    }

    /// What SAM adds to every function.
    pub(crate) fn function_defaults(&self) -> &Value {
        self.root.pointer("/Globals/Function").unwrap_or(&Value::Null)
    }
}

fn long_form(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(scalar) => scalar_value(scalar),
        Yaml::Representation(text, _, _) => json!(text),
        Yaml::Sequence(items) => Value::Array(items.iter().map(long_form).collect::<Result<_>>()?),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let key = match long_form(key)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(key, long_form(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tag, inner) => tagged(&tag.suffix, long_form(inner)?),
        Yaml::Alias(_) | Yaml::BadValue => bail!("the template has an alias or a value that cannot be read"),
    })
}

fn scalar_value(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(truth) => json!(truth),
        Scalar::Integer(number) => json!(number),
        Scalar::FloatingPoint(number) => json!(number.into_inner()),
        Scalar::String(text) => json!(text),
    }
}

fn tagged(name: &str, inner: Value) -> Value {
    match (name, &inner) {
        ("Ref" | "Condition", _) => json!({ name: inner }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((path, ""));
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        _ => json!({ format!("Fn::{name}"): inner }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_forms_read_alike() -> Result<()> {
        let short =
            "Resources: {A: {Type: T, Properties: {B: !Ref C, D: !GetAtt E.Arn, F: !If [G, 1, !Sub 'x']}}}";
        let long = r#"{"Resources": {"A": {"Type": "T", "Properties": {"B": {"Ref": "C"},
            "D": {"Fn::GetAtt": ["E", "Arn"]}, "F": {"Fn::If": ["G", 1, {"Fn::Sub": "x"}]}}}}}"#;
        assert_eq!(Template::read(short)?.root, Template::read(long)?.root);
        Ok(())
    }

    #[test]
    fn a_text_of_two_documents_is_refused() {
        assert!(Template::read("a: 1\n---\nb: 2\n").is_err());
    }
}
