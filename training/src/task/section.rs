//! One mapping of the YAML, read key by key; what was wrong is collected and what was not asked for is refused.

use saphyr::{MarkedYaml, Scalar, YamlData};

use super::fault::{TaskFault, nearest};

/// Everything wrong so far.
#[derive(Debug, Default)]
pub(super) struct Faults(pub(super) Vec<TaskFault>);

impl Faults {
    pub(super) fn add(
        &mut self,
        line: usize,
        key: impl Into<String>,
        found: impl Into<String>,
        expected: &str,
    ) {
        let (key, found, expected) = (key.into(), found.into(), expected.to_owned());
        self.0.push(TaskFault { line, key, found, expected });
    }
}

/// A mapping and its way from the top.
#[derive(Debug)]
pub(super) struct Section<'a, 'input> {
    path: String,
    line: usize,
    node: Option<&'a MarkedYaml<'input>>,
    asked: Vec<&'static str>,
}

/// A value with its place.
pub(super) struct Value<'a, 'input> {
    pub(super) path: String,
    pub(super) line: usize,
    node: &'a MarkedYaml<'input>,
}

impl<'a, 'input> Section<'a, 'input> {
    /// The mapping at the top.
    pub(super) fn top(node: &'a MarkedYaml<'input>, faults: &mut Faults) -> Self {
        Section::at(String::new(), 1, Some(node), faults)
    }

    fn at(path: String, line: usize, node: Option<&'a MarkedYaml<'input>>, faults: &mut Faults) -> Self {
        let node = node.filter(|node| {
            let is_mapping = matches!(node.data, YamlData::Mapping(_));
            if !is_mapping {
                let key = if path.is_empty() { "the task" } else { &path };
                faults.add(line, key, shown(node), "keys with values");
            }
            is_mapping
        });
        Section { path, line, node, asked: Vec::new() }
    }

    /// The line at which the section's key stands.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// A key's way from the top.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The section under `key`; an empty one if it is not there.
    pub(super) fn section(&mut self, key: &'static str, faults: &mut Faults) -> Section<'a, 'input> {
        let found = self.get(key);
        let line = found.as_ref().map_or(self.line, |value| value.line);
        Section::at(self.path_of(key), line, found.map(|value| value.node), faults)
    }

    /// Whether the section is there.
    pub(super) fn is_there(&self) -> bool {
        self.node.is_some()
    }

    /// The value under `key`.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'a, 'input>> {
        self.asked.push(key);
        let (name, node) = self.entries().find(|(name, _)| text_of(name) == Some(key))?;
        Some(Value { path: self.path_of(key), line: name.span.start.line(), node })
    }

    /// The value under `key` read by `read`, which may refuse it; none if it is not there or was refused.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Value<'a, 'input>) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(key)?;
        let read = read(&value);
        if read.is_none() {
            faults.add(value.line, &value.path, shown(value.node), expected);
        }
        read
    }

    /// As [`Section::read`], but that the key must be there.
    pub(super) fn require<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Value<'a, 'input>) -> Option<T>,
    ) -> Option<T> {
        let is_there = self.entries().any(|(name, _)| text_of(name) == Some(key));
        if !is_there {
            self.asked.push(key);
            faults.add(self.line, self.path_of(key), "missing", expected);
            return None;
        }
        self.read(key, expected, faults, read)
    }

    /// Every key with its value, for sections of free keys.
    pub(super) fn free(&self) -> Vec<(&'a str, Value<'a, 'input>)> {
        let named = self.entries().filter_map(|(name, node)| {
            let key = text_of(name)?;
            Some((key, Value { path: self.path_of(key), line: name.span.start.line(), node }))
        });
        named.collect()
    }

    /// Refuses every key that was not asked for.
    pub(super) fn finish(self, faults: &mut Faults) {
        for (name, _) in self.entries() {
            let key = text_of(name).unwrap_or("a key that is no text");
            if self.asked.contains(&key) {
                continue;
            }
            let known = self.asked.join(", ");
            let expected = match nearest(key, &self.asked) {
                Some(meant) => format!("{meant}? (known here: {known})"),
                None => format!("one of {known}"),
            };
            faults.add(name.span.start.line(), self.path_of(key), "not known", &expected);
        }
    }

    fn entries(
        &self,
    ) -> impl Iterator<Item = (&'a MarkedYaml<'input>, &'a MarkedYaml<'input>)> + use<'a, 'input> {
        let mapping = self.node.and_then(|node| match &node.data {
            YamlData::Mapping(entries) => Some(entries),
            _ => None,
        });
        mapping.into_iter().flatten()
    }
}

impl<'a> Value<'a, '_> {
    /// A text that is not empty.
    pub(super) fn text(&self) -> Option<&'a str> {
        text_of(self.node).filter(|text| !text.trim().is_empty())
    }

    /// A whole number within `range`.
    pub(super) fn whole(&self, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        match &self.node.data {
            YamlData::Value(Scalar::Integer(number)) if range.contains(number) => Some(*number),
            _ => None,
        }
    }

    /// A number within `range`.
    pub(super) fn real(&self, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let number = match &self.node.data {
            YamlData::Value(Scalar::Integer(number)) => *number as f64,
            YamlData::Value(Scalar::FloatingPoint(number)) => number.into_inner(),
            _ => return None,
        };
        range.contains(&number).then_some(number)
    }

    /// A scalar as it would be written.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.node.data {
            YamlData::Value(Scalar::String(text)) => Some(text.to_string()),
            YamlData::Value(Scalar::Integer(number)) => Some(number.to_string()),
            YamlData::Value(Scalar::Boolean(flag)) => Some(flag.to_string()),
            YamlData::Value(Scalar::FloatingPoint(number)) => Some(number.into_inner().to_string()),
            _ => None,
        }
    }
}

fn text_of<'a>(node: &'a MarkedYaml<'_>) -> Option<&'a str> {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => Some(text),
        _ => None,
    }
}

/// What is there, for messages.
fn shown(node: &MarkedYaml<'_>) -> String {
    match &node.data {
        YamlData::Value(Scalar::String(text)) => format!("{:?}", text.chars().take(64).collect::<String>()),
        YamlData::Value(Scalar::Null) => "empty".to_owned(),
        YamlData::Value(Scalar::Boolean(flag)) => flag.to_string(),
        YamlData::Value(Scalar::Integer(number)) => number.to_string(),
        YamlData::Value(Scalar::FloatingPoint(number)) => number.into_inner().to_string(),
        YamlData::Sequence(_) => "a list".to_owned(),
        YamlData::Mapping(_) => "a mapping".to_owned(),
        _ => "of a kind that has no place here".to_owned(),
    }
}
