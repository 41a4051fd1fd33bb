//! A CSV's rows through a column map.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;

use linkcast_domain::{CounterName, Sample, SampleField, SampleValues, StreamId, Timestamp};

use super::ColumnMap;
use crate::rows::{lines, split_row, text};
use crate::{Counters, Fate, Origin, Parsed, Reading};

/// Reads a CSV through the origin's map.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rows = lines(bytes);
    let Some(map) = origin.map.as_deref() else {
        parsed.rejects.add(origin, 1, None, b"no column map", "a column map for this CSV (--map FILE)");
        lines(bytes).for_each(|_| parsed.account.add(Fate::Rejected));
        return parsed;
    };
    let delimiter = u8::try_from(map.delimiter).unwrap_or(b',');
    let mut fields = Vec::new();
    let Some((number, header)) = rows.next() else { return parsed };
    split_row(header, delimiter, &mut fields);
    let mut places = BTreeMap::new();
    for (place, name) in fields.iter().enumerate() {
        places.entry(text(name).unwrap_or_default().to_owned()).or_insert(place);
    }
    let missing = missing_columns(map, &places);
    for name in &missing {
        parsed.rejects.add(origin, number, Some(name.as_bytes()), header, "a column of this name");
    }
    parsed.account.add(if missing.is_empty() { Fate::Used } else { Fate::Rejected });
    for (number, line) in rows {
        if line.trim_ascii().is_empty() {
            parsed.account.add(Fate::Ignored);
            continue;
        }
        split_row(line, delimiter, &mut fields);
        let refused_before = parsed.rejects.total();
        let row = Row { map, places: &places, fields: &fields, line: number, origin };
        let fate = row.read(&mut parsed);
        let is_whole = parsed.rejects.total() == refused_before;
        parsed.account.add(if is_whole { fate } else { Fate::Rejected });
    }
    parsed
}

fn missing_columns<'m>(map: &'m ColumnMap, places: &BTreeMap<String, usize>) -> Vec<&'m str> {
    let counters = map.counters.keys().map(String::as_str);
    let values = map.values.iter().map(|value| value.column.as_str());
    let divisors = map.values.iter().filter_map(|value| value.divide_by.as_deref());
    let filters = map.filter.keys().map(String::as_str);
    let time = std::iter::once(map.time.column.as_str());
    let named = time.chain(filters).chain(counters).chain(values).chain(divisors);
    named.filter(|name| !places.contains_key(*name)).collect()
}

struct Row<'a> {
    map: &'a ColumnMap,
    places: &'a BTreeMap<String, usize>,
    fields: &'a [Cow<'a, [u8]>],
    line: u64,
    origin: &'a Origin,
}

impl Row<'_> {
    fn cell(&self, column: &str) -> Option<&str> {
        self.fields.get(*self.places.get(column)?).and_then(|field| text(field))
    }

    fn refuse(&self, column: &str, expected: &'static str, parsed: &mut Parsed) {
        let found = self.cell(column).unwrap_or_default().as_bytes();
        parsed.rejects.add(self.origin, self.line, Some(column.as_bytes()), found, expected);
    }

    fn read(&self, parsed: &mut Parsed) -> Fate {
        if self.map.filter.iter().any(|(column, wanted)| self.cell(column) != Some(wanted)) {
            return Fate::Ignored;
        }
        let column = &self.map.time.column;
        let Some(time) = self.cell(column).and_then(|cell| self.map.time.format.read(cell)) else {
            self.refuse(column, "a time in the map's format", parsed);
            return Fate::Rejected;
        };
        let Some(stream) = self.stream() else {
            self.refuse(&self.map.stream.template, "a cell in each of the template's columns", parsed);
            return Fate::Rejected;
        };
        self.read_counters(&stream, time, parsed);
        self.read_values(&stream, time, parsed);
        Fate::Used
    }

    /// The template with each `{column}` replaced by its cell, `{file}` by the file's name without its extensions.
    fn stream(&self) -> Option<StreamId> {
        let mut name = String::new();
        let mut rest = self.map.stream.template.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (column, tail) = after.split_once('}')?;
            name.push_str(before);
            name.push_str(match self.cell(column).filter(|cell| !cell.is_empty()) {
                Some(cell) => cell,
                None if column == "file" => self.file()?,
                None => return None,
            });
            rest = tail;
        }
        name.push_str(rest);
        name.parse().ok()
    }

    fn file(&self) -> Option<&str> {
        self.origin.name.rsplit(['/', '\\']).next()?.split('.').next().filter(|name| !name.is_empty())
    }

    fn read_counters(&self, stream: &StreamId, time: Timestamp, parsed: &mut Parsed) {
        let mut counters = Counters::default();
        let mut other: BTreeMap<CounterName, u64> = BTreeMap::new();
        for (column, counter) in &self.map.counters {
            let Some(cell) = self.cell(column).filter(|cell| !cell.is_empty()) else { continue };
            let Ok(value) = cell.parse::<u64>() else {
                self.refuse(column, "a whole number, or nothing where the counter is absent", parsed);
                continue;
            };
            let value = value.saturating_mul(counter.scale);
            match counter.known() {
                Some(known) => counters.set(known, value, counter.range()),
                None => drop(other.insert(counter.counter.as_str().into(), value)),
            }
        }
        if !counters.is_empty() || !other.is_empty() {
            parsed.readings.push(Reading {
                stream: stream.clone(),
                time: Some(time),
                counters,
                other: other.into_iter().collect(),
                gauges: Vec::new(),
                facts: None,
            });
        }
    }

    fn read_values(&self, stream: &StreamId, time: Timestamp, parsed: &mut Parsed) {
        let mut values = SampleValues::default();
        let mut other: BTreeMap<CounterName, f64> = BTreeMap::new();
        let mut is_empty = true;
        for column in &self.map.values {
            let number = |column: &str| self.cell(column).and_then(|cell| cell.parse::<f64>().ok());
            if self.cell(&column.column).is_none_or(str::is_empty) {
                continue;
            }
            let divisor = column.divide_by.as_deref().map_or(Some(1.0), number);
            let value = number(&column.column).zip(divisor).map(|(value, by)| value * column.scale / by);
            let Some(value) = value.filter(|value| value.is_finite()) else {
                self.refuse(&column.column, "a finite number, or nothing where the value is absent", parsed);
                continue;
            };
            is_empty = false;
            match SampleField::from_str(&column.name) {
                Ok(field) => values.set(field, values.get(field).map_or(value, |known| known.max(value))),
                Err(_) => {
                    let entry = other.entry(column.name.as_str().into()).or_insert(value);
                    *entry = entry.max(value);
                }
            }
        }
        if !is_empty {
            let other = other.into_iter().collect();
            parsed.samples.push(Sample { stream: stream.clone(), time, values, other });
        }
    }
}
