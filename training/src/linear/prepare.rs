//! Features as a plane can use them: bent, standardised, absences told.

use linkcast_domain::{FEATURE_COUNT, FEATURES};

use crate::constraints::LEFT_OUT;

/// What one feature is turned into.
#[derive(Clone, Copy, Debug)]
struct Column {
    feature: usize,
    /// The size at which bending begins: the median of the sizes that are not 0.
    bend: f64,
    mean: f64,
    deviation: f64,
    /// Whether rows lack it, so that a second column says so.
    may_be_absent: bool,
}

/// How rows are turned into inputs, with the figures of the rows that fit and of no others.
#[derive(Clone, Debug)]
pub(super) struct Preparation {
    columns: Vec<Column>,
}

impl Preparation {
    /// The preparation that `rows` ask for. A feature that is always the same takes no part.
    pub(super) fn of(rows: &[[f32; FEATURE_COUNT]]) -> Self {
        let shown = (0..FEATURE_COUNT).filter(|feature| {
            let is_left_out = |left_out: &linkcast_domain::Feature| *left_out as usize == *feature;
            FEATURES.get(*feature).is_some() && !LEFT_OUT.iter().any(is_left_out)
        });
        Preparation { columns: shown.filter_map(|feature| column(feature, rows)).collect() }
    }

    /// How many inputs a row becomes, the constant 1 among them.
    pub(super) fn width(&self) -> usize {
        1 + self.columns.iter().map(|column| 1 + usize::from(column.may_be_absent)).sum::<usize>()
    }

    /// The inputs of all rows, one row after the other; the first of each is 1.
    pub(super) fn inputs(&self, rows: &[[f32; FEATURE_COUNT]]) -> Vec<f64> {
        let mut inputs = Vec::with_capacity(rows.len() * self.width());
        for row in rows {
            inputs.push(1.0);
            for column in &self.columns {
                let value = row.get(column.feature).copied().unwrap_or(f32::NAN);
                inputs.push(column.standardised(value));
                if column.may_be_absent {
                    inputs.push(if value.is_nan() { 1.0 } else { 0.0 });
                }
            }
        }
        inputs
    }
}

impl Column {
    fn standardised(&self, value: f32) -> f64 {
        if value.is_nan() { 0.0 } else { (bent(value, self.bend) - self.mean) / self.deviation }
    }
}

/// Straight around 0, a logarithm far from it, on both sides.
fn bent(value: f32, bend: f64) -> f64 {
    libm::asinh(f64::from(value) / bend)
}

fn column(feature: usize, rows: &[[f32; FEATURE_COUNT]]) -> Option<Column> {
    let values = rows.iter().filter_map(|row| row.get(feature).copied());
    let present: Vec<f32> = values.filter(|value| !value.is_nan()).collect();
    let mut sizes: Vec<f32> = present.iter().map(|value| value.abs()).filter(|size| *size > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    let bend = sizes.get(sizes.len() / 2).map(|size| f64::from(*size))?;
    let count = present.len() as f64;
    let mean = present.iter().map(|value| bent(*value, bend)).sum::<f64>() / count;
    let spread = present.iter().map(|value| (bent(*value, bend) - mean) * (bent(*value, bend) - mean));
    let deviation = (spread.sum::<f64>() / count).sqrt();
    let may_be_absent = present.len() < rows.len();
    (deviation > 1e-12).then_some(Column { feature, bend, mean, deviation, may_be_absent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use linkcast_domain::Feature;

    #[test]
    fn inputs_have_mean_0_and_spread_1_and_say_what_is_absent() {
        let mut rows = vec![[0.0f32; FEATURE_COUNT]; 100];
        for (place, row) in rows.iter_mut().enumerate() {
            row[Feature::ErrorRate as usize] = if place % 4 == 0 { f32::NAN } else { place as f32 * 1e-9 };
            row[Feature::Hour as usize] = place as f32;
        }
        let preparation = Preparation::of(&rows);
        assert_eq!(preparation.width(), 3, "the constant, one feature, its absence; not the hour");
        let inputs = preparation.inputs(&rows);
        let column = |offset: usize| inputs.iter().skip(offset).step_by(3).copied().collect::<Vec<f64>>();
        assert!(column(1).iter().sum::<f64>().abs() < 1e-9);
        let squares = column(1).iter().map(|value| value * value).sum::<f64>();
        assert!((squares / 75.0 - 1.0).abs() < 1e-9, "{squares}");
        assert_eq!(column(2).iter().sum::<f64>(), 25.0);
        assert_eq!(column(1)[0], 0.0, "an absent value is the mean");
    }
}
