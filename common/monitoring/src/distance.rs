//! How far two distributions lie apart: Wasserstein's first distance, the least mass times way that makes one of the other.

use crate::sketch::{Atom, Sketch};

/// The distance of what was present in `sketch` from `reference`, in the reference's standard deviations; none where one has
/// nothing or the reference never varied.
pub(crate) fn in_deviations(sketch: &Sketch, reference: &Sketch) -> Option<f64> {
    let (_, deviation) = reference.mean_and_deviation()?;
    (deviation > 0.0 && sketch.present() > 0).then(|| between(sketch, reference) / deviation)
}

/// The area between the two distribution functions.
fn between(one: &Sketch, two: &Sketch) -> f64 {
    let (ones, twos) = (one.present() as f64, two.present() as f64);
    let mut steps: Vec<(f64, f64)> = one.atoms().map(|atom| step(atom, ones)).collect();
    steps.extend(two.atoms().map(|atom| step(atom, -twos)));
    steps.sort_by(|one, two| one.0.total_cmp(&two.0));
    let (mut area, mut height) = (0.0, 0.0_f64);
    for (step, next) in steps.iter().zip(steps.iter().skip(1)) {
        height += step.1;
        area += height.abs() * (next.0 - step.0);
    }
    area
}

fn step(atom: Atom, all: f64) -> (f64, f64) {
    (atom.middle, atom.count as f64 / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Dice;

    #[test]
    fn a_shift_of_half_a_deviation_is_half_a_deviation_away() {
        let mut dice = Dice::new(1);
        let mut of = |shift: f64| {
            let mut sketch = Sketch::default();
            (0..40_000).for_each(|_| sketch.add(100.0 + 20.0 * (dice.normal() + shift)));
            sketch
        };
        let (reference, shifted, same) = (of(0.0), of(0.5), of(0.0));
        let distance = in_deviations(&shifted, &reference).unwrap();
        assert!((distance - 0.5).abs() < 0.03, "{distance}");
        assert!(in_deviations(&same, &reference).unwrap() < 0.03);
        assert_eq!(in_deviations(&reference, &reference), Some(0.0));
        assert_eq!(in_deviations(&Sketch::default(), &reference), None);
    }
}
