//! What is wrong with a task, so that whoever wrote it finds the place and knows what to write instead.

use std::fmt;

/// One thing wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFault {
    /// The line, from 1.
    pub line: usize,
    /// The key's way from the top, as `training.endpoint.memory_mb`.
    pub key: String,
    /// What is there.
    pub found: String,
    /// What may be there.
    pub expected: String,
}

impl fmt::Display for TaskFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskFault { line, key, found, expected } = self;
        write!(f, "line {line}: {key} is {found}: expected {expected}")
    }
}

/// Everything wrong with a task, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskError(pub Vec<TaskFault>);

impl std::error::Error for TaskError {}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "\n" };
            write!(f, "{between}{fault}")?;
        }
        Ok(())
    }
}

/// The one of `known` that `text` is most likely a slip of; none if nothing is near.
pub(super) fn nearest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known.iter().map(|name| (distance(text, name), *name));
    let (distance, name) = distances.min()?;
    (distance <= 1 + text.chars().count() / 3).then_some(name)
}

/// Letters to change, add or leave out to make one of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = line;
        let mut left = line + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, other) in row.iter_mut().skip(1).zip(&other) {
            let changed = corner + usize::from(letter != *other);
            corner = *above;
            left = changed.min(left + 1).min(*above + 1);
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known = ["platform", "parameters", "type"];
        assert_eq!(nearest("plattform", &known), Some("platform"));
        assert_eq!(nearest("paramters", &known), Some("parameters"));
        assert_eq!(nearest("colour", &known), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
