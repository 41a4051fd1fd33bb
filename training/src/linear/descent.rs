//! L-BFGS: down a smooth hill with a memory of the last few steps (Nocedal and Wright, Numerical Optimization, 7.2).
//!
//! One order of additions and no randomness, so the same hill gives the same valley to the bit.

/// Steps remembered.
const MEMORY: usize = 8;
/// Halvings of a step before the search ends where it is.
const MOST_HALVINGS: usize = 25;
/// The share of the slope's promise that a step must keep.
const ENOUGH: f64 = 1e-4;

/// One step taken: how the place moved, and how the slope did.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
    /// One over their product.
    inverse: f64,
}

/// A place on the hill.
pub(super) struct Place {
    pub(super) at: Vec<f64>,
    value: f64,
    slope: Vec<f64>,
}

/// Walks down from `start`; `hill` gives height and slope, `arrived` is told of each place and says whether to stop.
pub(super) fn descend(
    start: Vec<f64>,
    most_steps: usize,
    hill: impl Fn(&[f64]) -> (f64, Vec<f64>),
    mut arrived: impl FnMut(&[f64]) -> bool,
) -> Place {
    let (value, slope) = hill(&start);
    let mut here = Place { at: start, value, slope };
    let mut memory: Vec<Step> = Vec::new();
    for _ in 0..most_steps {
        let Some(next) = step(&here, &memory, &hill) else { break };
        remember(&mut memory, &here, &next);
        here = next;
        if arrived(&here.at) {
            break;
        }
    }
    here
}

fn step(here: &Place, memory: &[Step], hill: &impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Option<Place> {
    let direction = direction(&here.slope, memory);
    let promise = dot(&direction, &here.slope);
    if promise.is_nan() || promise > -1e-14 {
        return None;
    }
    let size = dot(&here.slope, &here.slope).sqrt();
    let mut length = if memory.is_empty() { (1.0 / size).min(1.0) } else { 1.0 };
    for _ in 0..MOST_HALVINGS {
        let at: Vec<f64> = here.at.iter().zip(&direction).map(|(at, way)| at + length * way).collect();
        let (value, slope) = hill(&at);
        if value <= here.value + ENOUGH * length * promise {
            return Some(Place { at, value, slope });
        }
        length /= 2.0;
    }
    None
}

/// The way down: the slope, bent by what the last steps taught of the hill's curvature.
fn direction(slope: &[f64], memory: &[Step]) -> Vec<f64> {
    let mut way: Vec<f64> = slope.iter().map(|slope| -slope).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for step in memory.iter().rev() {
        let share = step.inverse * dot(&step.moved, &way);
        add(&mut way, -share, &step.turned);
        shares.push(share);
    }
    if let Some(last) = memory.last() {
        let scale = 1.0 / (last.inverse * dot(&last.turned, &last.turned));
        way.iter_mut().for_each(|way| *way *= scale);
    }
    for (step, share) in memory.iter().zip(shares.iter().rev()) {
        let back = step.inverse * dot(&step.turned, &way);
        add(&mut way, share - back, &step.moved);
    }
    way
}

fn remember(memory: &mut Vec<Step>, here: &Place, next: &Place) {
    let moved: Vec<f64> = next.at.iter().zip(&here.at).map(|(next, here)| next - here).collect();
    let turned: Vec<f64> = next.slope.iter().zip(&here.slope).map(|(next, here)| next - here).collect();
    let product = dot(&moved, &turned);
    if product > 1e-12 {
        if memory.len() == MEMORY {
            memory.remove(0);
        }
        memory.push(Step { moved, turned, inverse: 1.0 / product });
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

fn add(to: &mut [f64], times: f64, what: &[f64]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += times * what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottom_of_a_narrow_valley_is_found() {
        // Rosenbrock's banana, whose bottom is at (1, 1).
        let banana = |at: &[f64]| {
            let (x, y) = (at[0], at[1]);
            let value = (1.0 - x) * (1.0 - x) + 100.0 * (y - x * x) * (y - x * x);
            (value, vec![-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)])
        };
        let mut steps = 0;
        let place = descend(vec![-1.2, 1.0], 200, banana, |_| {
            steps += 1;
            false
        });
        assert!((place.at[0] - 1.0).abs() < 1e-5 && (place.at[1] - 1.0).abs() < 1e-5, "{:?}", place.at);
        assert!(steps < 100, "{steps}");
    }

    #[test]
    fn it_stops_where_it_is_told() {
        let bowl = |at: &[f64]| (at[0] * at[0], vec![2.0 * at[0]]);
        let place = descend(vec![100.0], 50, bowl, |_| true);
        assert!(place.at[0] > 1.0, "{:?}", place.at);
    }
}
