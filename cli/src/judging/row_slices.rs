//! Where rows are misjudged: by fabric, link rate, hour and whether latency was measured.
//!
//! Beside the slices by episode ([`super::slices`]), because a fault can be found by its few clear rows while most of the others are
//! called normal. A slice in which a class is not there cannot be asked about it, so the number of classes stands beside the figures.

use std::collections::{BTreeMap, BTreeSet};

use linkcast_domain::PredictionType;
use linkcast_training::evaluation::Confusion;
use serde::Serialize;

use super::rows::JudgedRow;
use super::slices::values;

const DIMENSIONS: [&str; 4] = ["fabric", "link rate", "hour", "latency"];

/// Rows that have one thing in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RowSlice {
    /// What they are sliced by.
    pub(crate) by: &'static str,
    /// What they have in common.
    pub(crate) value: String,
    /// Rows judged.
    pub(crate) rows: usize,
    /// Of them, rows of faults.
    pub(crate) faulty_rows: usize,
    /// Groups of streams that rows of faults come from: what the figures truly rest on.
    pub(crate) faulty_groups: usize,
    /// Classes that are there.
    pub(crate) classes: usize,
    /// The model's mean F1 of those, each weighing the same.
    pub(crate) macro_f1: f64,
    /// Its mean recall of those.
    pub(crate) accuracy: f64,
    /// The share it has right of rows as they come.
    pub(crate) accuracy_as_they_come: f64,
    /// The label rules' mean F1.
    pub(crate) rules_macro_f1: f64,
}

#[derive(Default)]
struct Counts {
    rows: usize,
    faulty_rows: usize,
    faulty_groups: BTreeSet<(u64, u32)>,
    classes: BTreeSet<PredictionType>,
    model: Confusion,
    rules: Confusion,
}

/// Every slice of `rows`.
pub(super) fn row_slices(rows: &[&JudgedRow]) -> Vec<RowSlice> {
    let mut counts: BTreeMap<(usize, String), Counts> = BTreeMap::new();
    for row in rows {
        for (dimension, value) in values(row.group.0, row.port, row.hour).into_iter().enumerate() {
            counts.entry((dimension, value)).or_default().add(row);
        }
    }
    let slice = |((dimension, value), counts): ((usize, String), Counts)| {
        Some(counts.slice(DIMENSIONS.get(dimension).copied()?, value))
    };
    counts.into_iter().filter_map(slice).collect()
}

impl Counts {
    fn add(&mut self, row: &JudgedRow) {
        self.rows += 1;
        self.classes.insert(row.truth);
        if row.truth != PredictionType::Normal {
            self.faulty_rows += 1;
            self.faulty_groups.insert(row.group);
        }
        self.model.add(row.truth, row.model.class, row.weight);
        self.rules.add(row.truth, row.rules, row.weight);
    }

    fn slice(self, by: &'static str, value: String) -> RowSlice {
        let balanced = self.model.balanced().report();
        RowSlice {
            by,
            value,
            rows: self.rows,
            faulty_rows: self.faulty_rows,
            faulty_groups: self.faulty_groups.len(),
            classes: self.classes.len(),
            macro_f1: balanced.macro_f1,
            accuracy: balanced.accuracy,
            accuracy_as_they_come: self.model.report().accuracy,
            rules_macro_f1: self.rules.balanced().report().macro_f1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bystander::PortTraits;
    use super::super::rows::Saying;
    use super::*;
    use PredictionType::{LatencySpike, Normal};
    use linkcast_training::Phase;

    fn row(group: u32, rate_gbps: f64, truth: PredictionType, said: PredictionType) -> JudgedRow {
        JudgedRow {
            group: (5, group),
            truth,
            phase: Phase::Well,
            weight: 1.0,
            model: Saying::sure_of(said),
            live: None,
            rules: Normal,
            rules_confidence: 1.0,
            port: PortTraits { rate_gbps: Some(rate_gbps), has_latency: rate_gbps > 300.0 },
            hour: 7,
        }
    }

    #[test]
    fn each_row_counts_once_in_each_dimension_and_a_slice_has_its_own_figures() {
        let rows = [
            row(1, 400.0, LatencySpike, LatencySpike),
            row(1, 400.0, LatencySpike, LatencySpike),
            row(2, 400.0, Normal, Normal),
            row(3, 200.0, LatencySpike, Normal),
            row(4, 200.0, Normal, Normal),
        ];
        let slices = row_slices(&rows.iter().collect::<Vec<_>>());
        let figures: Vec<_> = slices
            .iter()
            .map(|one| (one.by, one.value.as_str(), one.rows, one.faulty_groups, one.accuracy))
            .collect();
        assert_eq!(
            figures,
            [
                ("fabric", "seed 5", 5, 2, 0.833_333),
                ("link rate", " 200 Gb/s", 2, 1, 0.5),
                ("link rate", " 400 Gb/s", 3, 1, 1.0),
                ("hour", "06 to 12 h UTC", 5, 2, 0.833_333),
                ("latency", "measured", 3, 1, 1.0),
                ("latency", "not measured", 2, 1, 0.5),
            ]
        );
        assert!(slices.iter().all(|one| one.classes == 2));
    }
}
