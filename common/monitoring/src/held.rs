//! One series held against its reference: how it scatters by itself, and what a look says of it.

use std::borrow::Cow;

use crate::bins::Bins;
use crate::distance;
use crate::past::{Aspect, Past, aspect};
use crate::report::{Direction, Evidence, Lacking, Missing, SeriesWindow};
use crate::scatter::{Residuals, Scatter, Trial};
use crate::settings::DriftSettings;
use crate::sketch::Sketch;
use crate::watched::Series;

/// A series' reference, ready to be held against.
pub(crate) struct Held<'a> {
    pub(crate) series: Series,
    reference: Cow<'a, Sketch>,
    bins: Option<Bins>,
    scatters: [Result<Scatter, Missing>; 3],
    /// How long it remembers, hours: the longest of its aspects.
    pub(crate) tau: f64,
    settings: &'a DriftSettings,
}

/// What a look says of a series before it is weighed with the others.
pub(crate) struct Tested {
    /// Its q and evidence are not known yet.
    pub(crate) window: SeriesWindow,
    trials: [Option<Trial>; 3],
    ways: f64,
}

impl<'a> Held<'a> {
    pub(crate) fn of(
        series: Series,
        reference: Cow<'a, Sketch>,
        (past, hours): (&Past, &[i64]),
        settings: &'a DriftSettings,
    ) -> Self {
        let residuals = Aspect::ALL.map(|aspect| {
            let past: Vec<(i64, f64)> = past.of(aspect, hours).collect();
            Residuals::of(&past, settings.cycle_hours)
        });
        let tau = residuals.iter().map(Residuals::tau).fold(1.0, f64::max);
        let scatters = residuals.map(|residuals| Scatter::of(residuals, tau, settings));
        let bins = Bins::cut(&reference);
        Held { series, reference, bins, scatters, tau, settings }
    }

    /// What is missing that nothing, or not all, can be said of it. A series that was never present has its absence alone.
    pub(crate) fn missing(&self) -> Option<Missing> {
        let mut missing = self.scatters.iter().filter_map(|scatter| scatter.as_ref().err());
        let never_there = |missing: &&Missing| missing.of == Lacking::ReferenceSamples;
        let is_mute = self.scatters.iter().all(Result::is_err);
        missing.clone().find(|one| !never_there(one)).or_else(|| missing.next().filter(|_| is_mute)).copied()
    }

    /// Hours in a block, and blocks in the reference.
    pub(crate) fn blocks(&self) -> (f64, f64) {
        let known = self.scatters.iter().find_map(|scatter| scatter.as_ref().ok());
        let have =
            self.scatters.iter().find_map(|scatter| scatter.as_ref().err()).map(|missing| missing.have);
        let block = (2.0 * self.tau).ceil();
        (block, known.map_or(have.unwrap_or(0) as f64, |scatter| scatter.blocks))
    }

    /// Holds a look against it: its hours' sketches, and all of them in one.
    pub(crate) fn look(&self, hours: &[(i64, Cow<'_, Sketch>)], pooled: &Sketch) -> Tested {
        let least = self.settings.least_samples;
        let enough = self.settings.least_look_hours();
        let mut trials = [None; 3];
        for ((trial, scatter), which) in trials.iter_mut().zip(&self.scatters).zip(Aspect::ALL) {
            let Ok(scatter) = scatter else { continue };
            let known = hours.iter().filter_map(|(hour, sketch)| {
                Some((*hour, aspect(self.series, self.bins.as_ref(), sketch, which, least)?))
            });
            let known: Vec<(i64, f64)> = known.collect();
            *trial = scatter.hold(&known).filter(|trial| u64::from(trial.hours) >= enough);
        }
        let ways = trials.iter().flatten().count() as f64;
        let p = trials.iter().flatten().map(|trial| trial.p).fold(1.0, f64::min);
        let hours = trials.iter().flatten().map(|trial| trial.hours).max().unwrap_or(0);
        let window = SeriesWindow {
            hours,
            samples: pooled.total(),
            blocks: f64::from(hours) / self.blocks().0,
            superiority: self.place(pooled).map_or(0.0, |place| place - 0.5),
            distance: distance::in_deviations(pooled, &self.reference),
            psi: self.stability_index(pooled, hours),
            absent_change: self.absent(pooled) - self.absent(&self.reference),
            p: (p * ways.max(1.0)).min(1.0),
            q: 1.0,
            direction: direction(&trials),
            evidence: Evidence::Unknown,
        };
        Tested { window, trials, ways }
    }

    fn place(&self, sketch: &Sketch) -> Option<f64> {
        self.bins.as_ref()?.place(sketch).map(|placed| placed.rank)
    }

    fn absent(&self, sketch: &Sketch) -> f64 {
        aspect(self.series, None, sketch, Aspect::Absent, 1).unwrap_or(0.0)
    }

    /// Less what chance gives. Of independent samples that is (filled bins - 1)(1/n + 1/m). Samples that remember count as fewer,
    /// for the mean rank as many times fewer as its variance is greater (d); the j-th finer distinction between bins forgets
    /// j times as fast (Hermite's polynomials of a Gaussian memory), so for all together it is bins - 1 + (d - 1)(1 + 1/2 + 1/3 + ...).
    fn stability_index(&self, sketch: &Sketch, hours: u32) -> f64 {
        let (Some(bins), [Ok(scatter), ..]) = (&self.bins, &self.scatters) else {
            return 0.0;
        };
        let (were, are) = (self.reference.present() as f64, sketch.present() as f64);
        if are == 0.0 || hours == 0 {
            return 0.0;
        }
        let finer = bins.filled().saturating_sub(1);
        let harmonic: f64 = (1..=finer).map(|order| 1.0 / order as f64).sum();
        let fewer = |variance: f64, count: f64| (variance * count / bins.variance().max(1e-9)).max(1.0);
        let chance =
            |variance: f64, count: f64| (finer as f64 + (fewer(variance, count) - 1.0) * harmonic) / count;
        let by_chance = chance(scatter.variance_of_reference(), were)
            + chance(scatter.variance_of_mean(f64::from(hours)), are);
        bins.stability_index(sketch, self.reference.present()) - by_chance
    }
}

impl Tested {
    /// Whether anything could be tested.
    pub(crate) fn is_known(&self) -> bool {
        self.ways > 0.0
    }

    /// Whether its place among the reference's samples could not be tested.
    #[cfg(test)]
    pub(crate) fn is_unsure(&self) -> bool {
        let [rank, ..] = &self.trials;
        rank.is_none()
    }

    /// Weighs it with the others of its look: `q` is its false discovery rate, `most` the greatest p that counts. What is more than
    /// chance must also matter, in the way it is more than chance.
    pub(crate) fn weigh(&mut self, q: f64, most: f64, settings: &DriftSettings) {
        self.window.q = q;
        let window = &self.window;
        let is_far = window.distance.is_some_and(|distance| distance >= settings.least_distance)
            || window.psi >= settings.least_psi;
        let matters = [is_far, is_far, window.absent_change.abs() >= settings.least_share];
        let counts = |trial: &Option<Trial>| trial.is_some_and(|trial| trial.p * self.ways <= most);
        let drifted = self.trials.iter().zip(matters).any(|(trial, matters)| matters && counts(trial));
        self.window.evidence = match (self.is_known(), drifted) {
            (false, _) => Evidence::Unknown,
            (true, true) => Evidence::Drift,
            (true, false) => Evidence::None,
        };
    }
}

/// The way of the clearest change.
fn direction(trials: &[Option<Trial>; 3]) -> Direction {
    let ways = [
        (Direction::Up, Direction::Down),
        (Direction::Wider, Direction::Narrower),
        (Direction::Rarer, Direction::MoreFrequent),
    ];
    let known = trials.iter().zip(ways).filter_map(|(trial, way)| Some((trial.as_ref()?, way)));
    let clearest = known.min_by(|(one, _), (two, _)| one.p.total_cmp(&two.p));
    clearest.map_or(Direction::Up, |(trial, (more, less))| if trial.change < 0.0 { less } else { more })
}
