//! Where two models differ, number by number.
//!
//! Cards and parameters are JSON of any depth; both are laid out flat, by path, and compared leaf by leaf, so that what a later
//! training writes down is compared without this file knowing of it.

use std::collections::BTreeMap;

use linkcast_domain::ModelFacts;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// One thing that is not the same in both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Where it stands: `card`, `lineage`, `parameters` or `metrics`.
    pub part: &'static str,
    /// Its path, with dots.
    pub name: String,
    /// What the first has; none where it has no such thing.
    pub one: Option<Value>,
    /// What the other has.
    pub other: Option<Value>,
}

impl Difference {
    /// By how much the other is higher, where both are numbers.
    pub fn change(&self) -> Option<f64> {
        Some(self.other.as_ref()?.as_f64()? - self.one.as_ref()?.as_f64()?)
    }
}

/// Where two models differ: in what their cards say, what they were made of, with what, and how good they were found to be.
pub fn differences(one: (&ModelFacts, &Value), other: (&ModelFacts, &Value)) -> Vec<Difference> {
    let mut all = between("card", &card(one), &card(other));
    all.extend(between("lineage", &lineage(one.0), &lineage(other.0)));
    let parameters = |facts: &ModelFacts| Value::Object(facts.lineage.parameters.clone());
    all.extend(between("parameters", &parameters(one.0), &parameters(other.0)));
    let metrics = |facts: &ModelFacts| Value::Object(facts.metrics.clone());
    all.extend(between("metrics", &metrics(one.0), &metrics(other.0)));
    all
}

/// What the card says beside what stands in a part of its own.
fn card((_, card): (&ModelFacts, &Value)) -> Value {
    let elsewhere = ["training", "metrics"];
    let left = card.as_object().into_iter().flatten().filter(|(name, _)| !elsewhere.contains(&name.as_str()));
    Value::Object(left.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

fn lineage(facts: &ModelFacts) -> Value {
    let lineage = &facts.lineage;
    json!({
        "data_source": lineage.data_source,
        "data_version": lineage.data_version,
        "data_digest": lineage.data_digest,
        "code_revision": lineage.code_revision,
    })
}

fn between(part: &'static str, one: &Value, other: &Value) -> Vec<Difference> {
    let (one, other) = (leaves(one), leaves(other));
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort();
    names.dedup();
    let differing = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
    differing
        .map(|name| Difference {
            part,
            name: name.clone(),
            one: one.get(name).map(|value| (*value).clone()),
            other: other.get(name).map(|value| (*value).clone()),
        })
        .collect()
}

/// Leaves by path. A list of plain values is one leaf; one of things with a name or class is taken apart by it. Null is absent.
pub fn leaves(value: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    gather(value, String::new(), &mut found);
    found
}

fn gather<'a>(value: &'a Value, path: String, leaves: &mut BTreeMap<String, &'a Value>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(map) => map.iter().for_each(|(name, value)| gather(value, below(name), leaves)),
        Value::Array(values) if values.iter().any(Value::is_object) => {
            for (place, value) in values.iter().enumerate() {
                let name = ["name", "class"].into_iter().find_map(|key| value.get(key)?.as_str());
                gather(value, below(name.unwrap_or(&place.to_string())), leaves);
            }
        }
        _ => {
            leaves.insert(path, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::{Lineage, Timestamp};

    fn facts(depth: u64, recall: f64, revision: Option<&str>) -> ModelFacts {
        let parameters = json!({"settings": {"depth": depth, "eta": 0.2}});
        let metrics = json!({"classes": [{"class": "normal", "recall": 0.9}, {"class": "rdma_timeout", "recall": recall}]});
        ModelFacts {
            version: "1".parse().unwrap(),
            task: "link-health".into(),
            feature_schema: 1,
            digest: String::new(),
            files: Vec::new(),
            lineage: Lineage {
                code_revision: revision.map(str::to_owned),
                parameters: parameters.as_object().cloned().unwrap(),
                ..Lineage::default()
            },
            metrics: metrics.as_object().cloned().unwrap(),
            added: Timestamp::EPOCH,
            added_by: String::new(),
        }
    }

    #[test]
    fn what_differs_is_told_by_part_and_path_and_what_is_the_same_is_not() {
        let one = (
            facts(5, 0.25, None),
            json!({"model_version": "1", "reference": [1.0, 2.0], "metrics": {"a": 1}}),
        );
        let other = (facts(6, 0.75, Some("abc")), json!({"model_version": "2", "reference": [1.0, 2.0]}));
        let found = differences((&one.0, &one.1), (&other.0, &other.1));
        let told: Vec<(&str, &str, Option<f64>)> =
            found.iter().map(|one| (one.part, one.name.as_str(), one.change())).collect();
        assert_eq!(
            told,
            [
                ("card", "model_version", None),
                ("lineage", "code_revision", None),
                ("parameters", "settings.depth", Some(1.0)),
                ("metrics", "classes.rdma_timeout.recall", Some(0.5)),
            ]
        );
        assert_eq!((&found[1].one, &found[1].other), (&None, &Some(json!("abc"))));
        assert_eq!(differences((&one.0, &one.1), (&one.0, &one.1)), []);
    }
}
