//! The reference's bins, and where a sample lies among them.
//!
//! Bins are cut so that each holds about as much of the reference as the next; a number that is frequent of itself, as zero is
//! of counters, gets a bin alone. Outside lies one more on each side, empty in the reference: what leaves a constant is seen. A
//! sample's place is its bin's middle rank, 0 to 1, which is one half on average over the reference, whatever its distribution.

use crate::sketch::Sketch;

/// Bins a reference is cut into; with fewer than 500 independent samples a side more would be noise (docs/DRIFT.md).
const BINS: f64 = 12.0;

/// The bins of one series.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bins {
    bins: Vec<Bin>,
    /// The variance of a sample's place.
    variance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bin {
    /// Numbers up to this are in it, if they are in none before.
    upto: f64,
    /// Its share of the reference.
    share: f64,
    /// Its middle rank.
    rank: f64,
}

/// Where an hour's samples lie among the reference's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placed {
    /// The mean place, 0 to 1.
    pub(crate) rank: f64,
    /// The mean distance from the middle, 0 to 1: twice the place less one, without its sign.
    pub(crate) outlying: f64,
}

impl Bins {
    /// The bins of a reference; none if nothing was present.
    pub(crate) fn cut(reference: &Sketch) -> Option<Self> {
        let present = reference.present() as f64;
        let (first, last) = (reference.atoms().next()?, reference.atoms().last()?);
        let mut bins = vec![Bin { upto: below(first.middle), share: 0.0, rank: 0.0 }];
        let (mut share, mut upto) = (0.0, first.middle);
        for atom in reference.atoms() {
            let own = atom.count as f64 / present;
            if share > 0.0 && share + own > 1.5 / BINS {
                bins.push(Bin { upto, share, rank: 0.0 });
                share = 0.0;
            }
            (share, upto) = (share + own, atom.middle);
            if share >= 1.0 / BINS {
                bins.push(Bin { upto, share, rank: 0.0 });
                share = 0.0;
            }
        }
        if share > 0.0 {
            bins.push(Bin { upto: last.middle, share, rank: 0.0 });
        }
        bins.push(Bin { upto: f64::INFINITY, share: 0.0, rank: 1.0 });
        Some(Bins::ranked(bins))
    }

    fn ranked(mut bins: Vec<Bin>) -> Self {
        let mut before = 0.0;
        for bin in &mut bins {
            bin.rank = before + bin.share / 2.0;
            before += bin.share;
        }
        let mean = |of: &dyn Fn(&Bin) -> f64| bins.iter().map(|bin| bin.share * of(bin)).sum::<f64>();
        let variance = mean(&|bin| (bin.rank - 0.5) * (bin.rank - 0.5));
        Bins { bins, variance }
    }

    /// Bins that hold something in the reference.
    pub(crate) fn filled(&self) -> usize {
        self.bins.iter().filter(|bin| bin.share > 0.0).count()
    }

    /// The variance of one sample's place.
    pub(crate) fn variance(&self) -> f64 {
        self.variance
    }

    /// How many of a sketch's samples are in each bin.
    fn counts(&self, sketch: &Sketch) -> Vec<u64> {
        let mut counts = vec![0; self.bins.len()];
        let mut place = 0;
        for atom in sketch.atoms() {
            while self.bins.get(place).is_some_and(|bin| bin.upto < atom.middle) {
                place += 1;
            }
            counts.get_mut(place).into_iter().for_each(|count| *count += atom.count);
        }
        counts
    }

    /// Where a sketch's samples lie; none if there are none.
    pub(crate) fn place(&self, sketch: &Sketch) -> Option<Placed> {
        let counts = self.counts(sketch);
        let present = counts.iter().sum::<u64>() as f64;
        if present == 0.0 {
            return None;
        }
        let mean = |of: &dyn Fn(&Bin) -> f64| {
            let weighed = self.bins.iter().zip(&counts).map(|(bin, count)| *count as f64 * of(bin));
            weighed.sum::<f64>() / present
        };
        Some(Placed { rank: mean(&|bin| bin.rank), outlying: mean(&|bin| outlying(bin.rank)) })
    }

    /// The population stability index of a sketch against the reference. Half a sample more in each bin keeps empty ones finite.
    pub(crate) fn stability_index(&self, sketch: &Sketch, reference: u64) -> f64 {
        let counts = self.counts(sketch);
        let (bins, present) = (self.bins.len() as f64, counts.iter().sum::<u64>() as f64);
        let share = |count: f64, of: f64| (count + 0.5) / (of + 0.5 * bins);
        let reference = reference as f64;
        let parts = self.bins.iter().zip(counts).map(|(bin, count)| {
            let (was, is) = (share(bin.share * reference, reference), share(count as f64, present));
            (is - was) * (is / was).ln()
        });
        parts.sum()
    }
}

fn outlying(rank: f64) -> f64 {
    (2.0 * rank - 1.0).abs()
}

/// A little less than a number, by less than a sketch tells apart.
fn below(value: f64) -> f64 {
    value - value.abs() * 1e-9 - f64::MIN_POSITIVE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::Dice;

    fn sketch(values: impl IntoIterator<Item = f64>) -> Sketch {
        let mut sketch = Sketch::default();
        values.into_iter().for_each(|value| sketch.add(value));
        sketch
    }

    #[test]
    fn a_reference_lies_in_the_middle_of_itself_and_a_shift_moves_it() {
        let mut dice = Dice::new(1);
        let reference = sketch((0..40_000).map(|_| dice.normal()));
        let bins = Bins::cut(&reference).unwrap();
        let placed = bins.place(&reference).unwrap();
        assert!((placed.rank - 0.5).abs() < 1e-9, "{placed:?}");
        assert!((10..=14).contains(&bins.filled()), "{}", bins.filled());
        assert!((bins.variance() - 1.0 / 12.0).abs() < 0.002);
        assert!(bins.stability_index(&reference, 40_000).abs() < 1e-9);
        // P(X + 0.5 > Y) of two normal numbers is 0.638.
        let shifted = sketch((0..40_000).map(|_| dice.normal() + 0.5));
        assert!((bins.place(&shifted).unwrap().rank - 0.638).abs() < 0.01);
        assert!((0.2..0.3).contains(&bins.stability_index(&shifted, 40_000)));
        let wider = sketch((0..40_000).map(|_| dice.normal() * 2_f64.sqrt()));
        assert!(bins.place(&wider).unwrap().outlying > placed.outlying + 0.08);
    }

    #[test]
    fn zero_has_a_bin_alone_and_what_leaves_a_constant_is_seen() {
        let mut dice = Dice::new(2);
        let mostly_zero =
            sketch((0..10_000).map(|_| if dice.uniform() < 0.8 { 0.0 } else { dice.uniform() }));
        let bins = Bins::cut(&mostly_zero).unwrap();
        let rank = bins.place(&sketch([0.0])).unwrap().rank;
        assert!((rank - 0.4).abs() < 0.02, "{rank}");
        let constant = Bins::cut(&sketch([7.0; 100])).unwrap();
        let rank = |value: f64| constant.place(&sketch([value])).unwrap().rank;
        assert_eq!((rank(7.0), rank(8.0), rank(6.0)), (0.5, 1.0, 0.0));
        let zeros = Bins::cut(&sketch([0.0; 100])).unwrap();
        let rank = |value: f64| zeros.place(&sketch([value])).unwrap().rank;
        assert_eq!((rank(0.0), rank(1e-12), rank(-1e-12)), (0.5, 1.0, 0.0));
        assert_eq!(Bins::cut(&Sketch::default()), None);
    }
}
