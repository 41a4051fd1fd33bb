//! The planes: fitted on weighted rows, stopped on others, asked for margins as a forest is.

use linkcast_domain::{FEATURE_COUNT, PredictionType};

use super::descent::descend;
use super::prepare::Preparation;
use crate::TrainingSet;
use crate::math;

const COUNT: usize = PredictionType::COUNT;
/// Steps at most.
const MOST_STEPS: usize = 150;
/// Steps without a better loss on the stopping rows before the descent ends.
const PATIENCE: usize = 10;

/// Rows to fit and rows to stop by, with what each row weighs.
pub(crate) struct Lesson<'a> {
    pub(crate) fit: &'a TrainingSet,
    pub(crate) fit_weights: &'a [f32],
    pub(crate) stop: &'a TrainingSet,
    pub(crate) stop_weights: &'a [f32],
}

/// A plane a class.
#[derive(Clone, Debug)]
pub(crate) struct Planes {
    preparation: Preparation,
    /// `[class][input]`.
    slopes: Vec<f64>,
    /// Steps it took to get here.
    pub(crate) steps: usize,
}

/// Fits planes; `strength` holds the slopes down: the weight of half their squares beside the mean loss of a row.
pub(crate) fn fit(lesson: &Lesson<'_>, strength: f64) -> Planes {
    let preparation = Preparation::of(lesson.fit.features());
    let fit = Rows::of(&preparation, lesson.fit, lesson.fit_weights);
    let stop = Rows::of(&preparation, lesson.stop, lesson.stop_weights);
    let start = vec![0.0; COUNT * preparation.width()];
    let mut best = (stop.loss(&start), start.clone(), 0);
    let mut steps = 0;
    descend(
        start,
        MOST_STEPS,
        |slopes| fit.hill(slopes, strength),
        |slopes| {
            steps += 1;
            let loss = stop.loss(slopes);
            if loss < best.0 {
                best = (loss, slopes.to_vec(), steps);
            }
            steps - best.2 >= PATIENCE
        },
    );
    Planes { preparation, slopes: best.1, steps: best.2 }
}

impl Planes {
    /// The margins of `rows`, `[row][class]`.
    pub(crate) fn margins(&self, rows: &[[f32; FEATURE_COUNT]]) -> Vec<f64> {
        let inputs = self.preparation.inputs(rows);
        let rows = inputs.chunks_exact(self.preparation.width());
        rows.flat_map(|inputs| margins(&self.slopes, inputs)).collect()
    }
}

fn margins(slopes: &[f64], inputs: &[f64]) -> [f64; COUNT] {
    let mut margins = [0.0; COUNT];
    for (margin, slopes) in margins.iter_mut().zip(slopes.chunks_exact(inputs.len())) {
        *margin = slopes.iter().zip(inputs).map(|(slope, input)| slope * input).sum();
    }
    margins
}

/// Rows ready for the descent.
struct Rows<'a> {
    inputs: Vec<f64>,
    width: usize,
    classes: &'a [PredictionType],
    weights: &'a [f32],
    total: f64,
}

impl<'a> Rows<'a> {
    fn of(preparation: &Preparation, set: &'a TrainingSet, weights: &'a [f32]) -> Self {
        Rows {
            inputs: preparation.inputs(set.features()),
            width: preparation.width(),
            classes: set.classes(),
            weights,
            total: weights.iter().map(|weight| f64::from(*weight)).sum::<f64>().max(f64::MIN_POSITIVE),
        }
    }

    fn each(&self) -> impl Iterator<Item = (&[f64], PredictionType, f64)> {
        let rows = self.inputs.chunks_exact(self.width).zip(self.classes).zip(self.weights);
        rows.map(|((inputs, class), weight)| (inputs, *class, f64::from(*weight) / self.total))
    }

    fn loss(&self, slopes: &[f64]) -> f64 {
        self.each().map(|(inputs, class, weight)| weight * loss(&probabilities(slopes, inputs), class)).sum()
    }

    /// The mean loss with the price of steep slopes, and its slope. The constant is free of that price.
    fn hill(&self, slopes: &[f64], strength: f64) -> (f64, Vec<f64>) {
        let mut value = 0.0;
        let mut slope = vec![0.0; slopes.len()];
        for (inputs, class, weight) in self.each() {
            let probabilities = probabilities(slopes, inputs);
            value += weight * loss(&probabilities, class);
            for (number, (probability, slope)) in
                probabilities.iter().zip(slope.chunks_exact_mut(self.width)).enumerate()
            {
                let target = if number == class.index() { 1.0 } else { 0.0 };
                let pull = weight * (probability - target);
                slope.iter_mut().zip(inputs).for_each(|(slope, input)| *slope += pull * input);
            }
        }
        for (place, (slope, at)) in slope.iter_mut().zip(slopes).enumerate() {
            if place % self.width != 0 {
                value += strength / 2.0 * at * at;
                *slope += strength * at;
            }
        }
        (value, slope)
    }
}

fn probabilities(slopes: &[f64], inputs: &[f64]) -> [f64; COUNT] {
    let mut probabilities = margins(slopes, inputs);
    math::softmax(&mut probabilities);
    probabilities
}

fn loss(probabilities: &[f64; COUNT], class: PredictionType) -> f64 {
    -math::ln(probabilities.get(class.index()).copied().unwrap_or(0.0).max(1e-15))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::made_up;

    fn rows_right(planes: &Planes, set: &TrainingSet) -> f64 {
        let margins = planes.margins(set.features());
        let said = margins.as_chunks::<COUNT>().0.iter().map(|margins| math::largest(margins));
        let right = said.zip(set.classes()).filter(|(said, class)| *said == class.index()).count();
        right as f64 / set.len() as f64
    }

    #[test]
    fn planes_learn_what_a_plane_can_tell_and_give_the_same_bits_again() {
        let set = made_up(60);
        let weights = vec![1.0; set.len()];
        let lesson = Lesson { fit: &set, fit_weights: &weights, stop: &set, stop_weights: &weights };
        let planes = fit(&lesson, 1e-4);
        let normal = set.classes().iter().filter(|class| **class == PredictionType::Normal).count();
        let of_guessing = normal as f64 / set.len() as f64;
        let right = rows_right(&planes, &set);
        assert!(right > of_guessing + 0.1, "{right} against {of_guessing} by guessing");
        assert_eq!(fit(&lesson, 1e-4).slopes, planes.slopes);
    }

    #[test]
    fn a_stronger_hold_makes_flatter_planes() {
        let set = made_up(30);
        let weights = vec![1.0; set.len()];
        let lesson = Lesson { fit: &set, fit_weights: &weights, stop: &set, stop_weights: &weights };
        let steepness =
            |strength| fit(&lesson, strength).slopes.iter().map(|slope| slope * slope).sum::<f64>();
        assert!(steepness(1.0) < steepness(1e-4) / 4.0);
    }

    #[test]
    fn the_slope_is_the_hills() {
        let set = made_up(12);
        let weights = vec![1.0; set.len()];
        let preparation = Preparation::of(set.features());
        let rows = Rows::of(&preparation, &set, &weights);
        let at: Vec<f64> = (0..COUNT * rows.width).map(|place| (place % 7) as f64 / 20.0 - 0.15).collect();
        let (_, slope) = rows.hill(&at, 0.01);
        for place in [0, 3, rows.width, COUNT * rows.width - 1] {
            let moved = |by: f64| {
                let mut at = at.clone();
                at[place] += by;
                rows.hill(&at, 0.01).0
            };
            let rise = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((rise - slope[place]).abs() < 1e-6, "{rise} against {} at {place}", slope[place]);
        }
    }
}
